package page

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"legwork/internal/page/robotstxt"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// TestRobotsRulesOfAnAddress: rules apply to the path and query of an address, in the form that is requested.
func TestRobotsRulesOfAnAddress(t *testing.T) {
	t.Parallel()
	r := rules{file: robotstxt.Parse([]byte("User-agent: *\nDisallow: /a%2Fb\nDisallow: /*?print=\nDisallow: /caf\u00e9\nDisallow: /$"), "legwork")}
	for raw, want := range map[string]bool{
		"http://example.com/a/b": true, "http://example.com/a%2fb": false, "http://example.com/x?print=1": false, "http://example.com/x?y": true,
		"http://example.com/café/x": false, "http://example.com": false, "http://example.com/robots.txt": true, "http://example.com/x%3Fprint=1": true,
	} {
		u, err := ParseURL(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.allow(u); got != want {
			t.Errorf("%s allowed: %v", raw, got)
		}
	}
}

func TestRobotsAnswers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		robots  http.HandlerFunc
		outcome research.Outcome
	}{
		"missing":          {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, research.OutcomeOK},
		"forbidden":        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, research.OutcomeOK},
		"too many":         {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, research.OutcomeRateLimited},
		"server error":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, research.OutcomeServerError},
		"cut":              {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, research.OutcomeConnection},
		"redirect":         {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/rules", 302) }, research.OutcomeRobots},
		"endless redirect": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/robots.txt", 302) }, research.OutcomeOK},
		"to a private one": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "http://10.0.0.1/robots.txt", 302) }, research.OutcomeNetwork},
		"huge": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("User-agent: *\nDisallow: /index.html\n" + strings.Repeat("# more\n", 200_000)))
		}, research.OutcomeRobots},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := testsite.Start(t)
			site.Handle("/robots.txt", tt.robots)
			site.Handle("/rules", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("User-agent: *\nDisallow: /")) })
			f, _ := fetcher(t, config())
			if v := visit(t, f, site.URL("/index.html"), Policy{}); v.Outcome != tt.outcome {
				t.Errorf("%s: %s", v.Outcome, v.Message)
			}
			if got := site.Count("/index.html"); got != map[bool]int{true: 1}[tt.outcome == research.OutcomeOK] {
				t.Errorf("the page was requested %d times", got)
			}
		})
	}
}

func TestRobotsIsAskedOncePerHostAndLifetime(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	f, _ := fetcher(t, config())
	now := time.Now()
	f.robots.now = func() time.Time { return now }
	release := site.Hold("/robots.txt")
	var all sync.WaitGroup
	for i := range 5 {
		all.Go(func() {
			if _, err := f.Load(t.Context(), site.URL(fmt.Sprintf("/index.html?%d", i)), Policy{}); err != nil {
				t.Error(err)
			}
		})
	}
	if err := site.WaitFor(t.Context(), "/robots.txt", 1); err != nil {
		t.Fatal(err)
	}
	// If one caller is cancelled, the request continues for the others.
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if _, err := f.Load(ctx, site.URL("/"), Policy{}); err == nil {
		t.Error("no error after cancellation")
	}
	release()
	all.Wait()
	if n := site.Count("/robots.txt"); n != 1 {
		t.Errorf("asked %d times", n)
	}
	now = now.Add(time.Hour + time.Second)
	visit(t, f, site.URL("/"), Policy{})
	if n := site.Count("/robots.txt"); n != 2 {
		t.Errorf("asked %d times after its lifetime", n)
	}
}

// TestRobotsAreKept: the content of a robots.txt, or the fact that it does not exist, is cached for RobotsTTL. A refusal is cached for half
// a minute. The failure to reach a server is not cached.
func TestRobotsAreKept(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		robots http.HandlerFunc
		asked  [3]int // requests after two loads in a row, after half a minute, and after an hour
	}{
		"there":        {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("User-agent: *\nDisallow: /")) }, [3]int{1, 1, 2}},
		"missing":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, [3]int{1, 1, 2}},
		"server error": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, [3]int{1, 2, 3}},
		"too many":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, [3]int{1, 2, 3}},
		"cut":          {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, [3]int{2, 3, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := testsite.Start(t)
			site.Handle("/robots.txt", tt.robots)
			f, _ := fetcher(t, config())
			now := time.Now()
			f.robots.now = func() time.Time { return now }
			visit(t, f, site.URL("/index.html"), Policy{})
			for i, later := range []time.Duration{0, robotsRetry + time.Second, time.Hour} {
				now = now.Add(later)
				visit(t, f, site.URL("/index.html"), Policy{})
				if n := site.Count("/robots.txt"); n != tt.asked[i] {
					t.Errorf("asked %d times after %v, want %d", n, later, tt.asked[i])
				}
			}
			site.Handle("/robots.txt", func(http.ResponseWriter, *http.Request) {})
			now = now.Add(2 * time.Hour)
			if v := visit(t, f, site.URL("/index.html"), Policy{}); v.Outcome != research.OutcomeOK {
				t.Errorf("when it is well again: %s %s", v.Outcome, v.Message)
			}
		})
	}
}

func TestCrawlDelayRaisesTheSpacing(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]Spacing{
		"3":     {Min: 3 * time.Second, Max: 3 * time.Second},
		"0.5":   {Min: time.Second, Max: 2 * time.Second},
		"86400": {Min: maxCrawlDelay, Max: maxCrawlDelay},
		"-5":    {Min: time.Second, Max: 2 * time.Second},
	} {
		site := testsite.Start(t)
		answer(site, "/robots.txt", "text/plain", nil, "User-agent: *\nCrawl-delay: "+value+"\nAllow: /\n")
		cfg := config()
		cfg.Spacing = Spacing{Min: time.Second, Max: 2 * time.Second}
		f, g := fetcher(t, cfg)
		visit(t, f, site.URL("/index.html"), Policy{})
		g.spacings[0].MaxWait = 0
		if g.spacings[0] != want {
			t.Errorf("%s: %+v", value, g.spacings[0])
		}
	}
}

func TestIgnoreRobots(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	cfg := config()
	cfg.IgnoreRobots = true
	f, _ := fetcher(t, cfg)
	if v := visit(t, f, site.URL("/private/secret.html"), Policy{}); v.Outcome != research.OutcomeOK || site.Count("/robots.txt") != 0 {
		t.Errorf("%s, robots.txt asked %d times", v.Outcome, site.Count("/robots.txt"))
	}
}
