package search_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"legwork/internal/research"
	"legwork/internal/search"
	"legwork/internal/testsite"
)

// web returns a client that can connect only to this machine.
func web(t *testing.T) *search.Client {
	t.Helper()
	dialer := &net.Dialer{}
	testsite.StartFence(t).Confine(dialer)
	transport := &http.Transport{DialContext: dialer.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return &search.Client{HTTP: &http.Client{Transport: transport}, UserAgent: "legwork/test"}
}

// engines returns all engines that use the web. They send their requests to a site that imitates them.
func engines(site *testsite.Site, c *search.Client) []search.Engine {
	return []search.Engine{
		search.NewDuckDuckGo(c, site.URL(testsite.DuckDuckGoPath)), search.NewBing(c, site.URL(testsite.BingPath), nil),
		search.NewGoogle(c, site.URL(testsite.GooglePath), testsite.GoogleKey, testsite.GoogleID),
		search.NewCustom(c, site.URL(strings.TrimSuffix(testsite.SearXNGPath, "/search"))),
	}
}

// TestEnginesReadTheirResultPages: results are in the order of the page, redirects are resolved, advertisements are left
// out, and markup inside titles and snippets is removed.
func TestEnginesReadTheirResultPages(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	for _, e := range engines(site, web(t)) {
		found, err := e.Search(t.Context(), search.Query{Text: "Aurora kettle", Limit: 10, SafeMode: true})
		if err != nil {
			t.Errorf("%s: %v", e.Name(), err)
			continue
		}
		if len(found) < 3 {
			t.Errorf("%s: %+v", e.Name(), found)
			continue
		}
		for i, want := range []string{"/manual/settings-heating.html", "/manual/settings-network.html", "/manual/specifications.html"} {
			if found[i].URL != site.URL(want) {
				t.Errorf("%s: result %d is %s", e.Name(), i, found[i].URL)
			}
		}
		if found[0].Title != "2.1. Heating & keeping warm" || !strings.HasPrefix(found[0].Snippet, "keep_warm_minutes: how long the water of the kettle is") {
			t.Errorf("%s: %+v", e.Name(), found[0])
		}
		for _, r := range found {
			if strings.Contains(r.URL, "duckduckgo.com") || strings.Contains(r.URL, "bing.com") || strings.Contains(r.Title, "less") {
				t.Errorf("%s: an advertisement or a redirect: %+v", e.Name(), r)
			}
		}
		if none, err := e.Search(t.Context(), search.Query{Text: "nothing", Limit: 10}); err != nil || len(none) != 0 {
			t.Errorf("%s: nothing found: %+v, %v", e.Name(), none, err)
		}
	}
}

// TestSafeModeAndLimitArePassedOn checks that the requests to the engines ask for safe results and for the right number
// of results.
func TestSafeModeAndLimitArePassedOn(t *testing.T) {
	t.Parallel()
	for _, safe := range []bool{true, false} {
		site := testsite.Start(t)
		for _, e := range engines(site, web(t)) {
			if _, err := e.Search(t.Context(), search.Query{Text: "Aurora kettle", Limit: 7, SafeMode: safe}); err != nil {
				t.Fatal(err)
			}
		}
		want := map[string]string{testsite.DuckDuckGoPath: "kp=1", testsite.BingPath: "adlt=strict", testsite.GooglePath: "safe=active", testsite.SearXNGPath: "safesearch=2"}
		if !safe {
			want = map[string]string{testsite.DuckDuckGoPath: "kp=-2", testsite.BingPath: "adlt=off", testsite.GooglePath: "safe=off", testsite.SearXNGPath: "safesearch=0"}
		}
		for _, r := range site.Requests() {
			if !strings.Contains("&"+r.Query+"&", "&"+want[r.Path]+"&") || r.UserAgent != "legwork/test" {
				t.Errorf("safe %t: %s?%s as %s", safe, r.Path, r.Query, r.UserAgent)
			}
			if r.Path == testsite.BingPath && !strings.Contains(r.Query, "count=7") || r.Path == testsite.GooglePath && !strings.Contains(r.Query, "num=7") {
				t.Errorf("limit: %s?%s", r.Path, r.Query)
			}
			if strings.Contains(r.Query, testsite.GoogleKey) {
				t.Errorf("the key is in a URL: %s", r.Query)
			}
		}
	}
}

// TestGooglePages: results are collected with several requests. Each request asks for no more results than the API
// allows.
func TestGooglePages(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	e := engines(site, web(t))[2]
	for _, tt := range []struct{ limit, results, requests int }{{10, 10, 1}, {15, 15, 2}, {50, 23, 3}} {
		before := site.Count(testsite.GooglePath)
		found, err := e.Search(t.Context(), search.Query{Text: "kettle", Limit: tt.limit})
		if err != nil || len(found) != tt.results || site.Count(testsite.GooglePath)-before != tt.requests {
			t.Errorf("limit %d: %d results, %d requests, %v", tt.limit, len(found), site.Count(testsite.GooglePath)-before, err)
		}
	}
}

// TestEnginesSayWhatIsWrong: if an engine is busy, shows a CAPTCHA or has changed its page, the search fails with a
// sentence for the user. It never returns an empty result instead.
func TestEnginesSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	all := engines(site, web(t))
	says := func(e search.Engine, query, want string) {
		t.Helper()
		found, err := e.Search(t.Context(), search.Query{Text: query, Limit: 5})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasSuffix(err.Error(), ".") || found != nil {
			t.Errorf("%s, %q: %v, %v", e.Name(), query, found, err)
			return
		}
		if strings.Contains(err.Error(), "http") || strings.Contains(err.Error(), testsite.GoogleKey) {
			t.Errorf("%s: the sentence shows the request: %v", e.Name(), err)
		}
	}
	for _, e := range all {
		says(e, "busy", map[bool]string{true: "quota", false: "fewer requests"}[e.Name() == research.Google])
	}
	for _, i := range []int{0, 1} {
		says(all[i], "captcha", "CAPTCHA")
		says(all[i], "broken", "no list of results")
	}
	says(all[3], "captcha", "google (CAPTCHA), brave")
	says(all[3], "broken", "SEARCH_CUSTOM_URL")
	says(search.NewGoogle(web(t), site.URL(testsite.GooglePath), "wrong", testsite.GoogleID), "kettle", "GOOGLE_API_KEY")
	says(search.NewGoogle(web(t), site.URL(testsite.GooglePath), testsite.GoogleKey, "wrong"), "kettle", "GOOGLE_SEARCH_ENGINE_ID")
	site.Handle(testsite.SearXNGPath, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	says(all[3], "kettle", "search.formats")

	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(silent.Close)
	hasty := web(t)
	hasty.Timeout = 50 * time.Millisecond
	says(search.NewBing(hasty, silent.URL, nil), "kettle", "in time")
	says(search.NewGoogle(&search.Client{HTTP: &http.Client{Transport: unresolved{}}}, "https://google.invalid", testsite.GoogleKey, "x"), "kettle", "does not resolve")
	late := web(t)
	late.Turn = func(context.Context, *url.URL, time.Duration) (time.Duration, error) { return time.Hour, nil }
	before := len(site.Requests())
	says(search.NewBing(late, site.URL(testsite.BingPath), nil), "kettle", "too often")
	if n := len(site.Requests()); n != before {
		t.Errorf("%d requests without a turn", n-before)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := all[0].Search(ctx, search.Query{Text: "kettle", Limit: 5}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestBingIsShown: Bing's page is read after a browser has rendered it. Without a browser, or if the browser fails, it
// is read as the server sent it.
func TestBingIsShown(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	asked := ""
	client := web(t)
	client.Turn = func(_ context.Context, u *url.URL, _ time.Duration) (time.Duration, error) {
		asked += u.Path + " "
		return 0, nil
	}
	var shown []string
	show := func(html string, err error) search.Show {
		return func(ctx context.Context, u *url.URL, header http.Header, body []byte) ([]byte, error) {
			if _, bounded := ctx.Deadline(); !bounded || !strings.Contains(string(body), "<script>") || !strings.HasPrefix(header.Get("Content-Type"), "text/html") {
				t.Errorf("shown %v: %v\n%s", bounded, header, body)
			}
			shown = append(shown, u.Path+"?"+u.RawQuery)
			return []byte(html), err
		}
	}
	const results = `<ol id="b_results"><li class="b_algo"><h2><a href="https://kettles.example/">Kettles</a></h2></li></ol>`
	for _, tt := range []struct {
		name, query string
		show        search.Show
		results     int
		says        string
	}{
		{"no browser", "kettle", nil, 0, ""},
		{"shown", "kettle", show(results, nil), 1, ""},
		{"a browser that fails", "kettle", show(results, errors.New("no browser")), 0, ""},
		{"a challenge made by script", "kettle", show(`<div class="captcha"></div>`, nil), 0, "CAPTCHA"},
	} {
		found, err := search.NewBing(client, site.URL(testsite.BingScriptedPath), tt.show).Search(t.Context(), search.Query{Text: tt.query, Limit: 5})
		if len(found) != tt.results || (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, %v", tt.name, found, err)
		}
	}
	if len(shown) != 3 || shown[0] != testsite.BingScriptedPath+"?adlt=off&count=5&q=kettle" {
		t.Errorf("shown: %v", shown)
	}
	if n := site.Count(testsite.BingScriptedPath); n != 4 || asked != strings.Repeat(testsite.BingScriptedPath+" ", 4) {
		t.Errorf("%d requests; turns: %s", n, asked)
	}
	if _, err := search.NewBing(client, site.URL(testsite.BingPath), show(results, nil)).Search(t.Context(), search.Query{Text: "busy", Limit: 5}); err == nil || len(shown) != 3 {
		t.Errorf("a refusal was shown: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	leaves := func(ctx context.Context, _ *url.URL, _ http.Header, _ []byte) ([]byte, error) {
		cancel()
		return nil, ctx.Err()
	}
	if _, err := search.NewBing(client, site.URL(testsite.BingScriptedPath), leaves).Search(ctx, search.Query{Text: "kettle", Limit: 5}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

type unresolved struct{}

func (unresolved) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, &url.Error{Op: "Get", URL: "https://secret", Err: &net.DNSError{Err: "no such host", Name: "google.invalid"}}
}

// TestQueriesAreRewrittenOnce: if a question finds nothing, it is asked once more with fewer words, and the answer says so.
func TestQueriesAreRewrittenOnce(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	set := search.NewSet(engines(site, web(t))...)
	const question = `What is the default value of "keep_warm_minutes" for the Aurora kettle?`
	for _, e := range []research.Engine{research.DuckDuckGo, research.Bing, research.Google, research.Custom} {
		before := len(site.Requests())
		a, err := set.Search(t.Context(), e, search.Query{Text: question, Limit: 5})
		if err != nil || a.Used != e || len(a.Results) == 0 || a.Rewritten != "default value keep_warm_minutes Aurora kettle" || len(a.Skipped) != 0 {
			t.Errorf("%s: %+v, %v", e, a, err)
		}
		if got := len(site.Requests()) - before; got != 2 {
			t.Errorf("%s: %d requests", e, got)
		}
	}
	before := len(site.Requests())
	a, err := set.Search(t.Context(), research.Bing, search.Query{Text: "Aurora kettle", Limit: 5})
	if err != nil || a.Rewritten != "" || len(site.Requests()) != before+1 {
		t.Errorf("a good query was rewritten: %+v, %v", a, err)
	}
}

// TestFailedEnginesArePaused: an engine that cannot be reached is not asked again for a while, so that the next search is quick.
func TestFailedEnginesArePaused(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	library := engine{name: research.Library, results: []search.Result{page(1)}}
	set := search.NewSet(engines(site, web(t))[0], engines(site, web(t))[1], library).Fallback(research.Custom, research.Library)
	for i := range 3 {
		a, err := set.Search(t.Context(), research.DuckDuckGo, search.Query{Text: "captcha", Limit: 5})
		if err != nil || a.Used != research.Library || len(a.Skipped) != 1 || !strings.Contains(a.Skipped[0].Reason, "CAPTCHA") {
			t.Fatalf("search %d: %+v, %v", i, a, err)
		}
		if asked := strings.Contains(a.Skipped[0].Reason, "asked again in"); asked != (i > 0) {
			t.Errorf("search %d: %q", i, a.Skipped[0].Reason)
		}
	}
	if n := site.Count(testsite.DuckDuckGoPath); n != 1 {
		t.Errorf("asked %d times", n)
	}
	if n := site.Count(testsite.BingPath); n != 0 {
		t.Errorf("Bing, which is not in the fallback, was asked %d times", n)
	}
	a, err := set.Search(t.Context(), research.Bing, search.Query{Text: "nothing", Limit: 5})
	var names []research.Engine
	for _, s := range a.Skipped {
		names = append(names, s.Engine)
	}
	if err != nil || a.Used != research.Library || !slices.Equal(names, []research.Engine{research.Bing}) {
		t.Errorf("empty: %+v, %v", a, err)
	}
}
