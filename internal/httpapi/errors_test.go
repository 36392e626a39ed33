package httpapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"legwork/api"
	"legwork/internal/auth"
	"legwork/internal/research"
)

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

// TestErrorTable checks the answer to each kind of error. The answer must not contain the cause; the log must.
func TestErrorTable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		err    error
		status int
		code   string
		logged bool
	}{
		{"not found", fmt.Errorf("secret: %w", research.ErrNotFound), 404, "not_found", false},
		{"conflict", fmt.Errorf("secret: %w", research.ErrConflict), 409, "conflict", false},
		{"unavailable", fmt.Errorf("%w: secret", research.ErrUnavailable), 503, "unavailable", true},
		{"deadline", fmt.Errorf("secret: %w", context.DeadlineExceeded), 503, "unavailable", true},
		{"too slow", fmt.Errorf("secret: %w", research.ErrTooSlow), 503, "too_slow", true},
		{"fenced", fmt.Errorf("secret: %w", research.ErrFenced), 500, "internal", true},
		{"other", errors.New("secret"), 500, "internal", true},
		{"cancelled by another context", fmt.Errorf("secret: %w", context.Canceled), 500, "internal", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.add(research.Task{}).ID.String()
			b.err = tt.err
			res := b.post("/api/tasks/"+id+"/cancel", "")
			res.wantError(tt.status, tt.code)
			if strings.Contains(string(res.body), "secret") {
				t.Errorf("the cause leaked: %s", res.body)
			}
			if got := strings.Contains(b.log.String(), "secret"); got != tt.logged {
				t.Errorf("cause logged: %v\n%s", got, b.log)
			}
			if got := res.header.Get("Retry-After"); (got != "") != (tt.code == "unavailable") {
				t.Errorf("Retry-After %q", got)
			}
			if tt.logged && !strings.Contains(b.log.String(), res.header.Get("X-Request-Id")) {
				t.Errorf("the log does not name request %s", res.header.Get("X-Request-Id"))
			}
		})
	}
}

func TestEveryReadReportsAnOutage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	base := "/api/tasks/" + b.add(research.Task{}).ID.String()
	b.err = research.ErrUnavailable
	for _, path := range []string{"/api/tasks", "/api/history", base, base + "/events", base + "/artifacts", base + "/artifacts/result.json",
		base + "/screenshots/1.png", strings.Replace(base, "/api/tasks", "/artifacts", 1) + "/result.json"} {
		b.get(path).wantError(503, "unavailable")
	}
	b.do("GET", base+"/stream", nil, websocketHeaders...).wantError(503, "unavailable")
}

func TestEnvelopeOfTheRouter(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"/nothing", "/api", "/api/", "/api/tasks/", "/api/tasks/x/nothing", "//", "/artifacts/", "/health/", "/%2e%2e/etc"} {
		b.get(path).wantError(404, "not_found")
	}
	for _, tt := range []struct{ method, path, allow string }{
		{"PUT", "/api/tasks", "GET, HEAD, POST"},
		{"PATCH", "/api/tasks/" + uuid.NewString(), "GET, HEAD, DELETE"},
		{"DELETE", "/api/history", "GET, HEAD"},
		{"GET", "/api/tasks/" + uuid.NewString() + "/cancel", "POST"},
		{"POST", "/health", "GET, HEAD"},
		{"POST", "/artifacts/x/y%2fz", "GET, HEAD"},
		{"BREW", "/api/tasks", "GET, HEAD, POST"},
	} {
		res := b.do(tt.method, tt.path, nil)
		res.wantError(405, "method_not_allowed")
		if got := strings.Join(res.header.Values("Allow"), ", "); got != tt.allow {
			t.Errorf("%s %s: Allow %q, want %q", tt.method, tt.path, got, tt.allow)
		}
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.panics = "secret"
	res := b.post("/api/tasks", `{"question":"Why?"}`)
	res.wantError(500, "internal")
	if strings.Contains(string(res.body), "secret") || !strings.Contains(b.log.String(), "secret") || !strings.Contains(b.log.String(), "fake") {
		t.Errorf("answer %s, log %s", res.body, b.log)
	}
}

// TestPanicAfterTheAnswerBegan checks that a panic during an answer closes the connection, so that the client notices that the
// answer is not complete.
func TestPanicAfterTheAnswerBegan(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h := b.api.server.requestLog.Handler(b.api.server.recoverer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic("midway")
	})))
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = Server("", nil, b.api.server.log).ErrorLog
	srv.Start()
	defer srv.Close()
	req, _ := http.NewRequestWithContext(context.Background(), "GET", srv.URL, nil)
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("the client read an incomplete answer without an error: %q", body)
	}
	if !strings.Contains(b.log.String(), "midway") {
		t.Errorf("log %s", b.log)
	}
}

// TestFailAfterTheAnswerBegan checks that an error after the beginning of an answer is logged and not sent.
func TestFailAfterTheAnswerBegan(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := newRecorder()
	b.api.server.requestLog.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		b.api.server.fail(w, r, errors.New("too late"))
	})).ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), "GET", "/", nil))
	if w.Body.String() != "half" || !strings.Contains(b.log.String(), "too late") {
		t.Errorf("answer %q, log %s", w.Body, b.log)
	}
}

func TestClientThatLeft(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(research.Task{}).ID.String()
	b.err = fmt.Errorf("query: %w", context.Canceled)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w := newRecorder()
	b.api.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/api/tasks/"+id, nil))
	if w.Code != 499 || strings.Contains(b.log.String(), "level=ERROR") {
		t.Errorf("status %d, log %s", w.Code, b.log)
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if got := b.get("/health", "X-Request-Id", "abc-1.2_3").header.Get("X-Request-Id"); got != "abc-1.2_3" {
		t.Errorf("the client's id became %q", got)
	}
	for _, bad := range []string{"", "a b", "a=b", strings.Repeat("x", 65), "é"} {
		if got := b.get("/health", "X-Request-Id", bad).header.Get("X-Request-Id"); len(got) != 36 {
			t.Errorf("id %q became %q", bad, got)
		}
	}
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.get("/api/tasks?q=private", "X-Request-Id", "one")
	b.get("/health/live", "X-Request-Id", "two")
	// The line is written after the answer. Lines are written in order, so the test waits for the line of a later request.
	deadline := time.Now().Add(testTimeout)
	for !strings.Contains(b.log.String(), "request_id=two") && time.Now().Before(deadline) {
		b.get("/api/tasks/x")
	}
	log := b.log.String()
	if !strings.Contains(log, "level=INFO msg=request method=GET path=/api/tasks status=200 ") || strings.Contains(log, "private") {
		t.Errorf("log %s", log)
	}
	if !strings.Contains(log, "level=DEBUG msg=request method=GET path=/health/live status=200 ") {
		t.Errorf("log %s", log)
	}
}

// TestAccessLogOfWebSockets checks that the line of a WebSocket is written when it closes, with its events and close code.
func TestAccessLogOfWebSockets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(research.Task{Status: research.Running}).ID
	b.append(id, thinking(2)...)
	path := "/api/tasks/" + id.String() + "/stream"
	s := b.dial(path)
	s.want(1, 2)
	line := "msg=request method=GET path=" + path + " status=101 "
	if log := b.log.String(); !strings.Contains(log, `level=DEBUG msg="websocket opened" method=GET path=`+path) || strings.Contains(log, line) {
		t.Errorf("log of an open stream: %s", log)
	}
	_ = s.Close(websocket.StatusGoingAway, "bye")
	b.eventually("a client that leaves is logged", func() bool { return strings.Contains(b.log.String(), line+"events=2 close=1001 took=") })
	s = b.dial(path + "?after=1")
	s.want(2, 2)
	b.append(id, research.ErrorEvent(research.CodeCancelled, "x", false, nil))
	s.want(3, 3)
	s.wantClose(websocket.StatusNormalClosure)
	b.eventually("the end of the log is logged", func() bool { return strings.Contains(b.log.String(), line+"events=2 close=1000 took=") })
	b.dial("/api/tasks/" + uuid.NewString() + "/stream")
	b.eventually("an unknown task is logged", func() bool { return strings.Contains(b.log.String(), "status=101 events=0 close=1008 took=") })
}

func TestCORS(t *testing.T) {
	t.Parallel()
	preflight := []string{"Access-Control-Request-Method", "DELETE", "Access-Control-Request-Headers", "content-type, x-anything"}
	b := setup(t)
	listed := b.do("OPTIONS", "/api/tasks/x", nil, append([]string{"Origin", "http://localhost:3000"}, preflight...)...)
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "http://localhost:3000", "Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Methods": "DELETE", "Access-Control-Allow-Headers": "Content-Type, X-Anything",
	} {
		if got := listed.header.Get(name); listed.status != 200 || got != want {
			t.Errorf("preflight: %d, %s is %q, want %q", listed.status, name, got, want)
		}
	}
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		res := b.do("OPTIONS", "/api/tasks", nil, "Origin", "http://localhost:3000", "Access-Control-Request-Method", method)
		if res.header.Get("Access-Control-Allow-Methods") != method {
			t.Errorf("%s is not allowed: %v", method, res.header)
		}
	}
	for _, origin := range []string{"http://localhost:3001", "https://localhost:3000", "http://localhost:3000.evil.example", "null", ""} {
		res := b.do("OPTIONS", "/api/tasks/x", nil, append([]string{"Origin", origin}, preflight...)...)
		if got := res.header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("origin %q is allowed as %q", origin, got)
		}
	}
	for _, path := range []string{"/api/tasks", "/nothing", "/api/tasks/x"} { // errors need the header, too, or pages could not read them
		h := b.get(path, "Origin", "http://LOCALHOST:3000").header
		if h.Get("Access-Control-Allow-Origin") != "http://LOCALHOST:3000" || h.Get("Access-Control-Allow-Credentials") != "true" || !strings.Contains(h.Get("Vary"), "Origin") {
			t.Errorf("%s: %v", path, h)
		}
	}

	none := setup(t, func(c *Config, _ *timing) { c.CORSOrigins = nil })
	if got := none.get("/health", "Origin", "http://localhost:3000").header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("without CORS_ORIGINS %q is allowed", got)
	}
	all := setup(t, func(c *Config, _ *timing) { c.CORSOrigins = []string{"*"} })
	h := all.get("/health", "Origin", "http://a.example").header
	if h.Get("Access-Control-Allow-Origin") != "http://a.example" || h.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("with *: %v", h)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	up := LLM{Provider: "openai", Model: "m", Connected: true, Detail: "fine"}
	tests := []struct {
		name   string
		health Health
		status string
		ready  int
		code   string
	}{
		{"all up", Health{Database: true, LLM: up, Browser: Browser{Available: true}}, "healthy", 200, ""},
		{"no browser", Health{Database: true, LLM: up, Browser: Browser{Detail: "install Chromium"}}, "healthy", 200, ""},
		{"no model", Health{Database: true, LLM: LLM{Provider: "openai", Model: "m"}}, "degraded", 200, ""},
		{"no database", Health{LLM: up}, "degraded", 503, "unavailable"},
		{"stopping", Health{Database: true, Stopping: true, LLM: up}, "healthy", 503, "stopping"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			tt.health.Running, tt.health.Total = 2, 9
			tt.health.Workers = []research.Worker{{Slots: 5, Running: 2}, {Slots: 3}}
			b.set(func() { b.health = tt.health })
			var got api.Health
			b.get("/health").into(200, &got)
			if string(got.Status) != tt.status || got.Version != "1.2.3" || got.LangchainConnected != tt.health.LLM.Connected ||
				got.ActiveTasks != 2 || got.TotalTasks != 9 || got.Database.Connected != tt.health.Database || *got.LLM.Model != "m" ||
				got.Browser.Available != tt.health.Browser.Available || got.Browser.Detail != tt.health.Browser.Detail {
				t.Errorf("health %+v", got)
			}
			wrong := map[string]string{"no model": "language model cannot be used", "no database": "start PostgreSQL", "stopping": "is stopping"}[tt.name]
			if told := strings.Join(*got.Problems, "\n"); (told == "") != (wrong == "") || !strings.Contains(told, wrong) {
				t.Errorf("problems %q, want %q", told, wrong)
			}
			if w := got.Workers; w.Live != 2 || w.Slots != 8 || w.Running != 2 {
				t.Errorf("workers %+v", w)
			}
			b.get("/health/live").into(200, new(api.Probe))
			if res := b.get("/health/ready"); tt.ready == 200 {
				res.into(200, new(api.Probe))
			} else {
				res.wantError(tt.ready, tt.code)
			}
		})
	}
	b := setup(t, func(c *Config, _ *timing) {
		c.Health = func(ctx context.Context) Health { _, ok := ctx.Deadline(); return Health{Database: ok} }
	})
	b.get("/health/ready").into(200, new(api.Probe)) // shows that the context of the check has a deadline
	var reader api.Health
	b.get("/health").into(200, &reader)
	if told := strings.Join(*reader.Problems, "\n"); !strings.Contains(told, "No worker is alive") {
		t.Errorf("no worker: %q", told)
	}
	if reader.LLM.Model != nil {
		t.Errorf("model %q", *reader.LLM.Model)
	}
}

func TestContractIsServed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if res := b.get("/api/openapi.yaml"); res.status != 200 || string(res.body) != string(api.Contract) || res.header.Get("Content-Type") != "application/yaml" {
		t.Errorf("%d %v", res.status, res.header)
	}
	for _, path := range []string{"/api/openapi.json", "/openapi.json"} {
		var doc struct {
			OpenAPI string         `json:"openapi"`
			Paths   map[string]any `json:"paths"`
		}
		b.get(path).into(200, &doc)
		if doc.OpenAPI != "3.0.3" || doc.Paths["/api/tasks/{id}/stream"] == nil {
			t.Errorf("%s: %+v", path, doc)
		}
	}
	var root api.Root
	b.get("/").into(200, &root)
	if root.Version == nil || *root.Version != "1.2.3" || root.Tasks != "/api/tasks" {
		t.Errorf("root %+v", root)
	}
}

// TestServerHasTimeouts checks that the server answers a client that announces a body and never sends it.
func TestServerHasTimeouts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	srv := Server("127.0.0.1:0", b.api, b.api.server.log)
	if srv.ReadHeaderTimeout <= 0 || srv.ReadTimeout <= 0 || srv.WriteTimeout <= 0 || srv.IdleTimeout <= 0 || srv.MaxHeaderBytes <= 0 {
		t.Errorf("a timeout is missing: %+v", srv)
	}
	conn, err := net.Dial("tcp", b.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	// The body was announced and is never sent. The answer must come all the same.
	if _, err := io.WriteString(conn, "POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10000000\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(testTimeout))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "413") {
		t.Errorf("%q, %v", line, err)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	a := New(Config{Auth: auth.Off{}, Hosts: []string{"example.com"}, Health: func(context.Context) Health { return Health{} }})
	if got, want := a.server.timing, (timing{ping: 20 * time.Second, heartbeat: 15 * time.Second, write: 10 * time.Second, retry: 2 * time.Second}); got != want {
		t.Errorf("timing %+v, want %+v", got, want)
	}
	w := newRecorder()
	a.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), "GET", "/health/live", nil))
	if w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
}

// TestAbortPassesThrough checks that recoverer does not catch http.ErrAbortHandler, by which a handler closes its connection.
func TestAbortPassesThrough(t *testing.T) {
	t.Parallel()
	b := setup(t)
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("recovered %v", v)
		}
		if strings.Contains(b.log.String(), "panicked") {
			t.Errorf("log %s", b.log)
		}
	}()
	b.api.server.recoverer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })).
		ServeHTTP(newRecorder(), httptest.NewRequestWithContext(context.Background(), "GET", "/", nil))
}

func TestParameterErrors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(research.Task{Status: research.Running}).ID.String()
	r := httptest.NewRequestWithContext(context.Background(), "GET", "/api/tasks/"+id+"/events", nil)
	r.Header["Last-Event-Id"] = []string{"1", "2"}
	w := newRecorder()
	b.api.ServeHTTP(w, r)
	if e := envelope(t, w.Body.Bytes()); w.Code != 422 || (*e.Details.Errors)[0].Field != "lastEventId" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for err, status := range map[error]int{
		&api.InvalidParamFormatError{ParamName: "id", Err: errors.New("secret")}: 404,
		&api.RequiredParamError{ParamName: "x"}:                                  500, // the contract requires no parameter
	} {
		w := newRecorder()
		b.api.server.failParam(w, r, err)
		if envelope(t, w.Body.Bytes()); w.Code != status || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%v: %d %s", err, w.Code, w.Body)
		}
	}
}
