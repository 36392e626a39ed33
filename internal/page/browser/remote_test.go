package browser_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/remote"

	"legwork/internal/page"
	"legwork/internal/page/browser"
)

// remoteChromium is a Chromium that legwork did not start, such as one in a container.
type remoteChromium struct {
	t    *testing.T
	at   string // path of its program
	dir  string
	port string
	ws   string
	kill func()
}

// start starts the Chromium: on a free port the first time, on the same port later.
func (e *remoteChromium) start() {
	e.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, e.at, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+e.dir, "--remote-debugging-port="+e.port,
		// No request leaves this machine, even from a context without a proxy: nothing listens on port 9 of loopback.
		"--proxy-server=http://127.0.0.1:9", "--proxy-bypass-list=<-loopback>", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
		"--disable-background-networking", "about:blank")
	cmd.Env = []string{"HOME=" + e.dir, "TMPDIR=" + e.dir, "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.StderrPipe()
	if err != nil {
		e.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	e.kill = func() { cancel(); _ = cmd.Wait() }
	e.t.Cleanup(e.kill)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if at, ok := strings.CutPrefix(lines.Text(), "DevTools listening on "); ok {
			e.ws = at
			_, rest, _ := strings.Cut(at, "://")
			host, _, _ := strings.Cut(rest, "/")
			_, e.port, _ = net.SplitHostPort(host)
			return
		}
	}
	e.t.Fatalf("Chromium does not listen at port %s", e.port)
}

// contexts returns the number of BrowserContexts of a Chromium, over a connection of its own.
func (e *remoteChromium) contexts() int {
	e.t.Helper()
	alloc, end := remote.NewAllocator(context.Background(), e.ws)
	defer end()
	ctx, cancel := chromedp.NewContext(alloc)
	defer cancel()
	got, err := chromedp.CallBrowser(ctx, target.GetBrowserContexts, cdp.Empty{})
	if err != nil {
		e.t.Fatal(err)
	}
	return len(got.BrowserContextIDs)
}

func startRemoteChromium(t *testing.T) *remoteChromium {
	t.Helper()
	at, err := browser.Find("auto")
	if err != nil {
		t.Fatal(err)
	}
	e := &remoteChromium{t: t, at: at, dir: shortDir(t), port: "0"}
	e.start()
	return e
}

// TestRemote_addresses: each form of a remote Chromium's address works. When a session ends, its context and tabs are removed. The Chromium
// keeps running when legwork ends.
func TestRemote_addresses(t *testing.T) {
	e := startRemoteChromium(t)
	t.Parallel()
	t.Cleanup(func() { // runs after the browsers below were closed
		if n := e.contexts(); n != 0 {
			t.Errorf("%d contexts are left", n)
		}
	})
	for name, at := range map[string]string{
		"socket": e.ws, "ws": "ws://127.0.0.1:" + e.port, "http": "http://127.0.0.1:" + e.port + "/", "name": "http://localhost:" + e.port,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *browser.Config) { c.At = at })
			s := w.open(page.Policy{})
			v := w.loadIn(s, "/app/")
			says(t, v, "30 grams of citric acid")
			if !v.Rendered || v.Note != "" || w.site.Count("/app/") != 1 || w.proxy.count("/app/data.json") != 1 {
				t.Errorf("rendered %v, note %q, %d requests, proxy %v", v.Rendered, v.Note, w.site.Count("/app/"), w.proxy.n)
			}
			shot, img := w.shoot(s, "remote-"+name, page.ShotRequest{URL: "/app/", Quotes: []string{"30 grams of citric acid"}})
			if !shot.Shown[0] || marked(img) < 300 {
				t.Errorf("in view %v, %d marked pixels", shot.Shown[0], marked(img))
			}
			if browser.ContextsOf(w.Browser) == 0 {
				t.Error("the session has no context of its own")
			}
			s.Close()
			w.until("all contexts are gone", func() bool { return browser.ContextsOf(w.Browser) == 0 })
		})
	}
}

// TestRemote_popups: in a Chromium that was started without our flags, windows that our pages open are closed. Windows of other users stay
// open.
func TestRemote_popups(t *testing.T) {
	e := startRemoteChromium(t)
	w := newWorld(t, func(c *browser.Config) { c.At = e.ws })
	w.site.Page("/click.html", `<!DOCTYPE html><title>Click</title><h1>Click</h1><p>The Kestrel clicks when it is done.</p><script>
		const a = document.createElement('a'); a.target = '_blank'; a.rel = 'opener'; a.href = '/app/popup.html'; document.body.append(a); a.click()</script>`)
	alloc, end := remote.NewAllocator(context.Background(), e.ws)
	defer end()
	theirs, cancel := chromedp.NewContext(alloc)
	defer cancel()
	if _, err := chromedp.Run(theirs, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	opened := chromedp.WaitNewTarget(theirs, func(i *target.Info) bool { return i.OpenerID == chromedp.FromContext(theirs).Target.TargetID })
	s := w.open(page.Policy{})
	says(t, w.loadIn(s, "/click.html"), "clicks when it is done")
	w.until("the window is closed", func() bool { return browser.TabsOf(w.Browser) <= 1 })
	if _, err := chromedp.Run(theirs, chromedp.Evaluate[bool]("open('about:blank') !== null")); err != nil {
		t.Fatal(err)
	}
	id := <-opened
	says(t, w.loadIn(s, "/app/"), "citric acid")
	got, err := chromedp.CallBrowser(theirs, target.GetTargets, target.GetTargetsParams{})
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range got.TargetInfos {
		if info.TargetID == id {
			return
		}
	}
	t.Error("the window of somebody else was closed")
}

// TestRemote_dies: when a remote Chromium ends, pages are read over HTTP, and Status says so even before a page is loaded. When the
// Chromium is back, it is used again.
func TestRemote_dies(t *testing.T) {
	e := startRemoteChromium(t)
	w := newWorld(t, func(c *browser.Config) { c.At = "http://127.0.0.1:" + e.port })
	s := w.open(page.Policy{})
	if v := w.loadIn(s, "/app/static.html"); !v.Rendered {
		t.Fatalf("note %q", v.Note)
	}
	e.kill()
	w.until("the status tells", func() bool {
		ok, detail := w.Status()
		return !ok && strings.Contains(detail, "over HTTP") && strings.Contains(detail, e.port)
	})
	v := w.loadIn(s, "/app/static.html")
	says(t, v, "85 degrees")
	if v.Rendered || !strings.Contains(v.Note, "not available") {
		t.Errorf("rendered %v, note %q", v.Rendered, v.Note)
	}
	if _, err := s.Shoot(w.ctx(), page.ShotRequest{URL: w.site.URL("/app/static.html")}); !errors.Is(err, page.ErrNoBrowser) {
		t.Errorf("a picture: %v", err)
	}
	e.start()
	w.until("the status tells that it is back", func() bool { ok, _ := w.Status(); return ok })
	if v := w.loadIn(s, "/app/"); !v.Rendered {
		t.Errorf("note %q", v.Note)
	}
}

// TestRemote_later: a remote Chromium that starts after legwork is used.
func TestRemote_later(t *testing.T) {
	e := startRemoteChromium(t)
	e.kill()
	w := newWorld(t, func(c *browser.Config) { c.At = "ws://127.0.0.1:" + e.port })
	err := w.Start(w.ctx())
	if ok, _ := w.Status(); ok || err == nil {
		t.Errorf("status %v, error %v", ok, err)
	}
	e.start()
	w.until("the status tells that it is there", func() bool { ok, _ := w.Status(); return ok })
	if v := w.load("/app/"); !v.Rendered {
		t.Errorf("note %q", v.Note)
	}
}

// TestRemote_noChromium: a server that is not Chromium is recognised, whatever it answers.
func TestRemote_noChromium(t *testing.T) {
	for name, answer := range map[string]string{
		"no address": `{"Browser":"HeadlessChrome/1.0"}`, "null": `null`, "number": `{"webSocketDebuggerUrl":5}`,
		"other address": `{"webSocketDebuggerUrl":"ws://127.0.0.1:1/else"}`, "text": `hello`, "nothing": ``,
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
			defer server.Close()
			w := newWorld(t, func(c *browser.Config) { c.At = "ws://" + server.Listener.Addr().String() })
			v := w.load("/app/static.html")
			says(t, v, "85 degrees")
			if ok, detail := w.Status(); ok || v.Rendered || !strings.Contains(detail, server.Listener.Addr().String()) {
				t.Errorf("rendered %v, status %v %q", v.Rendered, ok, detail)
			}
		})
	}
}

// TestReached: a remote Chromium gets the address of this machine on the way to it, and the proxy's own while there is no way.
func TestReached(t *testing.T) {
	t.Parallel()
	p := fixedProxy("http://[::]:3128")
	for at, want := range map[string]string{
		"http://127.0.0.1:9222":  "http://127.0.0.1:3128",
		"ws://localhost:9222/":   "http://127.0.0.1:3128",
		"http://[::1":            "http://[::]:3128",
		"http://host.invalid..:": "http://[::]:3128",
	} {
		if got := browser.Reached(p, at).URL(); got != want && strings.Replace(got, "[::1]", "127.0.0.1", 1) != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
}

type fixedProxy string

func (p fixedProxy) URL() string                          { return string(p) }
func (p fixedProxy) Credentials() (user, password string) { return "", "" }
