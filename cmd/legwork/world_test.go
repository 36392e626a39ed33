package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"legwork/api"
	"legwork/cmd/legwork/sources"
	"legwork/cmd/legwork/telemetry"
	"legwork/internal/config"
	"legwork/internal/dbtest"
	"legwork/internal/logging"
	"legwork/internal/testsite"
)

// waitLimit bounds each wait of a test. No test should come near it.
const waitLimit = 90 * time.Second

// asLegwork is an environment variable. If it is set, the test binary runs as legwork, so that tests can start real
// processes.
const asLegwork = "LEGWORK_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	_ = os.Setenv("LEGWORK_TEST_LOOPBACK_ONLY", "yes")                                        // see sources.Confine
	if os.Getenv(asLegwork) != "" || len(os.Args) > 1 && os.Args[1] == sources.ParseCommand { // a parser process is recognised by its command, because it has no environment
		main()
		return
	}
	os.Exit(m.Run())
}

// settings returns the environment of a process under test: a database, a folder, no pauses between requests to the
// test site, no search engine on the internet, and no pages from snapshots.
func settings(url, dir string, extra ...string) []string {
	return append([]string{
		"DATABASE_URL=" + url, "LEGWORK_HOME=" + dir, "API_HOST=127.0.0.1", "API_PORT=0", "AUTH_MODE=off", "FETCH_ALLOW_NETS=127.0.0.0/8",
		"REQUEST_DELAY_MIN=0", "REQUEST_DELAY_MAX=0", "RATE_LIMIT_REQUESTS=100000", "RATE_REQUESTS_PER_SECOND=0", "TASK_MIN_TIME_BUDGET=1",
		"DATABASE_MAX_CONNS=10", "LOG_LEVEL=debug", "LLM_PROVIDER=reader", "BROWSER=off", "SEARCH_ENGINES=library", "PAGE_TTL=0",
	}, extra...)
}

// world has a database, an artifact folder and a web site, and starts processes that use them.
type world struct {
	t    *testing.T
	url  string
	dir  string
	site *testsite.Site
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	return &world{t: t, url: dbtest.URL(t), dir: t.TempDir(), site: testsite.Start(t)}
}

// serve starts an app in the test's process. The app is stopped at the end of the test.
func (w *world) serve(r role, extra ...string) *client {
	w.t.Helper()
	a := w.app(r, extra...)
	if a.addr == nil {
		return nil
	}
	return newClient(a.apiURL())
}

func (w *world) app(r role, extra ...string) *app {
	w.t.Helper()
	cfg, err := config.Load(settings(w.url, w.dir, extra...), "")
	if err != nil {
		w.t.Fatal(err)
	}
	log, err := logging.New(cfg, &testLog{t: w.t})
	if err != nil {
		w.t.Fatal(err)
	}
	watch, err := telemetry.Open(extra, version, string(r), log)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(watch.Close)
	a, err := startApp(w.ctx(), cfg, r, log.Logger, watch)
	if err != nil {
		w.t.Fatalf("start %s: %v", r, err)
	}
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
		defer cancel()
		a.Stop(ctx)
	})
	return a
}

// ctx returns a context that bounds the waits of one step of a test.
func (w *world) ctx() context.Context {
	ctx, cancel := context.WithTimeout(w.t.Context(), waitLimit)
	w.t.Cleanup(cancel)
	return ctx
}

// ask submits a question. Its seed is the index page of the site, unless in contains another seed.
func (w *world) ask(c *client, in map[string]any) api.Task {
	w.t.Helper()
	body := map[string]any{"question": "What is the default value of keep_warm_minutes?", "seedUrl": w.site.URL("/index.html"), "timeBudget": 60}
	for k, v := range in {
		if v == nil {
			delete(body, k)
		} else {
			body[k] = v
		}
	}
	task, err := c.submit(w.ctx(), body)
	if err != nil {
		w.t.Fatalf("submit: %v", err)
	}
	return task
}

// await follows a task to its end and returns the task.
func (w *world) await(c *client, id string) api.Task {
	w.t.Helper()
	if err := c.follow(w.ctx(), id, func(event) error { return nil }); err != nil {
		w.t.Fatalf("follow: %v", err)
	}
	return w.get(c, id)
}

func (w *world) get(c *client, id string) api.Task {
	w.t.Helper()
	task, err := c.task(w.ctx(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return task
}

// frames reads the frames of a stream from a cursor until its close. It also returns the close status.
func (w *world) frames(c *client, id string, after int64) ([]string, websocket.StatusCode) {
	w.t.Helper()
	out, status, err := readFrames(w.ctx(), c, id, after)
	if err != nil {
		w.t.Fatal(err)
	}
	return out, status
}

// dialStream opens a stream after a cursor.
func dialStream(ctx context.Context, c *client, id string, after int64) (*websocket.Conn, error) {
	url := fmt.Sprintf("ws%s/api/tasks/%s/stream?after=%d", strings.TrimPrefix(c.base, "http"), id, after)
	conn, _, err := websocket.Dial(ctx, url, c.dialOptions())
	if err == nil {
		conn.SetReadLimit(4 << 20)
	}
	return conn, err
}

func readFrames(ctx context.Context, c *client, id string, after int64) ([]string, websocket.StatusCode, error) {
	conn, err := dialStream(ctx, c, id, after)
	if err != nil {
		return nil, 0, err
	}
	return readAll(ctx, conn)
}

// readAll reads an open stream to its end.
func readAll(ctx context.Context, conn *websocket.Conn) ([]string, websocket.StatusCode, error) {
	defer func() { _ = conn.CloseNow() }()
	var out []string
	for {
		_, frame, err := conn.Read(ctx)
		if status := websocket.CloseStatus(err); status != -1 {
			return out, status, nil
		}
		if err != nil {
			return out, 0, err
		}
		out = append(out, string(frame))
	}
}

// gapless fails the test unless frames are seq first, first+1, … and only the last one is terminal.
func gapless(t *testing.T, frames []string, first int64) {
	t.Helper()
	for i, f := range frames {
		var e event
		if err := json.Unmarshal([]byte(f), &e); err != nil || e.Seq != first+int64(i) || e.Terminal() != (i == len(frames)-1) {
			t.Fatalf("frame %d: %s (%v)", i, f, err)
		}
	}
}

func same(t *testing.T, what string, a, b []string) {
	t.Helper()
	if strings.Join(a, "\n") != strings.Join(b, "\n") {
		t.Errorf("%s differs:\n%s\n---\n%s", what, strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
}

// body requests a path, and returns status and content.
func (w *world) body(c *client, path string) (int, []byte) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.ctx(), http.MethodGet, c.base+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, b
}

// eventually polls cond until it returns true. Use it for conditions that no channel signals.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.After(waitLimit)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

// count returns the number that a query selects.
func (w *world) count(sql string, args ...any) (n int) {
	w.t.Helper()
	st := dbtest.Open(w.t, w.url)
	if err := st.Pool().QueryRow(w.ctx(), sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// process is legwork in a process of its own.
type process struct {
	cmd  *exec.Cmd
	out  *lines
	errs *lines
	done chan struct{}
	err  error
}

// start runs this binary as legwork. The process is killed at the end of the test if it still runs.
func (w *world) start(env []string, args ...string) *process {
	w.t.Helper()
	return w.launch(exec.Command(os.Args[0], args...), env)
}

// startIgnoringHangup is start for a process that ignores SIGHUP from the beginning, as nohup starts it.
func (w *world) startIgnoringHangup(env []string, args ...string) *process {
	w.t.Helper()
	return w.launch(exec.Command("sh", append([]string{"-c", `trap "" HUP; exec "$0" "$@"`, os.Args[0]}, args...)...), env)
}

func (w *world) launch(cmd *exec.Cmd, env []string) *process {
	w.t.Helper()
	p := &process{cmd: cmd, out: newLines(), errs: newLines(), done: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), asLegwork+"=1"), env...)
	p.cmd.Dir = w.dir
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.errs
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() { p.err = p.cmd.Wait(); close(p.done) }()
	w.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		if w.t.Failed() {
			w.t.Logf("%v\nstdout: %s\nstderr: %s", cmd.Args[1:], p.out.String(), p.errs.String())
		}
	})
	return p
}

// api waits until the process listens, and returns a client for it.
func (w *world) api(p *process) *client {
	w.t.Helper()
	line := w.line(p, `msg="the API listens" url=`)
	url, _, _ := strings.Cut(line[strings.Index(line, "url=")+len("url="):], " ")
	return newClient(strings.TrimSpace(url))
}

// line waits for a line of the process's log that contains text.
func (w *world) line(p *process, text string) string {
	w.t.Helper()
	deadline := time.After(waitLimit)
	for {
		line, changed := p.errs.find(text)
		if line != "" {
			return line
		}
		select {
		case <-changed:
		case <-p.done:
			w.t.Fatalf("the process ended (%v) before it said %q: %s", p.err, text, p.errs.String())
		case <-deadline:
			w.t.Fatalf("never said %q: %s", text, p.errs.String())
		}
	}
}

// stop sends SIGTERM, and requires that the process ends with status 0.
func (w *world) stop(p *process) {
	w.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		w.t.Fatal(err)
	}
	w.wait(p)
	if p.err != nil {
		w.t.Errorf("after SIGTERM: %v: %s", p.err, p.errs.String())
	}
}

func (w *world) wait(p *process) {
	w.t.Helper()
	select {
	case <-p.done:
	case <-time.After(waitLimit):
		w.t.Fatalf("the process did not end: %s", p.errs.String())
	}
}

// lines collects the lines of a process's output, and signals new ones.
type lines struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	changed chan struct{}
}

func newLines() *lines { return &lines{changed: make(chan struct{})} }

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *lines) find(text string) (string, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.buf.String()) {
		if strings.Contains(line, text) && strings.HasSuffix(line, "\n") {
			return line, l.changed
		}
	}
	return "", l.changed
}

// testLog sends log lines to the test's own log.
type testLog struct{ t *testing.T }

// Write implements io.Writer.
func (l *testLog) Write(b []byte) (int, error) {
	if l.t.Context().Err() == nil { // t.Log must not be called after the end of a test
		l.t.Log(strings.TrimRight(string(b), "\n"))
	}
	return len(b), nil
}
