package page

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"legwork/internal/research"
	"legwork/internal/testsite"
)

// gate is a simple Gate in memory. The Gate of internal/store has its own tests.
type gate struct {
	mu       sync.Mutex
	wait     time.Duration
	waits    []time.Duration // results of the first calls of Reserve; later calls return wait
	quiet    []time.Duration // results of the first calls of Quiet; later calls return 0
	err      error
	reserved []string
	spacings []Spacing
	backoffs map[string]time.Duration
	settled  []string
}

func (g *gate) Reserve(_ context.Context, domain string, p Spacing) (time.Duration, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.reserved = append(g.reserved, domain)
	g.spacings = append(g.spacings, p)
	if len(g.waits) > 0 {
		wait := g.waits[0]
		g.waits = g.waits[1:]
		return wait, g.err
	}
	return g.wait, g.err
}

func (g *gate) Quiet(context.Context, string) (time.Duration, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.quiet) == 0 {
		return 0, nil
	}
	quiet := g.quiet[0]
	g.quiet = g.quiet[1:]
	return quiet, nil
}

func (g *gate) Settle(_ context.Context, domain string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.settled = append(g.settled, domain)
	return nil
}

func (g *gate) Backoff(_ context.Context, domain string, d time.Duration) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.backoffs == nil {
		g.backoffs = map[string]time.Duration{}
	}
	g.backoffs[domain] = d
	return g.err
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func config() Config {
	return Config{UserAgent: "legwork/test (+https://example.com/legwork)", AllowNets: loopback, Timeout: 10 * time.Second}
}

func fetcher(t *testing.T, cfg Config) (*Fetcher, *gate) {
	t.Helper()
	g := &gate{}
	cfg.Confine = testsite.StartFence(t).Confine
	f := NewFetcher(cfg, g)
	t.Cleanup(f.Close)
	return f, g
}

func visit(t *testing.T, f *Fetcher, url string, p Policy) research.Visit {
	t.Helper()
	v, err := f.Load(t.Context(), url, p)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	if (v.Outcome == research.OutcomeOK) != (v.Page != nil) || (v.Outcome == research.OutcomeOK) != (v.Message == "") {
		t.Errorf("%s: outcome %s with page %v and message %q", url, v.Outcome, v.Page != nil, v.Message)
	}
	return v
}

// answer serves body with these headers.
func answer(site *testsite.Site, path, contentType string, header map[string]string, body string) {
	site.Handle(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		for k, v := range header {
			w.Header().Set(k, v)
		}
		_, _ = w.Write([]byte(body))
	})
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	tlsSite := httptest.NewUnstartedServer(http.NotFoundHandler())
	tlsSite.Config.ErrorLog = log.New(io.Discard, "", 0)
	tlsSite.StartTLS()
	t.Cleanup(tlsSite.Close)
	site.Page("/self.html", `<meta http-equiv="refresh" content="5;url=/self.html"><p>Reloads itself.`)
	answer(site, "/br", "text/html", map[string]string{"Content-Encoding": "br"}, "words as they are")
	answer(site, "/badgzip", "text/html", map[string]string{"Content-Encoding": "gzip"}, "\x1f\x8b\x08not gzip at all")
	site.Handle("/badlocation", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://[::1")
		w.WriteHeader(http.StatusFound)
	})
	answer(site, "/broken.pdf", "application/pdf", nil, "%PDF-1.4 nonsense")
	cfg := config()
	cfg.MaxBytes = 1 << 20
	quick := cfg
	quick.Timeout = time.Second
	for _, tt := range []struct {
		path    string
		outcome research.Outcome
		status  int
		message string
	}{
		{"/index.html", research.OutcomeOK, 200, ""},
		{"/redirect/3", research.OutcomeOK, 200, ""},
		{"/refresh.html", research.OutcomeOK, 200, ""},
		{"/self.html", research.OutcomeOK, 200, ""},
		{"/changes.txt", research.OutcomeOK, 200, ""},
		{"/untyped", research.OutcomeOK, 200, ""},
		{"/broken.html", research.OutcomeOK, 200, ""},
		{"/nul", research.OutcomeOK, 200, ""},
		{"/status/404", research.OutcomeNotFound, 404, "no such page"},
		{"/status/410", research.OutcomeNotFound, 410, "no such page"},
		{"/status/401", research.OutcomeForbidden, 401, "does not let us"},
		{"/status/403", research.OutcomeForbidden, 403, "does not let us"},
		{"/status/429", research.OutcomeRateLimited, 429, "fewer requests"},
		{"/status/500", research.OutcomeServerError, 500, "failed"},
		{"/status/503", research.OutcomeServerError, 503, "failed"},
		{"/status/418", research.OutcomeHTTPError, 418, "418"},
		{"/status/304", research.OutcomeHTTPError, 304, "304"},
		{"/private/secret.html", research.OutcomeRobots, 0, "robots.txt"},
		{"/redirect-private", research.OutcomeNetwork, 302, "FETCH_ALLOW_NETS"},
		{"/redirect-file", research.OutcomeBadURL, 302, "http and https"},
		{"/redirect-loop", research.OutcomeRedirects, 302, "circle"},
		{"/redirect/20", research.OutcomeRedirects, 302, "more than 10"},
		{"/huge", research.OutcomeTooLarge, 200, "1 MiB"},
		{"/huge-length", research.OutcomeTooLarge, 200, "1 MiB"},
		{"/gzip-bomb", research.OutcomeTooLarge, 200, "1 MiB"},
		{"/binary.bin", research.OutcomeType, 200, "application/octet-stream"},
		{"/download.zip", research.OutcomeType, 200, "application/zip"},
		{"/br", research.OutcomeOK, 200, ""},
		{"/badgzip", research.OutcomeType, 200, "compressed"},
		{"/broken.pdf", research.OutcomeType, 200, "broken"},
		{"/badlocation", research.OutcomeBadURL, 302, "not a valid URL"},
		{"/empty", research.OutcomeEmpty, 200, "no text"},
		{"/nothing", research.OutcomeEmpty, 200, "no text"},
		{"/status/204", research.OutcomeEmpty, 204, "no text"},
		{"/login-wall", research.OutcomeBlocked, 200, "login form"},
		{"/captcha", research.OutcomeBlocked, 403, "CAPTCHA"},
		{"/cut", research.OutcomeConnection, 200, "cut"},
		{"/reset", research.OutcomeConnection, 0, "reset"},
		{"/slow", research.OutcomeTimeout, 200, "in time"},
	} {
		t.Run(strings.TrimPrefix(tt.path, "/"), func(t *testing.T) {
			t.Parallel()
			c := cfg
			if tt.outcome == research.OutcomeTimeout {
				c = quick
			}
			f, _ := fetcher(t, c)
			v := visit(t, f, site.URL(tt.path), Policy{})
			if v.Outcome != tt.outcome || v.Status != tt.status || !strings.Contains(v.Message, tt.message) {
				t.Errorf("outcome %s, status %d, message %q", v.Outcome, v.Status, v.Message)
			}
			if v.URL != site.URL(tt.path) || v.FetchedAt.IsZero() || v.Duration <= 0 {
				t.Errorf("%+v", v)
			}
		})
	}
	f, _ := fetcher(t, cfg)
	if v := visit(t, f, tlsSite.URL, Policy{}); v.Outcome != research.OutcomeTLS {
		t.Errorf("unknown authority: %s %s", v.Outcome, v.Message)
	}
	if v := visit(t, f, strings.Replace(site.URL("/"), "http:", "https:", 1), Policy{}); v.Outcome != research.OutcomeTLS {
		t.Errorf("TLS to a plain server: %s %s", v.Outcome, v.Message)
	}
	if v := visit(t, f, "http://no-such-host.invalid/", Policy{}); v.Outcome != research.OutcomeDNS {
		t.Errorf("unknown host: %s %s", v.Outcome, v.Message)
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	if v := visit(t, f, closed.URL, Policy{}); v.Outcome != research.OutcomeConnection {
		t.Errorf("closed port: %s %s", v.Outcome, v.Message)
	}
}

func TestRefusedNetworks(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	_, port, _ := strings.Cut(site.Host(), ":")
	open := config()
	open.AllowNets = nil
	for _, u := range []string{
		"http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.0.0.1./",
		"http://0.0.0.0/", "http://0/", "http://localhost/", "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/",
		"http://[::ffff:7f00:1]/", "http://10.1.2.3/", "http://192.168.0.1/", "http://172.16.0.1/", "http://169.254.169.254/latest/",
		"http://100.64.0.1/", "http://[fe80::1]/", "http://[fd00::1]/", "http://[64:ff9b::7f00:1]/", "http://224.0.0.1/",
		"http://8.8.8.8:22/", "http://127.0.0.1:" + port + "/", "https://127.0.0.1/",
	} {
		t.Run(u, func(t *testing.T) {
			t.Parallel()
			f, _ := fetcher(t, open)
			v := visit(t, f, u, Policy{})
			if v.Outcome != research.OutcomeNetwork || !strings.Contains(v.Message, "FETCH_ALLOW_NETS") {
				t.Errorf("%s: %s", v.Outcome, v.Message)
			}
		})
	}
	t.Cleanup(func() {
		if n := len(site.Requests()); n != 0 {
			t.Errorf("%d requests got through", n)
		}
	})
}

func TestAllowedNetworkInAnySpelling(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	_, port, _ := strings.Cut(site.Host(), ":")
	f, _ := fetcher(t, config())
	for _, host := range []string{"127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "LOCALHOST"} {
		if v := visit(t, f, "http://"+host+":"+port+"/index.html", Policy{}); v.Outcome != research.OutcomeOK {
			t.Errorf("%s: %s %s", host, v.Outcome, v.Message)
		}
	}
}

func TestProxyVariablesAreIgnored(t *testing.T) {
	proxied := false
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied = true }))
	t.Cleanup(proxy.Close)
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY"} {
		t.Setenv(name, proxy.URL)
	}
	f, _ := fetcher(t, config())
	if v := visit(t, f, "http://no-such-host.invalid/", Policy{}); v.Outcome != research.OutcomeDNS || proxied {
		t.Errorf("%s, proxy asked: %v", v.Outcome, proxied)
	}
}

func TestRedirectsAreCheckedHopByHop(t *testing.T) {
	t.Parallel()
	site, other := testsite.Start(t), testsite.Start(t)
	site.Handle("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL("/private/secret.html"), 307)
	})
	site.Handle("/named", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(other.URL("/index.html"), "127.0.0.1", "localhost", 1), 308)
	})
	f, g := fetcher(t, config())
	if v := visit(t, f, site.URL("/away"), Policy{}); v.Outcome != research.OutcomeRobots || v.FinalURL != other.URL("/private/secret.html") {
		t.Errorf("robots.txt of the target: %s %s", v.Outcome, v.FinalURL)
	}
	if other.Count("/private/secret.html") != 0 {
		t.Error("the forbidden page was requested")
	}
	if v := visit(t, f, site.URL("/named"), Policy{DenyDomains: []string{"localhost"}}); v.Outcome != research.OutcomePolicy {
		t.Errorf("denied target: %s", v.Outcome)
	}
	if other.Count("/index.html") != 0 {
		t.Error("the denied page was requested")
	}
	v := visit(t, f, site.URL("/redirect/2"), Policy{})
	if v.FinalURL != site.URL("/index.html") || v.URL != site.URL("/redirect/2") {
		t.Errorf("%s → %s", v.URL, v.FinalURL)
	}
	// Exactly one moment was reserved for each request: 1 + 1 + 3.
	if want := []string{site.Host(), site.Host(), site.Host(), site.Host(), site.Host()}; strings.Join(g.reserved, " ") != strings.Join(want, " ") {
		t.Errorf("reserved %v", g.reserved)
	}
}

func TestBadURLs(t *testing.T) {
	t.Parallel()
	f, g := fetcher(t, config())
	for _, u := range []string{"", "kettle", "/index.html", "ftp://example.com/", "file:///etc/passwd", "javascript:alert(1)", "http://", "http:///",
		"mailto:a@example.com", "http://256.256.256.256/", "http://exa mple.com/", "http://[::1", "http://example.com:99999999/\x00"} {
		if v := visit(t, f, u, Policy{}); v.Outcome != research.OutcomeBadURL || v.Message == "" || v.FinalURL != u {
			t.Errorf("%q: %s %q", u, v.Outcome, v.Message)
		}
	}
	for raw, shown := range map[string]string{
		"http://user:pw@example.com/x": "http://…@example.com/x", `HTTP:\\pw@example.com`: `HTTP:\\…@example.com`, "https://a:pw@b@example.com": "https://…@example.com",
	} {
		if v := visit(t, f, raw, Policy{}); v.Outcome != research.OutcomeBadURL || v.URL != shown || v.FinalURL != shown || strings.Contains(v.Message, "pw") {
			t.Errorf("%q: %+v", raw, v)
		}
	}
	if len(g.reserved) != 0 {
		t.Errorf("reserved %v", g.reserved)
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	for query, want := range map[string]time.Duration{
		"": 7 * time.Second, "?value=3&status=503": 3 * time.Second, "?value=soon": defaultRetry,
		"?value=" + url.QueryEscape(time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)): 0,
	} {
		f, g := fetcher(t, config())
		visit(t, f, site.URL("/retry-after"+query), Policy{})
		if got, ok := g.backoffs[site.Host()]; !ok || got != want {
			t.Errorf("%s: backed off %v %v, want %v", query, ok, got, want)
		}
	}
	f, g := fetcher(t, config())
	visit(t, f, site.URL("/status/500"), Policy{})
	if len(g.backoffs) != 0 {
		t.Error("backed off after a 500")
	}
	if v := visit(t, f, site.URL("/flaky?fail=1"), Policy{}); !v.Outcome.Transient() {
		t.Errorf("flaky: %s", v.Outcome)
	}
	if v := visit(t, f, site.URL("/flaky?fail=1"), Policy{}); v.Outcome != research.OutcomeOK {
		t.Errorf("flaky again: %s", v.Outcome)
	}
}

func TestRequestsIntroduceThemselves(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	f, _ := fetcher(t, config())
	visit(t, f, site.URL("/index.html"), Policy{})
	for _, r := range site.Requests() {
		if r.UserAgent != config().UserAgent || r.Method != http.MethodGet {
			t.Errorf("%+v", r)
		}
	}
	if site.Count("/robots.txt") != 1 {
		t.Errorf("robots.txt was read %d times", site.Count("/robots.txt"))
	}
}

func TestErrorsAreOnlyCancellationAndGate(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	f, g := fetcher(t, config())

	g.err = errors.New("database gone")
	if _, err := f.Load(t.Context(), site.URL("/index.html"), Policy{}); !errors.Is(err, g.err) {
		t.Errorf("gate: %v", err)
	}
	f2, g2 := fetcher(t, config())
	g2.wait = time.Hour
	if v := visit(t, f2, site.URL("/index.html"), Policy{}); v.Outcome != research.OutcomeRateLimited {
		t.Errorf("an hour to wait: %s", v.Outcome)
	}
	g2.wait = time.Minute
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if _, err := f2.Load(ctx, site.URL("/index.html"), Policy{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while waiting: %v", err)
	}
	if site.Count("/index.html") != 0 {
		t.Error("the page was requested before its time")
	}
	site.Hold("/manual/start.html")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	f3, _ := fetcher(t, config())
	go func() { _, err := f3.Load(ctx, site.URL("/manual/start.html"), Policy{}); done <- err }()
	if err := site.WaitFor(t.Context(), "/manual/start.html", 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("while loading: %v", err)
	}
}

func TestWaitAtTheGateIsNotCountedAsTime(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	cfg := config()
	cfg.Timeout = 2 * time.Second
	f, g := fetcher(t, cfg)
	g.wait = 30 * time.Millisecond
	v := visit(t, f, site.URL("/index.html"), Policy{})
	if v.Outcome != research.OutcomeOK || v.Duration < g.wait {
		t.Errorf("%s after %v", v.Outcome, v.Duration)
	}
	if v.Bytes == 0 || v.Page.Title != v.Title || len(v.Links) < 10 {
		t.Errorf("%d bytes, %q, %d links", v.Bytes, v.Title, len(v.Links))
	}
}

// TestCookiesOfOneLoad: a site that redirects until it receives its cookie is read. The next load starts without cookies.
func TestCookiesOfOneLoad(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	var first int
	gated := func(name string, refuse func(w http.ResponseWriter, r *http.Request)) {
		site.Handle(name, func(w http.ResponseWriter, r *http.Request) {
			if _, err := r.Cookie("seen"); err != nil {
				http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1", Path: "/"})
				first++
				refuse(w, r)
				return
			}
			_, _ = w.Write([]byte("<title>Inside</title><p>The reading room opens at 9:15."))
		})
	}
	gated("/itself", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/itself", http.StatusFound) })
	gated("/element", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`<meta http-equiv=refresh content="0;url=/element"><p>Wait.`))
	})
	gated("/header", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Refresh", "0; url=/header")
		_, _ = w.Write([]byte("<p>Wait."))
	})
	site.Handle("/circle", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "always the same"})
		http.Redirect(w, r, "/circle", http.StatusFound)
	})
	count := 0
	site.Handle("/endless", func(w http.ResponseWriter, r *http.Request) {
		count++
		http.SetCookie(w, &http.Cookie{Name: "n", Value: fmt.Sprint(count)})
		http.Redirect(w, r, "/endless", http.StatusFound)
	})
	f, _ := fetcher(t, config())
	for range 2 {
		for _, path := range []string{"/itself", "/element", "/header"} {
			if v := visit(t, f, site.URL(path), Policy{}); v.Outcome != research.OutcomeOK || !strings.Contains(v.Page.Text, "9:15") {
				t.Errorf("%s: %s %s", path, v.Outcome, v.Message)
			}
		}
	}
	if first != 6 {
		t.Errorf("%d requests without a cookie, want one for each load", first)
	}
	for _, path := range []string{"/circle", "/endless"} {
		if v := visit(t, f, site.URL(path), Policy{}); v.Outcome != research.OutcomeRedirects {
			t.Errorf("%s: %s %s", path, v.Outcome, v.Message)
		}
	}
}

// TestRefreshHeader: a Refresh header redirects like the <meta> element. If the page has text, that text is the result, and no redirect is
// followed.
func TestRefreshHeader(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	site.Handle("/moved", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Refresh", "0;URL='index.html'")
		_, _ = w.Write([]byte("<p>Moved."))
	})
	site.Handle("/later", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Refresh", "300")
		_, _ = w.Write([]byte("<p>News of the hour."))
	})
	f, _ := fetcher(t, config())
	if v := visit(t, f, site.URL("/moved"), Policy{}); v.FinalURL != site.URL("/index.html") || v.Outcome != research.OutcomeOK {
		t.Errorf("%s %s", v.FinalURL, v.Message)
	}
	if v := visit(t, f, site.URL("/later"), Policy{}); v.FinalURL != site.URL("/later") || v.Outcome != research.OutcomeOK {
		t.Errorf("%s %s", v.FinalURL, v.Message)
	}
}

// TestBinaryIsNotRead: if the first bytes of a document show that it is not text, the rest is not loaded. The Content-Type does not matter.
func TestBinaryIsNotRead(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	for path, contentType := range map[string]string{"/video": "video/mp4", "/page": "text/html", "/text": "text/plain", "/none": ""} {
		site.Handle(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{contentType}
			chunk := bytes.Repeat([]byte("\x00\x00\x00\x18ftypmp42\x00\x01\x02\x03"), 4096)
			for range 10 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		})
	}
	f, _ := fetcher(t, config())
	for _, path := range []string{"/video", "/page", "/text", "/none"} {
		if v := visit(t, f, site.URL(path), Policy{}); v.Outcome != research.OutcomeType || v.Bytes > 64<<10 {
			t.Errorf("%s: %s %q after %d bytes", path, v.Outcome, v.Message, v.Bytes)
		}
	}
}
