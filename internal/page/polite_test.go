package page

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"legwork/internal/research"
	"legwork/internal/testsite"
)

// TestBusyAnswers: three answers of 429 or 503 in a row end a task's requests to a domain. A good answer in between resets the count.
// Other tasks are not affected.
func TestBusyAnswers(t *testing.T) {
	t.Parallel()
	site, other := testsite.Start(t), testsite.Start(t)
	f, g := fetcher(t, config())
	task := Policy{BusyAnswers: new(BusyAnswers)}
	load := func(path string, want research.Outcome, says string) {
		t.Helper()
		if v := visit(t, f, site.URL(path), task); v.Outcome != want || !strings.Contains(v.Message, says) {
			t.Errorf("%s: %s %s", path, v.Outcome, v.Message)
		}
	}
	for range 2 {
		load("/retry-after?value=0", research.OutcomeRateLimited, "429")
		load("/retry-after?value=0&status=503", research.OutcomeServerError, "503")
		load("/status/500", research.OutcomeServerError, "500") // a 500 neither resets nor increases the count
		load("/index.html", research.OutcomeOK, "")
	}
	load("/status/503", research.OutcomeServerError, "503")
	load("/status/429", research.OutcomeRateLimited, "429")
	load("/status/503", research.OutcomeServerError, "third time in a row, so this task asks "+site.Host()+" no more")
	asked := len(site.Requests())
	for range 2 {
		load("/index.html", research.OutcomeRateLimited, "three times in a row")
	}
	site.Handle("/back", func(w http.ResponseWriter, r *http.Request) { t.Error("asked") })
	other.Handle("/to", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, site.URL("/back"), http.StatusFound) })
	if v := visit(t, f, other.URL("/to"), task); v.Outcome != research.OutcomeRateLimited {
		t.Errorf("a redirect to it: %s", v.Outcome)
	}
	if n := len(site.Requests()); n != asked {
		t.Errorf("%d requests after the end", n-asked)
	}
	if v := visit(t, f, other.URL("/index.html"), task); v.Outcome != research.OutcomeOK {
		t.Errorf("another domain: %s", v.Outcome)
	}
	if v := visit(t, f, site.URL("/index.html"), Policy{BusyAnswers: new(BusyAnswers)}); v.Outcome != research.OutcomeOK {
		t.Errorf("another task: %s", v.Outcome)
	}
	if strings.Join(g.settled[:2], " ") != site.Host()+" "+site.Host() || g.backoffs[site.Host()] != defaultRetry {
		t.Errorf("settled %v, backed off %v", g.settled, g.backoffs)
	}
	late := new(BusyAnswers)
	for range maxBusyAnswers {
		late.Note("a.example", http.StatusServiceUnavailable)
	}
	if late.Note("a.example", http.StatusOK); !late.Exceeded("a.example") {
		t.Error("an answer that was on its way brings a domain back")
	}
	var none *BusyAnswers
	if none.Note("a.example", 503) || none.Exceeded("a.example") {
		t.Error("a nil BusyAnswers counts")
	}
}

// TestTurn: a reserved time is not used if the domain has asked for fewer requests meanwhile, or if the time has passed.
func TestTurn(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	f, g := fetcher(t, config())
	g.waits = []time.Duration{time.Millisecond, time.Millisecond, 0}
	g.quiet = []time.Duration{time.Minute, time.Minute}
	if v := visit(t, f, site.URL("/index.html"), Policy{}); v.Outcome != research.OutcomeOK || len(g.reserved) != 3 {
		t.Errorf("quiet: %s, reserved %d times", v.Outcome, len(g.reserved))
	}
	// The clock jumps forward by five seconds each time it is read, up to eight times, as if the process were stopped
	// after it had reserved a time for the request and before it sent the request. Such a reserved time must not be
	// used, so the fetcher must reserve a new one.
	f, g = fetcher(t, config())
	now, jumps := time.Now(), 9
	f.now = func() time.Time {
		if jumps--; jumps > 0 {
			now = now.Add(5 * time.Second)
		}
		return now
	}
	if v := visit(t, f, site.URL("/index.html"), Policy{}); v.Outcome != research.OutcomeOK || len(g.reserved) < 3 {
		t.Errorf("late: %s, reserved %d times", v.Outcome, len(g.reserved))
	}
	// If a domain may not be requested for longer than MaxWait, the load fails after MaxWait.
	cfg := config()
	cfg.MaxWait = 50 * time.Millisecond
	f, g = fetcher(t, cfg)
	g.wait = 20 * time.Millisecond
	g.quiet = make([]time.Duration, 1000)
	for i := range g.quiet {
		g.quiet[i] = time.Minute
	}
	before := site.Count("/index.html")
	if v := visit(t, f, site.URL("/index.html"), Policy{}); v.Outcome != research.OutcomeRateLimited || site.Count("/index.html") != before {
		t.Errorf("never: %s", v.Outcome)
	}
}

// TestTurnsOfOthers: requests that are not page loads are spaced together with page loads. They are counted by registrable domain, in
// windows with leeway.
func TestTurnsOfOthers(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Spacing = Spacing{Min: time.Second, Max: 2 * time.Second, Requests: 5, Window: 8 * time.Second}
	f, g := fetcher(t, cfg)
	turn := func(raw string) time.Duration {
		t.Helper()
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		wait, err := f.Turn(t.Context(), u, 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		return wait
	}
	g.waits = []time.Duration{0, time.Millisecond, 0, 0}
	g.quiet = []time.Duration{time.Minute}
	for _, raw := range []string{"https://WWW.Engine.co.uk:443/search?q=x", "http://html.engine.co.uk/", "http://10.0.0.7:8888/search"} {
		if wait := turn(raw); wait != 0 {
			t.Errorf("%s: %v", raw, wait)
		}
	}
	if got := strings.Join(g.reserved, " "); got != "engine.co.uk engine.co.uk engine.co.uk 10.0.0.7:8888" {
		t.Errorf("reserved %s", got)
	}
	if s := g.spacings[0]; s.Window != 9*time.Second || s.Requests != 5 || s.Min != time.Second || s.MaxWait <= 4*time.Second || s.MaxWait > 5*time.Second {
		t.Errorf("reserved as %+v", s)
	}
	g.wait = time.Hour
	if wait := turn("https://engine.co.uk/"); wait != time.Hour {
		t.Errorf("a moment too far off: %v", wait)
	}
}

// TestWindowsAreReservedWithLeeway: even if requests arrive late, no window has too many requests.
func TestWindowsAreReservedWithLeeway(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	for window, want := range map[time.Duration]time.Duration{time.Minute: 62 * time.Second, 8 * time.Second: 9 * time.Second} {
		cfg := config()
		cfg.Spacing = Spacing{Requests: 5, Window: window}
		f, g := fetcher(t, cfg)
		visit(t, f, site.URL("/index.html"), Policy{})
		if g.spacings[0].Window != want || g.spacings[0].Requests != 5 {
			t.Errorf("%v is reserved as %+v", window, g.spacings[0])
		}
	}
}

// toLoopback resolves every name to 127.0.0.1.
func toLoopback(t *testing.T) *net.Resolver {
	server := testsite.StartDNS(t, func(string, int) string { return "127.0.0.1" })
	return server.Resolver()
}

// TestSubdomainsShareATurn: the Gate counts by registrable domain and port.
func TestSubdomainsShareATurn(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	_, port, _ := strings.Cut(site.Host(), ":")
	cfg := config()
	cfg.Resolver = toLoopback(t)
	f, g := fetcher(t, cfg)
	for _, host := range []string{"docs.shop.co.uk", "www.shop.co.uk", "shop.co.uk", "shop.org.uk", "a.github.io", "b.github.io"} {
		if v := visit(t, f, "http://"+host+":"+port+"/index.html", Policy{}); v.Outcome != research.OutcomeOK {
			t.Errorf("%s: %s %s", host, v.Outcome, v.Message)
		}
	}
	want := "shop.co.uk:P shop.co.uk:P shop.co.uk:P shop.org.uk:P a.github.io:P b.github.io:P"
	if got := strings.ReplaceAll(strings.Join(g.reserved, " "), port, "P"); got != want {
		t.Errorf("reserved %s", got)
	}
	stay := Policy{StayOn: "docs.shop.co.uk"}
	for host, want := range map[string]research.Outcome{"www.shop.co.uk": research.OutcomeOK, "shop.org.uk": research.OutcomePolicy, "othershop.co.uk": research.OutcomePolicy} {
		if v := visit(t, f, "http://"+host+":"+port+"/index.html", stay); v.Outcome != want {
			t.Errorf("%s: %s", host, v.Outcome)
		}
	}
	if _, err := cfg.Resolver.LookupHost(context.Background(), "x.example"); err != nil {
		t.Error(err)
	}
}
