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
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"legwork/internal/httpapi/requestlog"
	"legwork/internal/research"
	"legwork/internal/stream"
	"legwork/internal/wire"
)

// maxClientFrame is the greatest size, in bytes, of a frame from a client. The server reads and ignores such frames.
const maxClientFrame = 32 << 10

// streamTask sends the events of a task over a WebSocket (RFC 6455). It refuses bad requests before the upgrade. For an unknown
// task it upgrades, sends a frame that says so, and closes.
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
	var sub *subscription
	if err == nil {
		sub, err = s.subscribe(r.Context(), id, after, deltas, "websocket")
	}
	unknown := errors.Is(err, research.ErrNotFound)
	if err != nil && !unknown {
		s.fail(w, r, err)
		return
	}
	// Compression would cost far more memory per connection than it saves. The origin is not checked here, because
	// checkHandshake has checked it.
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
	if err != nil { // the connection broke; the handshake itself was checked before
		if sub != nil {
			sub.Close()
		}
		s.log.DebugContext(r.Context(), "upgrade failed", "error", err)
		return
	}
	conn.SetReadLimit(maxClientFrame)
	s.sockets.enter()
	line := requestlog.Take(r.Context())
	if unknown {
		defer s.sockets.leave()
		defer func() { _ = conn.CloseNow() }()
		line.Closed(0, s.refuse(r.Context(), conn, raw))
		return
	}
	// The stream runs in a new goroutine, so that the goroutine of the request ends. This frees the stack that the
	// middleware and a query used, and the buffers of net/http.
	ctx := context.WithoutCancel(r.Context())
	go func() {
		defer s.sockets.leave()
		defer func() {
			if v := recover(); v != nil {
				s.log.ErrorContext(ctx, "stream panicked", "panic", v, "task_id", id, "stack", string(debug.Stack()))
			}
		}()
		defer func() { _ = conn.CloseNow() }()
		line.Closed(s.follow(ctx, conn, id, sub))
	}()
}

// cursorOf parses the query parameter after, which may be given once.
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

// checkHandshake refuses the requests that websocket.Accept would refuse. Accept itself would answer in plain text and
// not with the error envelope.
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

// lists reports whether a header that is a list of tokens contains a token. It ignores case.
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

// refuse sends the frame that says that the task does not exist, closes the WebSocket, and returns the close code.
func (s *server) refuse(ctx context.Context, conn *websocket.Conn, raw string) websocket.StatusCode {
	ctx, cancel := context.WithTimeout(ctx, s.timing.write)
	defer cancel()
	if conn.Write(ctx, websocket.MessageText, unknownTask(raw)) != nil {
		return websocket.StatusAbnormalClosure
	}
	_ = conn.Close(websocket.StatusPolicyViolation, "no such task")
	return websocket.StatusPolicyViolation
}

// statusCredentialEnded is the close code of a WebSocket whose credential has ended. It is 4000 + 401, because
// applications may use the codes from 4000 on (RFC 6455 §7.4.2).
const statusCredentialEnded websocket.StatusCode = 4401

// follow sends the task's events until the log ends, the client leaves, the client's credential ends or the process
// stops. It returns the number of events that it sent, and the close code of the connection. If the client closed the
// connection first, the code is the one that the client sent.
func (s *server) follow(ctx context.Context, conn *websocket.Conn, id uuid.UUID, sub *subscription) (events int, code websocket.StatusCode) {
	defer sub.Close()
	// The context connected ends when the client leaves. It must not be passed to methods of the connection: when the context
	// of such a call ends, the library drops the connection without a close frame.
	connected, left := context.WithCancel(ctx)
	code = websocket.StatusAbnormalClosure
	var clientCode websocket.StatusCode // written by reader, read after it has ended
	var reader sync.WaitGroup
	reader.Go(func() { defer left(); clientCode = discard(ctx, conn) })
	defer s.keepAlive(conn, left)()
	var revoked atomic.Bool
	defer s.auth.Watch(ctx, func() { revoked.Store(true); left() })()

	events, err := s.pump(connected, conn, sub)
	gone := connected.Err() != nil
	closeWith := func(c websocket.StatusCode, reason string) { code = c; _ = conn.Close(c, reason) }
	switch {
	case revoked.Load():
		closeWith(statusCredentialEnded, "the credential was revoked or has expired")
	case gone, errors.Is(err, errSlowClient):
	case errors.Is(err, io.EOF):
		closeWith(websocket.StatusNormalClosure, "")
	case errors.Is(err, stream.ErrStopping):
		closeWith(websocket.StatusServiceRestart, "the server is stopping; connect again with ?after=")
	default:
		s.log.WarnContext(ctx, "stream failed", "task_id", id, "error", err)
		closeWith(websocket.StatusInternalError, "the events could not be read; connect again with ?after=")
	}
	left()
	_ = conn.CloseNow() // ends the reader
	reader.Wait()
	if gone && !revoked.Load() && clientCode > 0 {
		code = clientCode
	}
	return events, code
}

// errSlowClient means that a frame did not reach the client in time, or that the connection broke.
var errSlowClient = errors.New("the client does not read")

// pump sends messages until the subscription or the connection ends. It returns the number of events that it sent, and the
// reason for the end as an error.
func (s *server) pump(ctx context.Context, conn *websocket.Conn, sub *subscription) (events int, err error) {
	for {
		messages, err := sub.Next(ctx)
		if err != nil {
			return events, err
		}
		for _, m := range messages {
			if ctx.Err() != nil {
				return events, ctx.Err()
			}
			wctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timing.write)
			err := conn.Write(wctx, websocket.MessageText, m.Encode(wire.Events{}))
			cancel()
			if err != nil {
				return events, fmt.Errorf("%w: %w", errSlowClient, err)
			}
			if m.Event != nil {
				events++
			}
			sub.Sent(m)
		}
	}
}

// discard reads and ignores the client's frames until the client leaves. The library answers pings and handles pongs
// only during reads. discard returns the code of the client's close frame, or -1 if the client sent none.
func discard(ctx context.Context, conn *websocket.Conn) websocket.StatusCode {
	for {
		_, message, err := conn.Reader(ctx)
		if err == nil {
			_, err = io.Copy(io.Discard, message)
		}
		if err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

// keepAlive sends pings until stop is called, so that proxies do not close a connection without traffic. When a ping is not
// answered, it calls lost. It has a goroutine only while it waits for the answer to a ping.
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

// sockets counts open WebSockets, so that a stopping process can wait for them.
type sockets struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n becomes 0; nil while wait was not called
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
