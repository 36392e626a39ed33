package proxy

import (
	"bufio"
	"context"
	_ "embed"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"legwork/internal/page"
	"legwork/internal/page/browser"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// attackPage tries all ways to connect to the servers named SECRET, and reports when it is done.
//
//go:embed testdata/attack.html
var attackPage string

// attackSite has a hostile site on 127.0.0.2, which is allowed, and private servers on 127.0.0.1 and ::1, which are forbidden. The site and
// the first private server have the same port, so that one host name can resolve to either.
type attackSite struct {
	t    *testing.T
	site *httptest.Server
	page string // address of the hostile page
	dns  *testsite.DNS
	done chan struct{} // closed when the page has tried everything
	want []string      // attacks that must succeed; the page waits for them, up to a minute

	mu      sync.Mutex
	reached map[string]int // number of connections by attack; the key is the first path segment of a request, or the name of a trap
}

func (h *attackSite) hit(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reached[what]++
}

func (h *attackSite) hits() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.reached))
}

// trap starts a TCP server that counts connections by the path of their request, or by the trap's name.
func (h *attackSite) trap(name, addr string) string {
	h.t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go h.countConnection(name, conn)
		}
	}()
	return ln.Addr().String()
}

func (h *attackSite) countConnection(name string, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	h.hit(name)
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
		h.hit(strings.TrimPrefix(r.URL.Path, "/"))
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Type: text/plain\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret")
	}
}

// packets starts a UDP server that counts packets.
func (h *attackSite) packets(name string) string {
	h.t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = conn.Close() })
	go func() {
		b := make([]byte, 2000)
		for {
			if _, _, err := conn.ReadFrom(b); err != nil {
				return
			}
			h.hit(name)
		}
	}()
	return conn.LocalAddr().String()
}

func newAttackSite(t *testing.T) *attackSite {
	t.Helper()
	h := &attackSite{t: t, done: make(chan struct{}), reached: map[string]int{}}
	secret := h.trap("connection", "127.0.0.1:0")
	_, port, _ := net.SplitHostPort(secret)
	_, sixPort, _ := net.SplitHostPort(h.trap("six connection", "[::1]:0"))
	ln, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("SECRET", "http://"+secret, "SIXPORT", sixPort, "PORT", port, "IDLE", "http://"+h.trap("preconnect", "127.0.0.1:0"),
		"STUN", h.packets("webrtc udp"), "TURN", h.trap("webrtc tcp", "127.0.0.1:0"), "QUIC", h.packets("webtransport")).Replace(attackPage)
	done := sync.OnceFunc(func() { close(h.done) })
	h.site = &httptest.Server{Listener: ln, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		switch r.URL.Path {
		case "/attack.html":
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Link", "<http://"+secret+"/link-header>; rel=preload; as=script")
			w.Header().Set("Refresh", "30; url=http://"+secret+"/refresh-header")
			shown := text
			if r.URL.RawQuery == "loopback" {
				shown = loopbackOnly.Replace(text)
			}
			_, _ = io.WriteString(w, shown)
		case "/to":
			http.Redirect(w, r, r.URL.RawQuery, http.StatusFound)
		case "/sw.js":
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = fmt.Fprintf(w, "addEventListener('install', e => e.waitUntil(fetch('http://%s/serviceworker', {mode: 'no-cors'})))", secret)
		case "/first":
			w.Header().Set("Connection", "close")
		case "/done":
			done()
		default:
			http.NotFound(w, r)
		}
	})}}
	h.site.Start()
	t.Cleanup(h.site.Close)
	h.page = "http://127.0.0.2:" + port + "/attack.html"
	h.dns = testsite.StartDNS(t, func(name string, asked int) string {
		switch {
		case name == "rebind.test" && asked == 1:
			return "127.0.0.2"
		case name == "rebind.test", name == "private.test":
			return "127.0.0.1"
		case name == "metadata.test":
			return "169.254.169.254"
		}
		return ""
	})
	return h
}

// loopbackOnly replaces addresses in the hostile page that do not belong to this machine. A Chromium without our flags bypasses its proxy
// for link-local addresses, and a test must not send anything to other machines.
var loopbackOnly = strings.NewReplacer("169.254.169.254", "127.0.0.3", "[fd00:ec2::254]", "127.0.0.3", "10.0.0.1", "127.0.0.3", "192.168.0.1", "127.0.0.3")

// noAuth returns the address of a proxy that needs no authentication. It forwards to s, and is for a Chromium that cannot answer a request
// for authentication.
func noAuth(t *testing.T, s *Server) string {
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Proxy-Authorization", s.authorization)
		s.serve(w, r)
	}))
	t.Cleanup(front.Close)
	return front.URL
}

// openUncontrolled opens the page in a Chromium that no DevTools session controls, and waits until the page is done. If flags do not
// include our own, the page must be the one with loopback addresses only.
func (h *attackSite) openUncontrolled(flags ...string) {
	h.t.Helper()
	at, err := browser.Find("auto")
	if err != nil {
		h.t.Fatalf("this test needs a browser: apt-get install chromium-headless-shell, or chromium (%v)", err)
	}
	dir, err := os.MkdirTemp("", "lw")
	if err != nil {
		h.t.Fatal(err)
	}
	cmd := exec.Command(at, append([]string{"--headless", "--no-sandbox", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage", "--user-data-dir=" + dir,
		"--disable-popup-blocking", "--autoplay-policy=no-user-gesture-required", "--remote-debugging-port=0",
		// These features would block some attacks before they reach the proxy.
		"--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,WebRtcHideLocalIpsWithMdns"}, append(flags, h.page)...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // the child's death signal is sent when this thread ends
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	}()
	select {
	case <-h.done:
	case <-time.After(90 * time.Second):
		h.t.Fatal("the hostile page was never done")
	}
	tick, end := time.NewTicker(100*time.Millisecond), time.Now().Add(time.Minute)
	defer tick.Stop()
	for len(h.missing()) > 0 && time.Now().Before(end) {
		<-tick.C
	}
}

// missing returns the attacks in want that have not succeeded yet.
func (h *attackSite) missing() []string {
	got := h.hits()
	return slices.DeleteFunc(slices.Clone(h.want), func(s string) bool { return slices.Contains(got, s) })
}

// attacks are the attacks of the page that succeed in a Chromium without protection. The page also tries prefetches and preconnects. They
// are not in this list, since not every Chromium makes them.
var attacks = []string{"css", "import", "background", "font", "script", "img", "redirect", "iframe", "iframe-redirect", "refresh", "object", "embed", "video", "audio", "svg",
	"fetch", "fetch-redirect", "keepalive", "xhr", "beacon", "eventsource", "websocket", "image", "worker", "sharedworker", "serviceworker", "form", "ping",
	"decimal", "hex", "octal", "short", "mapped", "localhost", "name", "six", "rebind", "preload", "open", "download", "webtransport", "webrtc udp", "webrtc tcp"}

// TestSSRF_Control: without the rules every attack succeeds. So the other tests would fail if the rules did not work.
func TestSSRF_Control(t *testing.T) {
	t.Parallel()
	h := newAttackSite(t)
	s := start(t, func(c *Config) {
		c.AllowNets = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
		c.Resolver = h.dns.Resolver()
	})
	h.want = attacks
	h.page += "?loopback"
	h.openUncontrolled("--proxy-server=" + noAuth(t, s))
	t.Logf("reached: %v", h.hits())
	if missing := h.missing(); len(missing) > 0 {
		t.Errorf("without rules, these reach nothing either: %v", missing)
	}
}

// TestSSRF_NoBypassList: the proxy alone does not protect, since by default Chromium bypasses it for loopback addresses.
func TestSSRF_NoBypassList(t *testing.T) {
	t.Parallel()
	h := newAttackSite(t)
	s := start(t, func(c *Config) { c.AllowNets, c.Resolver = hostile, h.dns.Resolver() })
	h.page += "?loopback"
	h.openUncontrolled("--proxy-server=" + noAuth(t, s))
	if got := h.hits(); !slices.Contains(got, "fetch") || slices.Contains(got, "rebind") {
		t.Errorf("reached: %v", got)
	}
}

// hostile is the network of the hostile page. No other network is allowed.
var hostile = []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}

// TestSSRF_ProxyAlone: in a Chromium with our flags and our proxy, and without request interception, no attack succeeds.
func TestSSRF_ProxyAlone(t *testing.T) {
	t.Parallel()
	h := newAttackSite(t)
	s := start(t, func(c *Config) { c.AllowNets, c.Resolver = hostile, h.dns.Resolver() })
	h.openUncontrolled(append(ourFlags(t, s), "--proxy-server="+noAuth(t, s))...)
	if got := h.hits(); len(got) > 0 {
		t.Errorf("reached: %v", got)
	}
	refused := strings.Join(s.Refused(), " ")
	t.Logf("%d refused: %s", s.Refusals(), refused)
	for _, want := range []string{"169.254.169.254:80", "metadata.test:80", "10.0.0.1:80", "192.168.0.1:80", "[fd00:ec2::254]:80", "private.test:", "rebind.test:", "127.0.0.1:", "[::ffff:", "[::1]:", "localhost:"} {
		if !strings.Contains(refused, want) {
			t.Errorf("%s was not even asked for", want)
		}
	}
	if s.Refusals() < 30 {
		t.Errorf("only %d connections were refused", s.Refusals())
	}
}

// ourFlags returns the flags of our browser, except its profile folder, its proxy, and the flags that block new windows, so that all
// attacks reach the proxy.
func ourFlags(t *testing.T, s *Server) []string {
	b, dir := taskBrowser(t, s)
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range lines {
		line, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(line), "--user-data-dir="+dir) || strings.Contains(string(line), "--type=") {
			continue
		}
		var flags []string
		for arg := range strings.SplitSeq(string(line), "\x00") {
			name, _, _ := strings.Cut(arg, "=")
			if strings.HasPrefix(arg, "--") && !slices.Contains([]string{"--user-data-dir", "--remote-debugging-port", "--remote-debugging-pipe", "--proxy-server", "--block-new-web-contents"}, name) {
				flags = append(flags, arg)
			}
		}
		if len(flags) < 20 {
			continue // this process is a wrapper script, not Chromium
		}
		t.Logf("flags: %s", strings.Join(flags, " "))
		return flags
	}
	t.Fatal("our Chromium was not found")
	return nil
}

// taskBrowser returns the browser as tasks use it, and its folder.
func taskBrowser(t *testing.T, s *Server) (b *browser.Browser, dir string) {
	at, err := browser.Find("auto")
	if err != nil {
		t.Fatalf("this test needs a browser: apt-get install chromium-headless-shell, or chromium (%v)", err)
	}
	if dir, err = os.MkdirTemp("", "lw"); err != nil { //nolint:usetesting // as above
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	fetcher := page.NewFetcher(page.Config{AllowNets: hostile, Confine: testsite.StartFence(t).Confine}, openGate{})
	t.Cleanup(fetcher.Close)
	b = browser.New(browser.Config{Fetcher: fetcher, Proxy: s, At: at, Dir: dir, RenderTime: 20 * time.Second})
	t.Cleanup(b.Close)
	return b, dir
}

type openGate struct{}

func (openGate) Reserve(context.Context, string, page.Spacing) (time.Duration, error) { return 0, nil }
func (openGate) Backoff(context.Context, string, time.Duration) error                 { return nil }
func (openGate) Quiet(context.Context, string) (time.Duration, error)                 { return 0, nil }
func (openGate) Settle(context.Context, string) error                                 { return nil }

// TestSSRF_Browser: the browser as tasks use it reads the hostile page and takes a picture of it. No attack succeeds.
func TestSSRF_Browser(t *testing.T) {
	t.Parallel()
	h := newAttackSite(t)
	s := start(t, func(c *Config) { c.AllowNets, c.Resolver = hostile, h.dns.Resolver() })
	b, _ := taskBrowser(t, s)
	session := b.Open(page.Scope{})
	defer session.Close()
	v, err := session.Load(t.Context(), page.Address{URL: h.page})
	if err != nil || v.Outcome != research.OutcomeOK || !v.Rendered {
		t.Errorf("%s, rendered %v: %s%s, %v", v.Outcome, v.Rendered, v.Message, v.Note, err)
	}
	if _, err := session.Shoot(t.Context(), page.ShotRequest{URL: h.page, FullPage: true}); err != nil {
		t.Error(err)
	}
	if got := h.hits(); len(got) > 0 {
		t.Errorf("reached: %v", got)
	}
	if s.Refusals() < 10 {
		t.Errorf("only %d connections were refused: %v", s.Refusals(), s.Refused())
	}
}

// TestSSRF_Fetcher: the Fetcher refuses the same addresses if they are given directly, by a redirect, by a refresh, or by a name whose
// address changes.
func TestSSRF_Fetcher(t *testing.T) {
	t.Parallel()
	h, fence := newAttackSite(t), testsite.StartFence(t)
	load := func(resolver *net.Resolver, allow []netip.Prefix, url string) research.Visit {
		t.Helper()
		f := page.NewFetcher(page.Config{AllowNets: allow, Resolver: resolver, Confine: fence.Confine, IgnoreRobots: true}, openGate{})
		defer f.Close()
		v, err := f.Load(t.Context(), url, page.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	_, port, _ := net.SplitHostPort(h.site.Listener.Addr().String())
	var urls []string
	for _, host := range []string{"127.0.0.1", "2130706433", "0x7f.1", "017700000001", "127.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "localhost", "0.0.0.0", "private.test"} {
		urls = append(urls, "http://"+host+":"+port+"/", h.site.URL+"/to?http://"+host+":"+port+"/")
	}
	for _, host := range []string{"169.254.169.254", "metadata.test", "[fd00:ec2::254]", "168.63.129.16", "10.0.0.1", "192.168.0.1", "100.100.100.200"} {
		urls = append(urls, "http://"+host+"/", h.site.URL+"/to?http://"+host+"/")
	}
	for _, url := range urls {
		if v := load(h.dns.Resolver(), hostile, url); v.Outcome != research.OutcomeNetwork && (v.Outcome != research.OutcomeDNS || !strings.Contains(url, "localhost")) {
			t.Errorf("%s: %s %s", url, v.Outcome, v.Message)
		}
	}
	rebind := "http://rebind.test:" + port
	if v := load(h.dns.Resolver(), hostile, rebind+"/first"); v.Status != http.StatusOK {
		t.Errorf("the name leads to %s %s at first", v.Outcome, v.Message)
	}
	if v := load(h.dns.Resolver(), hostile, rebind+"/rebind"); v.Outcome != research.OutcomeNetwork {
		t.Errorf("the name leads to %s %s later", v.Outcome, v.Message)
	}
	if got := h.hits(); len(got) > 0 {
		t.Errorf("reached: %v", got)
	}
	if fence.Asked() < len(urls) {
		t.Errorf("%d connections were tried for %d addresses", fence.Asked(), len(urls))
	}
	all := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	if load(h.dns.Resolver(), all, rebind+"/rebind"); !slices.Contains(h.hits(), "rebind") {
		t.Error("even without rules nothing is reached")
	}
}
