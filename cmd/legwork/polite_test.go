package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"legwork/api"
	"legwork/cmd/legwork/sources"
	"legwork/internal/config"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// chainDepth is the number of links from the first page of a chain to the page with the answer. It is the greatest maxDepth.
const chainDepth = 5

// chain adds pages /chain/NAME/0, /chain/NAME/1 and so on, each with a link to the next one. The last one has the
// answer.
func chain(w *world, name string, beside ...string) (seed string) {
	for i := range chainDepth {
		w.site.Page(fmt.Sprintf("/chain/%s/%d", name, i), fmt.Sprintf(`<html lang="en"><title>Chapter %d of %[3]s</title><h1>Chapter %[1]d</h1>
<p>This chapter of %[3]s leads on and says nothing of its own.</p><p><a href="/chain/%[3]s/%[2]d">The treasure of Zanzibar, continued</a></p>%[4]s`, i, i+1, name, strings.Join(beside, "")))
	}
	w.site.Page(fmt.Sprintf("/chain/%s/%d", name, chainDepth), `<html lang="en"><title>The end of `+name+`</title><h1>The end</h1>
<p>The treasure of Zanzibar is buried under the third palm tree, as `+name+` knows.</p>`)
	return w.site.URL("/chain/" + name + "/0")
}

// readAtOnce runs a task for each seed, all at the same time, on two worker processes. It returns the requests that
// the site received.
func readAtOnce(w *world, seeds []string, extra ...string) []testsite.Request {
	w.t.Helper()
	c := w.serve(roleAPI)
	for range 2 {
		w.line(w.start(settings(w.url, w.dir, append([]string{"MAX_CONCURRENT_TASKS=" + fmt.Sprint(len(seeds)/2)}, extra...)...), "worker"), "legwork starts")
	}
	var ids []string
	for _, seed := range seeds {
		in := map[string]any{"question": "Where is the treasure of Zanzibar buried?", "seedUrl": seed, "maxDepth": chainDepth, "timeBudget": 120}
		ids = append(ids, w.ask(c, in).TaskID)
	}
	for _, id := range ids {
		if done := w.await(c, id); done.Status != api.StatusCompleted {
			w.t.Errorf("ended as %s: %v", done.Status, done.Error)
		}
	}
	if n := w.count("SELECT count(DISTINCT worker_id) FROM runs"); n != 2 {
		w.t.Errorf("%d workers took part, not 2", n)
	}
	var pages []testsite.Request
	for _, r := range w.site.Requests() {
		if strings.HasPrefix(r.Path, "/chain/") {
			pages = append(pages, r)
		}
	}
	return pages
}

// TestTwoWorkersShareAWindow checks that two processes together never send a site more requests in a window, or
// requests closer together, than the settings allow. It uses the site's own log of requests.
func TestTwoWorkersShareAWindow(t *testing.T) {
	const (
		most    = 8
		window  = 4 * time.Second
		spacing = 200 * time.Millisecond
		jitter  = 150 * time.Millisecond // how much a request may be delayed on its way to the site
		tasks   = 6
	)
	w := newWorld(t)
	var seeds []string
	for i := range tasks {
		seeds = append(seeds, chain(w, fmt.Sprint("book", i)))
	}
	pages := readAtOnce(w, seeds, fmt.Sprint("RATE_LIMIT_REQUESTS=", most), "RATE_LIMIT_WINDOW=4s", "REQUEST_DELAY_MIN=0.2s", "REQUEST_DELAY_MAX=0.4s")
	if len(pages) != tasks*(chainDepth+1) {
		t.Errorf("%d requests, not %d", len(pages), tasks*(chainDepth+1))
	}
	closest, tightest := time.Hour, time.Hour
	for i, r := range pages {
		if i >= most {
			tightest = min(tightest, r.At.Sub(pages[i-most].At))
		}
		if i >= 1 {
			closest = min(closest, r.At.Sub(pages[i-1].At))
		}
	}
	t.Logf("%d requests in %v; %d in a row took at least %v, two at least %v", len(pages), pages[len(pages)-1].At.Sub(pages[0].At).Round(time.Millisecond), most+1,
		tightest.Round(time.Millisecond), closest.Round(time.Millisecond))
	if tightest <= window {
		t.Errorf("%d requests within %v, allowed are %d in %v", most+1, tightest, most, window)
	}
	if closest < spacing-jitter {
		t.Errorf("two requests %v apart, want %v", closest, spacing)
	}
	if whole := pages[len(pages)-1].At.Sub(pages[0].At); whole > 3*time.Duration(len(pages)/most)*window {
		t.Errorf("the window was kept, but it took %v", whole)
	}
}

// TestTwoWorkersLeaveABusySiteAlone checks that a site that asks for a pause gets no request from either process
// during the pause, not even a request whose time was reserved before.
func TestTwoWorkersLeaveABusySiteAlone(t *testing.T) {
	const (
		quiet       = 4 * time.Second
		alreadySent = 500 * time.Millisecond // requests that were sent before the answer arrived are allowed
	)
	w := newWorld(t)
	var mu sync.Mutex
	var said time.Time
	w.site.Handle("/chain/map", func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		rw.Header().Set("Content-Type", "text/html")
		if said.IsZero() { // only the first request gets this answer
			rw.Header().Set("Retry-After", "4")
			rw.WriteHeader(http.StatusTooManyRequests)
			said = time.Now()
		}
		_, _ = rw.Write([]byte(`<html lang="en"><title>Map</title><p>There is nothing on this map.`))
	})
	var seeds []string
	for i := range 4 {
		seeds = append(seeds, chain(w, fmt.Sprint("book", i), `<p><a href="/chain/map">The treasure of Zanzibar buried: a map</a></p>`))
	}
	pages := readAtOnce(w, seeds, "REQUEST_DELAY_MIN=0.7s", "REQUEST_DELAY_MAX=0.9s")
	mu.Lock()
	defer mu.Unlock()
	if said.IsZero() {
		t.Fatal("nobody was told to keep quiet")
	}
	before, during := 0, 0
	for _, r := range pages {
		since := r.At.Sub(said)
		if since <= 0 {
			before++
		}
		if since > alreadySent && since < quiet {
			during++
			t.Errorf("%s was asked for %v after the site had asked for %v of quiet", r.Path, since, quiet)
		}
	}
	t.Logf("%d requests before, %d during, %d after", before, during, len(pages)-before-during)
}

// TestDefaultsLeaveTimeForAQuestion checks that with the default settings a task can read all its pages on one domain
// within a minute. It only computes the reserved times; it does not wait for them.
func TestDefaultsLeaveTimeForAQuestion(t *testing.T) {
	w := newWorld(t)
	cfg, err := config.Load([]string{"DATABASE_URL=" + w.url}, "")
	if err != nil {
		t.Fatal(err)
	}
	g := sources.Gate{Store: w.app(roleAPI).store}
	const pages = 20 // the default of maxPages
	var last time.Duration
	for range pages {
		last, err = g.Reserve(w.ctx(), "one.example", page.Spacing{Min: cfg.RequestDelayMin, Max: cfg.RequestDelayMax, Requests: cfg.RateLimitRequests, Window: cfg.RateLimitWindow})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("the moment of page %d is in %v", pages, last)
	if last > 40*time.Second || last < pages/2*cfg.RequestDelayMin {
		t.Errorf("the moment of page %d is in %v", pages, last)
	}
}

// TestDomainLists checks that the operator's lists of domains apply to all tasks, links and redirects, and that a change of the
// files takes effect.
func TestDomainLists(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(w.dir, "disallowed.txt")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := w.serve(roleAll, "DISALLOWED_DOMAINS_FILE="+file)
	seed := chain(w, "listed")
	ask := func() api.Task {
		return w.await(c, w.ask(c, map[string]any{"question": "Where is the treasure of Zanzibar buried?", "seedUrl": seed, "maxDepth": chainDepth}).TaskID)
	}
	if done := ask(); done.Status != api.StatusCompleted {
		t.Fatalf("without a list: %s %v", done.Status, done.Error)
	}
	if err := os.WriteFile(file, []byte("# not today\n127.0.0.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	asked := w.site.Count("/chain/listed/0")
	deadline := time.Now().Add(waitLimit)
	done := ask()
	for ; done.Status == api.StatusCompleted && time.Now().Before(deadline); done = ask() { // the file is checked once a second
		asked = w.site.Count("/chain/listed/0")
	}
	if done.Status != api.StatusFailed || done.Error == nil || !strings.Contains(*done.Error, "never opened") || done.ErrorCode == nil || *done.ErrorCode != research.CodeNoSources {
		t.Errorf("on the list: %s %v", done.Status, done.Error)
	}
	if n := w.site.Count("/chain/listed/0"); n != asked {
		t.Errorf("the page was asked for all the same")
	}
}

// TestDomainRulesHoldForRedirects checks a redirect to a domain that a task may not open. The task must send no
// request to that domain, not even for robots.txt, and must not use another task's snapshot of the page.
func TestDomainRulesHoldForRedirects(t *testing.T) {
	w := newWorld(t)
	abroad := testsite.StartOn(t, "127.0.0.2")
	abroad.Page("/end", `<html lang="en"><title>The end</title><p>The treasure of Zanzibar is buried abroad, behind the customs house.</p>`)
	w.site.Handle("/go", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, abroad.URL("/end"), http.StatusFound)
	})
	c := w.serve(roleAll, "PAGE_TTL=1h")
	ask := func(rule map[string]any) api.Task {
		in := map[string]any{"question": "Where is the treasure of Zanzibar buried?", "seedUrl": w.site.URL("/go")}
		for k, v := range rule {
			in[k] = v
		}
		return w.await(c, w.ask(c, in).TaskID)
	}
	rules := map[string]map[string]any{
		"same domain": {"sameDomainOnly": true}, "denied": {"denyDomains": []string{"127.0.0.2"}}, "not allowed": {"allowDomains": []string{"127.0.0.1"}},
	}
	for name, rule := range rules {
		if done := ask(rule); done.Status != api.StatusFailed {
			t.Errorf("%s: %s, answer %v", name, done.Status, done.Answer)
		}
		if n := len(abroad.Requests()); n != 0 {
			t.Errorf("%s: %d requests abroad", name, n)
		}
	}
	if done := ask(nil); done.Answer == nil || !strings.Contains(*done.Answer, "customs house") {
		t.Fatalf("without a rule: %+v", done)
	}
	asked := len(abroad.Requests())
	for name, rule := range rules {
		if done := ask(rule); done.Status != api.StatusFailed || len(abroad.Requests()) != asked {
			t.Errorf("%s, with a snapshot: %s, answer %v, %d requests", name, done.Status, done.Answer, len(abroad.Requests())-asked)
		}
	}
}
