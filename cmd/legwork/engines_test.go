package main

import (
	"strings"
	"testing"

	"legwork/cmd/legwork/sources"
	"legwork/internal/config"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/search"
	"legwork/internal/testsite"
)

// thoughts returns the joined texts of the agent:thinking events of a task.
func (w *world) thoughts(c *client, id string) string {
	w.t.Helper()
	var b strings.Builder
	frames, _ := w.frames(c, id, 0)
	for _, f := range frames {
		if strings.Contains(f, `"type":"agent:thinking"`) {
			b.WriteString(f + "\n")
		}
	}
	return b.String()
}

func mustConfig(t *testing.T, environ ...string) config.Config {
	t.Helper()
	cfg, err := config.Load(environ, "")
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestSearchEnginesStandIn checks that a question without a seed is answered through a SearXNG server, which also
// replaces engines that are not configured. The log must name the engine that was used, and must not contain a key.
func TestSearchEnginesStandIn(t *testing.T) {
	w := newWorld(t)
	c := w.serve(roleAll, "SEARCH_ENGINES=custom,google,library", "SEARCH_CUSTOM_URL="+w.site.URL("/searxng"), "SEARCH_FALLBACK=custom,library")
	for _, engine := range []string{"custom", "bing", "google"} {
		in := map[string]any{"seedUrl": nil, "question": "What is the default value of keep_warm_minutes?", "searchEngine": engine, "maxResults": 4}
		task := w.await(c, w.ask(c, in).TaskID)
		if task.Answer == nil || !strings.Contains(*task.Answer, "25 minutes") {
			t.Fatalf("%s: %+v", engine, task)
		}
		used, _ := task.Metadata["searchEngine"].(map[string]any)
		if used["asked"] != engine || used["used"] != "custom" {
			t.Errorf("%s: metadata %v", engine, task.Metadata)
		}
		told := w.thoughts(c, task.TaskID)
		if strings.Contains(told, "not configured") != (engine != "custom") || !strings.Contains(told, "keep_warm_minutes") {
			t.Errorf("%s: told %s", engine, told)
		}
		if !strings.Contains(told, `"query":{"asked":`) { // the question itself is too long for this engine
			t.Errorf("%s: the rewritten query is not told: %s", engine, told)
		}
	}
	for _, r := range w.site.Requests() {
		if r.Path == testsite.SearXNGPath && !strings.Contains(r.Query, "safesearch=2") {
			t.Errorf("safe mode: %s", r.Query)
		}
	}
}

// TestBingThroughTheBrowser checks that with a browser Bing's results include those that the page's scripts add, and
// that the page is requested once, at a reserved time. Without a browser the page is read as the server sent it.
func TestBingThroughTheBrowser(t *testing.T) {
	needChromium(t)
	w := newWorld(t)
	a := w.app(roleAll, "BROWSER=auto")
	client := sources.EngineClient(a.cfg, version, sources.NewFetcher(a.cfg, version, a.store, page.NewInProcess(""), a.log), a.cfg.FetchAllowNets)
	ask := func(show search.Show) []search.Result {
		t.Helper()
		found, err := search.NewBing(client, w.site.URL(testsite.BingScriptedPath), show).Search(w.ctx(), search.Query{Text: "Aurora kettle", Limit: 5})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if w.count("SELECT count(*) FROM domains") != 0 {
		t.Error("somebody asked before")
	}
	found := ask(a.pages.Show(a.cfg))
	if len(found) != 3 || found[1].URL != w.site.URL("/manual/settings-network.html") || found[0].Title != "2.1. Heating & keeping warm" {
		t.Errorf("shown: %+v", found)
	}
	if n := w.site.Count(testsite.BingScriptedPath); n != 1 {
		t.Errorf("the result page was requested %d times", n)
	}
	if n := w.count("SELECT count(*) FROM domains WHERE domain = '" + w.site.Host() + "'"); n != 1 {
		t.Error("no moment of the domain was taken")
	}
	if found := ask(nil); len(found) != 0 {
		t.Errorf("the page is no test of a browser: %+v", found)
	}
	a.pages.Close()
	if found := ask(a.pages.Show(a.cfg)); len(found) != 0 {
		t.Errorf("with a browser that is gone: %+v", found)
	}
	if p := (&sources.Pages{}); p.Show(a.cfg) != nil {
		t.Error("without a browser there is one")
	}
}

// TestDemoAsksNoEngine checks that the demo searches only its own library.
func TestDemoAsksNoEngine(t *testing.T) {
	t.Parallel()
	if got := demoConfig(mustConfig(t)).SearchEngines; len(got) != 1 || got[0] != string(research.Library) {
		t.Errorf("the demo asks %v", got)
	}
}
