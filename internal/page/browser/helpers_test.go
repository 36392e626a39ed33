package browser_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"legwork/internal/page"
	"legwork/internal/page/browser"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// patience is the longest time that a test waits. Normally waits are much shorter.
const patience = 90 * time.Second

// openGate is a Gate that never delays a request.
type openGate struct{}

func (openGate) Reserve(context.Context, string, page.Spacing) (time.Duration, error) { return 0, nil }
func (openGate) Backoff(context.Context, string, time.Duration) error                 { return nil }
func (openGate) Quiet(context.Context, string) (time.Duration, error)                 { return 0, nil }
func (openGate) Settle(context.Context, string) error                                 { return nil }

// proxy is a forward proxy that requires a password and counts requests. It connects to loopback addresses only.
type proxy struct {
	ln     net.Listener
	dialer net.Dialer
	web    http.Transport
	mu     sync.Mutex
	n      map[string]int // requests by path, or by host for CONNECT
}

func (p *proxy) URL() string                   { return "http://" + p.ln.Addr().String() }
func (p *proxy) Credentials() (string, string) { return "legwork", "s3cret" }

func newProxy(t testing.TB, fence *testsite.Fence) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{ln: ln, n: map[string]int{}}
	fence.Confine(&p.dialer)
	p.web.DialContext = p.dialer.DialContext
	server := &http.Server{Handler: p, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(ln) }()
	t.Cleanup(func() { _ = server.Close(); p.web.CloseIdleConnections() })
	return p
}

func (p *proxy) count(what string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n[what]
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("legwork:s3cret"))
	if r.Header.Get("Proxy-Authorization") != want {
		w.Header().Set("Proxy-Authenticate", `Basic realm="legwork"`)
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	what := r.URL.Path
	if r.Method == http.MethodConnect {
		what = r.Host
	}
	p.mu.Lock()
	p.n[what]++
	p.mu.Unlock()
	if r.Method == http.MethodConnect {
		p.tunnel(w, r)
		return
	}
	r.RequestURI = ""
	r.Header.Del("Proxy-Authorization")
	resp, err := p.web.RoundTrip(r)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	for k, v := range resp.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

func (p *proxy) tunnel(w http.ResponseWriter, r *http.Request) {
	server, err := p.dialer.DialContext(r.Context(), "tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer server.Close()
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	_, _ = client.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	go func() { _, _ = io.Copy(server, bufio.NewReader(buffered)); server.Close() }()
	_, _ = io.Copy(client, server)
}

// world is a site and a browser that may open it.
type world struct {
	t     *testing.T
	site  *testsite.Site
	proxy *proxy
	dir   string // parent of the profile folders
	*browser.Browser
}

func newWorld(t *testing.T, change ...func(*browser.Config)) *world {
	t.Helper()
	t.Parallel()
	fence := testsite.StartFence(t)
	w := &world{t: t, site: testsite.Start(t), proxy: newProxy(t, fence), dir: shortDir(t)}
	fetcher := page.NewFetcher(page.Config{AllowNets: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, UserAgent: "legwork/test",
		Timeout: time.Minute, Confine: fence.Confine}, openGate{})
	t.Cleanup(fetcher.Close)
	at, err := browser.Find("auto")
	if err != nil {
		t.Fatalf("this test needs a browser: apt-get install chromium-headless-shell, or chromium (%v)", err)
	}
	cfg := browser.Config{Fetcher: fetcher, Proxy: w.proxy, At: at, UserAgent: "legwork/test", Dir: w.dir, Logger: logger(t),
		RenderTime: 40 * time.Second} // pages settle much earlier, even on a busy machine
	for _, c := range change {
		c(&cfg)
	}
	w.Browser = browser.New(cfg)
	t.Cleanup(func() {
		w.Close()
		if left, _ := filepath.Glob(filepath.Join(w.dir, "*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		if p := processes(w.dir); len(p) > 0 {
			t.Errorf("processes left: %v", p)
		}
	})
	return w
}

// shortDir makes a temporary folder with a short path, since the path of a socket in it must not be too long.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lw") //nolint:usetesting // the path of t.TempDir contains the test's name and is too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// lines is a writer that adds log lines to the test's log while the test runs.
type lines struct {
	mu   sync.Mutex
	t    *testing.T
	over bool
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.t.Log(strings.TrimSpace(string(p)))
	}
	return len(p), nil
}

func logger(t *testing.T) *slog.Logger {
	l := &lines{t: t}
	t.Cleanup(func() { l.mu.Lock(); l.over = true; l.mu.Unlock() })
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (w *world) ctx() context.Context {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	w.t.Cleanup(cancel)
	return ctx
}

func (w *world) open(p page.Policy) page.Session {
	s := w.Open(page.Scope{Hosts: p})
	w.t.Cleanup(s.Close)
	return s
}

func (w *world) load(path string) research.Visit {
	w.t.Helper()
	return w.loadIn(w.open(page.Policy{}), path)
}

func (w *world) loadIn(s page.Session, path string) research.Visit {
	w.t.Helper()
	v, err := s.Load(w.ctx(), page.Address{URL: w.site.URL(path)})
	if err != nil {
		w.t.Fatalf("load %s: %v", path, err)
	}
	return v
}

// says fails the test unless the page was read and its text contains all of want.
func says(t *testing.T, v research.Visit, want ...string) {
	t.Helper()
	if v.Outcome != research.OutcomeOK || v.Page == nil {
		t.Fatalf("%s: %s %s %s", v.URL, v.Outcome, v.Message, v.Note)
	}
	for _, s := range want {
		if !strings.Contains(v.Page.Text, s) {
			t.Errorf("%s lacks %q (rendered %v, note %q):\n%s", v.URL, s, v.Rendered, v.Note, v.Page.Text)
		}
	}
}

func lacks(t *testing.T, v research.Visit, unwanted ...string) {
	t.Helper()
	for _, s := range unwanted {
		if v.Page != nil && strings.Contains(v.Page.Text, s) {
			t.Errorf("%s has %q:\n%s", v.URL, s, v.Page.Text)
		}
	}
}

// processes returns the processes that have a profile folder below dir in their command line.
func processes(dir string) map[string]string {
	out := map[string]string{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		line, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err == nil && strings.Contains(string(line), "--user-data-dir="+dir) {
			out[e.Name()] = strings.ReplaceAll(string(line), "\x00", " ")
		}
	}
	return out
}

// tree returns the descendants of the test's browser process, by pid. It follows parent pids, since the command line of a renderer may not
// contain the profile folder.
func (w *world) tree() map[string]string {
	roots := map[string]bool{}
	for _, pid := range browser.PIDs(w.Browser) {
		roots[strconv.Itoa(pid)] = true
	}
	out := map[string]string{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		line, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err != nil {
			continue
		}
		up := e.Name()
		for up != "" && up != "0" && up != "1" && !roots[up] {
			up, _ = stat(up)
		}
		if roots[up] {
			out[e.Name()] = strings.ReplaceAll(string(line), "\x00", " ")
		}
	}
	return out
}

// noTabs waits until no session has an open tab.
func (w *world) noTabs() {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for browser.TabsOf(w.Browser) > 0 {
		if time.Now().After(deadline) {
			w.t.Fatalf("%d tabs are still open", browser.TabsOf(w.Browser))
		}
		<-tick.C
	}
}
