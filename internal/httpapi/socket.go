package httpapi

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"legwork/internal/research"
	"legwork/internal/stream"
	"legwork/internal/wire"
)

// maxClientFrame bounds what a client may send at once. It has nothing to say; the frames are read and dropped.
const maxClientFrame = 32 << 10

// streamTask follows a task over a WebSocket (RFC 6455). Everything that can be refused is refused before the upgrade,
// but for an unknown task, which gets a frame that says so.
func (s *server) streamTask(w http.ResponseWriter, r *http.Request) {
	after, err := cursorOf(r.URL.Query())
	deltas := false
	if err == nil {
		deltas, err = wantsDeltas(r.URL.Query())
	}
	if err == nil {
		err = s.checkHandshake(w, r)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	raw := chi.URLParam(r, "id")
	id, err := wire.ParseID(raw)
	var sub *stream.Subscription
	if err == nil {
		sub, err = s.subscribe(r.Context(), id, after, deltas)
	}
	unknown := errors.Is(err, research.ErrNotFound)
	if err != nil && !unknown {
		s.fail(w, r, err)
		return
	}
	// Compression would cost far more memory per connection than it saves; the origin has been checked.
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
	if err != nil { // the connection broke: the handshake itself has been checked
		if sub != nil {
			sub.Close()
		}
		s.log.DebugContext(r.Context(), "upgrade failed", "error", err, "request", requestIDOf(r.Context()))
		return
	}
	conn.SetReadLimit(maxClientFrame)
	s.sockets.enter()
	if unknown {
		defer s.sockets.leave()
		defer func() { _ = conn.CloseNow() }()
		s.refuse(r.Context(), conn, raw)
		return
	}
	// The connection is ours from here on. In a goroutine of its own it does not hold on to what the request has needed:
	// a stack that has been through all middleware and a query, and net/http's side of the connection.
	ctx := context.WithoutCancel(r.Context())
	go func() {
		defer s.sockets.leave()
		defer func() {
			if v := recover(); v != nil {
				s.log.ErrorContext(ctx, "stream panicked", "panic", v, "task", id, "stack", string(debug.Stack()))
			}
		}()
		defer func() { _ = conn.CloseNow() }()
		s.follow(ctx, conn, id, sub)
	}()
}

// cursorOf reads ?after=, which may be given once.
func cursorOf(query url.Values) (int64, error) {
	values := query[afterField]
	switch len(values) {
	case 0:
		return 0, nil
	case 1:
		return parseAfter(afterField, values[0])
	}
	return parseAfter(afterField, "")
}

// checkHandshake refuses what websocket.Accept would refuse, which answers in plain text.
func (s *server) checkHandshake(w http.ResponseWriter, r *http.Request) error {
	if !r.ProtoAtLeast(1, 1) || !lists(r.Header, "Connection", "upgrade") || !lists(r.Header, "Upgrade", "websocket") {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		return errUpgrade
	}
	if !s.origins.allows(r) {
		return errOrigin
	}
	keys := r.Header.Values("Sec-Websocket-Key")
	if len(keys) == 1 && r.Header.Get("Sec-Websocket-Version") == "13" && r.Method == http.MethodGet {
		if key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(keys[0])); err == nil && len(key) == 16 {
			return nil
		}
	}
	w.Header().Set("Sec-Websocket-Version", "13")
	return errHandshake
}

// lists reports whether a header that is a list of tokens holds one, in any case.
func lists(h http.Header, name, token string) bool {
	for _, line := range h.Values(name) {
		for t := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

func (s *server) refuse(ctx context.Context, conn *websocket.Conn, raw string) {
	ctx, cancel := context.WithTimeout(ctx, s.timing.write)
	defer cancel()
	if conn.Write(ctx, websocket.MessageText, unknownTask(raw)) == nil {
		_ = conn.Close(websocket.StatusPolicyViolation, "no such task")
	}
}

// follow sends the task's events until the log, the client or the process ends.
func (s *server) follow(ctx context.Context, conn *websocket.Conn, id uuid.UUID, sub *stream.Subscription) {
	defer sub.Close()
	// here ends with the client. It must not reach the connection's own calls: their contexts cut the connection when
	// they end, and the last thing to happen is a proper close.
	here, left := context.WithCancel(ctx)
	var helper sync.WaitGroup
	helper.Go(func() { defer left(); drop(ctx, conn) })
	defer s.keepAlive(conn, left)()

	err := s.pump(here, conn, sub)
	switch {
	case here.Err() != nil:
	case errors.Is(err, io.EOF):
		_ = conn.Close(websocket.StatusNormalClosure, "")
	case errors.Is(err, stream.ErrStopping):
		_ = conn.Close(websocket.StatusServiceRestart, "the server is stopping; connect again with ?after=")
	case errors.Is(err, errSlowClient):
	default:
		s.log.WarnContext(ctx, "stream failed", "task", id, "error", err, "request", requestIDOf(ctx))
		_ = conn.Close(websocket.StatusInternalError, "the events could not be read; connect again with ?after=")
	}
	left()
	_ = conn.CloseNow() // ends the helper
	helper.Wait()
}

// errSlowClient: a frame did not reach the client in time, or the connection broke.
var errSlowClient = errors.New("the client does not read")

// pump sends messages until there are no more; its error says why.
func (s *server) pump(ctx context.Context, conn *websocket.Conn, sub *stream.Subscription) error {
	for {
		messages, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		for _, m := range messages {
			wctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timing.write)
			err := conn.Write(wctx, websocket.MessageText, m.Encode(wire.Events{}))
			cancel()
			if err != nil {
				return fmt.Errorf("%w: %w", errSlowClient, err)
			}
		}
	}
}

// drop reads and forgets what the client sends, which also answers its pings and hears our pongs, until it leaves.
func drop(ctx context.Context, conn *websocket.Conn) {
	for {
		_, message, err := conn.Reader(ctx)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, message); err != nil {
			return
		}
	}
}

// keepAlive pings until stop is called, so that proxies do not close a silent connection and clients that vanished
// without a word are noticed: lost is called then. A goroutine lives only while a ping is on its way.
func (s *server) keepAlive(conn *websocket.Conn, lost func()) (stop func()) {
	var (
		mu      sync.Mutex // guards timer and stopped
		timer   *time.Timer
		stopped bool
	)
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(s.timing.ping, func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.timing.write)
		defer cancel()
		if conn.Ping(ctx) != nil {
			lost()
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if !stopped {
			timer.Reset(s.timing.ping)
		}
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		timer.Stop()
	}
}

// sockets counts open WebSockets so that a stopping process can wait for them.
type sockets struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed and forgotten when n falls to 0; nil while nobody waits
}

func (s *sockets) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
}

func (s *sockets) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n--
	if s.n == 0 && s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
}

func (s *sockets) wait(ctx context.Context) error {
	s.mu.Lock()
	if s.n == 0 {
		s.mu.Unlock()
		return nil
	}
	if s.idle == nil {
		s.idle = make(chan struct{})
	}
	idle := s.idle
	s.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
