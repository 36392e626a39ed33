package server

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"legwork/bench/workload"
)

// bareServer is the reference of part fanout. It serves WebSockets with the same library on net/http, each in the
// goroutine of its request, and sends one frame from memory to all of them. It has no tasks, no database and no
// middleware.
type bareServer struct {
	api string

	mu    sync.Mutex
	frame []byte
	wake  chan struct{} // closed and replaced when a frame is sent
}

// start implements commanded.
func (s *bareServer) start(context.Context) (stop func(), err error) {
	e := workload.Result()
	e.TaskID, e.Seq, e.Time = uuid.New(), 1, time.Now()
	s.frame, s.wake = e.Frame(), make(chan struct{})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.api = "http://" + ln.Addr().String()
	web := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = web.Serve(ln) }()
	return func() { _ = web.Close() }, nil
}

// do implements commanded.
func (s *bareServer) do(_ context.Context, c Command) (Reply, error) {
	switch c.Op {
	case "ready":
		return Reply{API: s.api}, nil
	case "tasks":
		return Reply{Tasks: []uuid.UUID{uuid.New()}}, nil
	case "collect":
		debug.FreeOSMemory()
		return Reply{}, nil
	case "append one":
		at := time.Now().UnixNano()
		s.mu.Lock()
		defer s.mu.Unlock()
		close(s.wake)
		s.wake = make(chan struct{})
		return Reply{Commits: []Commit{{Task: c.Tasks[0], At: at}}}, nil
	}
	return Reply{}, fmt.Errorf("unknown command %q", c.Op)
}

// ServeHTTP implements http.Handler. A client first gets two frames, like those at the beginning of a task's stream,
// and then one frame for each command "append one".
func (s *bareServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	ctx := conn.CloseRead(r.Context())
	s.mu.Lock()
	wake := s.wake
	s.mu.Unlock()
	for range 2 {
		if conn.Write(ctx, websocket.MessageText, s.frame) != nil {
			return
		}
	}
	for {
		select {
		case <-wake:
		case <-ctx.Done():
			return
		}
		s.mu.Lock()
		wake = s.wake
		s.mu.Unlock()
		if conn.Write(ctx, websocket.MessageText, s.frame) != nil {
			return
		}
	}
}
