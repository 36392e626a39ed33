package main

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
)

// bareServer is the reference of part fanout: WebSockets of the same library on net/http, each in the goroutine of its
// request, and one frame from memory for all of them. No task, no database, no middleware.
type bareServer struct {
	api string

	mu    sync.Mutex
	frame []byte
	wake  chan struct{} // closed and replaced with every frame
}

// up implements tested.
func (s *bareServer) up(context.Context) (stop func(), err error) {
	e := resultEvent()
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

// obey implements tested.
func (s *bareServer) obey(_ context.Context, c command) (reply, error) {
	switch c.Op {
	case "hello":
		return reply{API: s.api}, nil
	case "tasks":
		return reply{Tasks: []uuid.UUID{uuid.New()}}, nil
	case "collect":
		debug.FreeOSMemory()
		return reply{}, nil
	case "one":
		at := time.Now().UnixNano()
		s.mu.Lock()
		defer s.mu.Unlock()
		close(s.wake)
		s.wake = make(chan struct{})
		return reply{Stamps: []stamp{{Task: c.Tasks[0], At: at}}}, nil
	}
	return reply{}, fmt.Errorf("unknown command %q", c.Op)
}

// ServeHTTP implements http.Handler. A client gets two frames at once, as a stream of a task begins with, and one with
// every "one".
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
