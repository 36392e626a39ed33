package reader

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"legwork/internal/agent/agenttest"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/search"
	"legwork/internal/testsite"
)

// chain adds pages /c/0 … /c/n, each with a link to the next. The answer is on the last page.
func chain(site *testsite.Site, n int) {
	for i := range n {
		site.Page(fmt.Sprintf("/c/%d", i), fmt.Sprintf(`<html lang="en"><title>Chapter %d</title><h1>Chapter %d</h1>
<p>This chapter of the saga leads on and says nothing of its own, as chapters of sagas do.</p><p><a href="/c/%d">The treasure of Zanzibar, continued</a></p>`, i, i, i+1))
	}
	site.Page(fmt.Sprintf("/c/%d", n), `<html lang="en"><title>The end</title><h1>The end</h1><p>The treasure of Zanzibar is buried under the third palm tree, where the captain left it.</p>`)
}

const treasure = "Where is the treasure of Zanzibar buried?"

func TestBudgetOfPages(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	chain(site, 4)
	w := newWorld(t)
	o := agenttest.Seeded(site, "/c/0")
	o.MaxDepth, o.MaxPages = 5, 3
	j := w.Submit(treasure, o)
	res, err := j.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(j.Opens()) != 3 || res.Metadata["partial"] != true || res.Metadata["budget"] != "maxPages" || res.Metadata["pagesRead"] != 3 {
		t.Errorf("%v, %v", j.Opens(), res.Metadata)
	}
	o.MaxPages = 5
	j = w.Submit(treasure, o)
	res, err = j.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(j.Opens()) != 5 || res.Metadata["partial"] != false || res.Metadata["budget"] != nil || !strings.Contains(res.Answer, "third palm tree") {
		t.Errorf("%v, %v", j.Opens(), res.Metadata)
	}
}

func TestBudgetOfDepth(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	chain(site, 4)
	w := newWorld(t)
	for depth := 1; depth <= 4; depth++ {
		o := agenttest.Seeded(site, "/c/0")
		o.MaxDepth = depth
		j := w.Submit(treasure, o)
		res, err := j.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		cut := depth < 4
		if len(j.Opens()) != depth+1 || res.Metadata["partial"] != cut || (res.Metadata["budget"] == "maxDepth") != cut {
			t.Errorf("depth %d: %v, %v", depth, j.Opens(), res.Metadata)
		}
		visits, err := w.Store.For(research.DefaultAccount).Visits(t.Context(), j.Task.ID)
		j.Must(err)
		for i, v := range visits {
			if v.Depth != i {
				t.Errorf("visit %d has depth %d", i, v.Depth)
			}
		}
	}
}

// TestBudgetOfTime: a load that hangs is cut off when the reading time ends, and is recorded. The answer comes from the pages
// read before.
func TestBudgetOfTime(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	chain(site, 3)
	w := newWorld(t)
	o := agenttest.Seeded(site, "/c/0")
	o.TimeBudget = 30 * time.Second
	j := w.Submit(treasure, o)
	j.Spent = 26 * time.Second
	j.Load = func(ctx context.Context, url string) (research.Visit, error) {
		if strings.HasSuffix(url, "/c/2") {
			<-ctx.Done()
			return research.Visit{}, fmt.Errorf("load: %w", ctx.Err())
		}
		return j.Fetcher.Load(ctx, url, page.Policy{})
	}
	res, err := j.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if res.Metadata["partial"] != true || res.Metadata["budget"] != "timeBudget" || res.Metadata["pagesRead"] != 2 || res.Metadata["pagesFailed"] != 1 {
		t.Errorf("%v", res.Metadata)
	}
	late := w.Submit(treasure, o)
	late.Spent = 28 * time.Second
	_, err = late.Run(t.Context())
	if f := agenttest.Failure(t, err); f.Code != research.CodeNoSources || f.Transient || !strings.Contains(f.Message, "timeBudget") || len(late.Effects) != 0 {
		t.Errorf("a run without time: %+v, %v", f, late.Effects)
	}
	only := w.Submit(treasure, o)
	only.Spent = 26500 * time.Millisecond
	only.Load = func(ctx context.Context, _ string) (research.Visit, error) {
		<-ctx.Done()
		return research.Visit{}, ctx.Err()
	}
	_, err = only.Run(t.Context())
	if f := agenttest.Failure(t, err); f.Transient || !strings.Contains(f.Message, "time budget") {
		t.Errorf("a seed that took all the time: %+v", f)
	}
}

func TestDomainRules(t *testing.T) {
	t.Parallel()
	site, other := testsite.Start(t), testsite.Start(t)
	// localhost leads to the same server, but is another registrable domain.
	abroad := strings.Replace(other.URL("/out.html"), "127.0.0.1", "localhost", 1)
	other.Page("/out.html", `<html lang="en"><title>Out</title><h1>Out</h1><p>The treasure of Zanzibar is buried abroad, behind the old customs house.</p>`)
	site.Page("/in.html", fmt.Sprintf(`<html lang="en"><title>In</title><h1>In</h1><p>Some words on pirates.</p><p><a href="%s">The treasure of Zanzibar</a></p>
<p><a href="/leave">Where the treasure is buried</a></p>`, abroad))
	site.Handle("/leave", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, abroad, http.StatusFound) })
	w := newWorld(t)
	for _, tt := range []struct {
		name   string
		change func(*research.Options)
		goes   bool // whether the answer may come from the other domain
	}{
		{"no rule", func(*research.Options) {}, true},
		{"no external links", func(o *research.Options) { o.AllowExternalLinks = false }, false},
		{"same domain", func(o *research.Options) { o.SameDomainOnly = true }, false},
		{"denied", func(o *research.Options) { o.DenyDomains = []string{"localhost"} }, false},
		{"not among the allowed", func(o *research.Options) { o.AllowDomains = []string{"127.0.0.1"} }, false},
		{"among the allowed", func(o *research.Options) { o.AllowDomains = []string{"127.0.0.1", "localhost"} }, true},
	} {
		o := agenttest.Seeded(site, "/in.html")
		tt.change(&o)
		j := w.Submit(treasure, o)
		before := len(other.Requests())
		res, err := j.Run(t.Context())
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if asked := len(other.Requests()) > before; asked != tt.goes {
			t.Errorf("%s: the other site was asked: %v", tt.name, asked)
		}
		if slices.Contains(j.Opens(), abroad) != tt.goes || strings.Contains(res.Answer, "customs house") != tt.goes {
			t.Errorf("%s: opened %v, answer %s", tt.name, j.Opens(), res.Answer)
		}
	}
}

func TestSearchFallsBackVisibly(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	w := newWorld(t)
	const question = "What is the default value of max_clients?"
	o := agenttest.Options()
	o.SearchEngine = research.Google
	j := w.Submit(question, o)
	_, err := j.Run(t.Context())
	if f := agenttest.Failure(t, err); f.Code != research.CodeNoSources || f.Transient || !strings.Contains(f.Message, "seedUrl") || !strings.Contains(f.Message, "search engine") {
		t.Errorf("an empty library: %+v", f)
	}
	if _, err := w.Submit(question, agenttest.Seeded(site, "/index.html")).Run(t.Context()); err != nil { // stores pages that the next task's search can find
		t.Fatal(err)
	}
	j = w.Submit(question, o)
	res, err := j.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(res.Answer, "The default is 8 clients") {
		t.Errorf("answer: %s", res.Answer)
	}
	if e, _ := res.Metadata["searchEngine"].(map[string]any); e["asked"] != "google" || e["used"] != "library" {
		t.Errorf("metadata: %v", res.Metadata)
	}
	if !slices.ContainsFunc(j.Thoughts, func(s string) bool {
		return strings.Contains(s, "google") && strings.Contains(s, "not configured") && strings.Contains(s, "library")
	}) {
		t.Errorf("no event tells of the fallback: %v", j.Thoughts)
	}
	o.DenyDomains = []string{"127.0.0.1"}
	_, err = w.Submit(question, o).Run(t.Context())
	if f := agenttest.Failure(t, err); !strings.Contains(f.Message, "denyDomains") {
		t.Errorf("all results denied: %+v", f)
	}
	none := *w
	none.Engines = search.NewSet()
	j = none.Submit(question, o)
	_, err = j.Run(t.Context())
	if f := agenttest.Failure(t, err); f.Code != research.CodeNoSources || !strings.Contains(f.Message, "seedUrl") {
		t.Errorf("no engine at all: %+v", f)
	}
}

// TestSearchKeepsToMaxResults: at most MaxResults search results become start pages, all at depth 0.
func TestSearchKeepsToMaxResults(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	w := newWorld(t)
	if _, err := w.Submit("What is the history of boiling kettles?", agenttest.Seeded(site, "/index.html")).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	o := agenttest.Options()
	o.MaxResults, o.MaxPages = 2, 2
	j := w.Submit("kettle", o)
	if _, err := j.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	visits, err := w.Store.For(research.DefaultAccount).Visits(t.Context(), j.Task.ID)
	j.Must(err)
	if len(visits) != 2 || visits[0].Depth != 0 || visits[1].Depth != 0 {
		t.Errorf("%+v", visits)
	}
}
