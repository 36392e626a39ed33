package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"legwork/internal/research"
)

// websocketHeaders are a valid handshake.
var websocketHeaders = []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}

// socket is an open WebSocket.
type socket struct {
	*websocket.Conn
	t   testing.TB
	ctx context.Context
}

func (b *bundle) dial(path string, header ...string) *socket {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	b.t.Cleanup(cancel)
	opts := &websocket.DialOptions{HTTPHeader: http.Header{}}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			opts.Host = header[i+1]
			continue
		}
		opts.HTTPHeader.Set(header[i], header[i+1])
	}
	conn, res, err := websocket.Dial(ctx, b.http.URL+path, opts)
	if err != nil {
		b.t.Fatalf("dial %s: %v", path, err)
	}
	if res.Header.Get("Sec-WebSocket-Extensions") != "" {
		b.t.Errorf("extensions %q", res.Header.Get("Sec-WebSocket-Extensions"))
	}
	b.t.Cleanup(func() { _ = conn.CloseNow() })
	return &socket{Conn: conn, t: b.t, ctx: ctx}
}

func (s *socket) want(first, last int64) {
	s.t.Helper()
	for seq := first; seq <= last; seq++ {
		kind, data, err := s.Read(s.ctx)
		var e struct {
			Seq int64 `json:"seq"`
		}
		if err != nil || kind != websocket.MessageText || json.Unmarshal(data, &e) != nil || e.Seq != seq {
			s.t.Fatalf("waiting for %d: %s, %v", seq, data, err)
		}
	}
}

func (s *socket) wantClose(code websocket.StatusCode) {
	s.t.Helper()
	_, data, err := s.Read(s.ctx)
	if websocket.CloseStatus(err) != code {
		s.t.Errorf("got %s, %v, want close %d", data, err, code)
	}
}

func TestSocket(t *testing.T) {
	t.Parallel()
	b := setup(t, func(_ *Config, tm *timing) { tm.ping = 10 * time.Millisecond }) // pings are sent all the time
	id := b.add(research.Task{Status: research.Running}).ID
	b.append(id, thinking(200)...)
	path := "/api/tasks/" + id.String() + "/stream"
	whole := b.dial(path)
	whole.want(1, 200)
	rest := b.dial(path + "?after=150")
	rest.want(151, 200)
	future := b.dial(path + "?after=202")
	b.append(id, thinking(2)...)
	whole.want(201, 202)
	rest.want(201, 202)
	if err := rest.CloseNow(); err != nil { // a client that leaves does not affect the others
		t.Fatal(err)
	}
	b.append(id, failed)
	whole.want(203, 203)
	whole.wantClose(websocket.StatusNormalClosure)
	future.want(203, 203)
	future.wantClose(websocket.StatusNormalClosure)
	for _, after := range []string{"203", "204", "9223372036854775807"} { // at or after the end of the log
		b.dial(path + "?after=" + after).wantClose(websocket.StatusNormalClosure)
	}
	last := b.dial(path + "?after=202")
	last.want(203, 203)
	last.wantClose(websocket.StatusNormalClosure)
	b.eventually("every subscription is closed", func() bool { return b.hub.Watched() == 0 })
	if calls := b.seen(); len(calls) != 0 {
		t.Errorf("streams caused %+v", calls)
	}
}

func TestSocketOfAnUnknownTask(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, id := range []string{uuid.NewString(), "7", strings.Repeat("x", 100), "%ff"} {
		s := b.dial("/api/tasks/" + id + "/stream")
		kind, data, err := s.Read(s.ctx)
		var e map[string]any
		if err != nil || kind != websocket.MessageText || json.Unmarshal(data, &e) != nil {
			t.Fatalf("%s, %v", data, err)
		}
		if e["type"] != "agent:error" || e["errorCode"] != "not_found" || e["recoverable"] != false || e["seq"] != nil || e["error"] == "" {
			t.Errorf("frame %s", data)
		}
		if at, err := time.Parse(research.TimeFormat, e["timestamp"].(string)); err != nil || time.Since(at) > time.Minute {
			t.Errorf("timestamp %v", e["timestamp"])
		}
		s.wantClose(websocket.StatusPolicyViolation)
	}
}

func TestSocketHandshake(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config, _ *timing) { c.Hosts = []string{"legwork.example"} })
	id := b.add(research.Task{Status: research.Running}).ID
	path := "/api/tasks/" + id.String() + "/stream"
	res := b.get(path)
	res.wantError(426, "upgrade_required")
	if res.header.Get("Upgrade") != "websocket" {
		t.Errorf("headers %v", res.header)
	}
	replaced := func(name, value string) []string {
		h := append([]string{}, websocketHeaders...)
		return append(h, name, value)
	}
	b.get(path, replaced("Upgrade", "h2c")...).wantError(426, "upgrade_required")
	for _, h := range [][]string{replaced("Sec-WebSocket-Version", "8"), replaced("Sec-WebSocket-Key", "short"), replaced("Sec-WebSocket-Key", "!")} {
		if res := b.get(path, h...); res.header.Get("Sec-WebSocket-Version") != "13" {
			t.Errorf("headers %v", res.header)
		} else {
			res.wantError(400, "bad_handshake")
		}
	}
	for _, origin := range []string{"http://evil.example", "null", "https://localhost:3000", "http://localhost:3001", "file://", "::", "http://localhost:3000.evil.example"} {
		b.get(path, replaced("Origin", origin)...).wantError(403, "origin_refused")
	}
	if n := b.hub.Watched(); n != 0 {
		t.Errorf("%d subscriptions of refused clients", n)
	}
	host := strings.TrimPrefix(b.http.URL, "http://")
	b.dial(path)                                                                             // does not come from a page
	b.dial(path, "Origin", "http://"+host)                                                   // from a page of the same host
	b.dial(path, "Origin", "https://"+host)                                                  // behind a proxy that ends TLS
	b.dial(path, "Origin", "http://LOCALHOST:3000")                                          // a listed origin, which differs from the host
	b.dial(path, "Origin", "https://legwork.example", "Host", "legwork.example:443")         // the default port makes no difference
	setupAny := setup(t, func(c *Config, _ *timing) { c.CORSOrigins = []string{"*"} })       // every origin is allowed
	setupAny.dial("/api/tasks/"+uuid.NewString()+"/stream", "Origin", "http://evil.example") // the upgrade succeeds, and a frame says that the task does not exist
}

func TestSocketsEndWithTheProcess(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(research.Task{Status: research.Running}).ID
	b.append(id, thinking(1)...)
	path := "/api/tasks/" + id.String() + "/stream"
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	if err := b.api.Drain(ctx); err != nil {
		t.Errorf("nothing to drain: %v", err)
	}
	s := b.dial(path)
	s.want(1, 1)
	expired, stop := context.WithCancel(ctx)
	stop()
	if err := b.api.Drain(expired); !errors.Is(err, context.Canceled) {
		t.Errorf("drained while a stream is open: %v", err)
	}
	b.hub.Stop()
	s.wantClose(websocket.StatusServiceRestart)
	if err := b.api.Drain(ctx); err != nil {
		t.Errorf("drain: %v", err)
	}
	b.dial(path).wantClose(websocket.StatusServiceRestart)
}

// TestSocketInput checks that frames of clients are ignored, that a too large frame ends the connection, and that the task goes
// on in both cases.
func TestSocketInput(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(research.Task{Status: research.Running}).ID
	b.append(id, thinking(1)...)
	s := b.dial("/api/tasks/" + id.String() + "/stream")
	s.want(1, 1)
	for _, m := range []string{"ping", `{"type":"ping"}`, strings.Repeat("x", 32<<10-1)} {
		if err := s.Write(s.ctx, websocket.MessageText, []byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	b.append(id, thinking(1)...)
	s.want(2, 2)
	// The server stops reading in the middle of the frame, so the write may fail and the close frame may be lost.
	_ = s.Write(s.ctx, websocket.MessageBinary, make([]byte, 64<<10))
	_, _, err := s.Read(s.ctx)
	if code := websocket.CloseStatus(err); err == nil || code != websocket.StatusMessageTooBig && code != -1 {
		t.Errorf("after too much input: %v", err)
	}
	b.eventually("its subscription is closed", func() bool { return b.hub.Watched() == 0 })
}

// TestSocketOfADeadClient checks that the server closes the connection of a client that sends no pongs, and of a client that does
// not read.
func TestSocketOfADeadClient(t *testing.T) {
	t.Parallel()
	b := setup(t, func(_ *Config, tm *timing) { tm.ping, tm.write = 20*time.Millisecond, 50*time.Millisecond })
	id := b.add(research.Task{Status: research.Running}).ID
	b.append(id, thinking(1)...)
	conn := handshake(t, b, id)
	defer func() { _ = conn.Close() }()
	b.eventually("the silent client is dropped", func() bool {
		return strings.Contains(b.log.String(), "status=101 events=1 close=1006 ") && b.hub.Watched() == 0
	})

	slow := setup(t, func(_ *Config, tm *timing) { tm.write = 50 * time.Millisecond })
	id = slow.add(research.Task{Status: research.Running}).ID
	big := research.Thinking(strings.Repeat("x", 1<<20), nil)
	for range 64 {
		slow.append(id, big)
	}
	conn = handshake(t, slow, id)
	defer func() { _ = conn.Close() }()
	slow.eventually("the slow client is dropped", func() bool { return strings.Contains(slow.log.String(), "close=1006 ") && slow.hub.Watched() == 0 })
}

// handshake opens a WebSocket over a plain connection, on which nothing reads or answers afterwards.
func handshake(t *testing.T, b *bundle, id uuid.UUID) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", b.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	request := "GET /api/tasks/" + id.String() + "/stream HTTP/1.1\r\nHost: localhost\r\n"
	for i := 0; i < len(websocketHeaders); i += 2 {
		request += websocketHeaders[i] + ": " + websocketHeaders[i+1] + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		t.Fatal(err)
	}
	return conn
}
