package loop

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"legwork/internal/agent"
	"legwork/internal/goroutine"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// domains is a task whose start page links to pages on three domains. The model opens all three in one reply.
type domains struct {
	*asking
	sites [3]*testsite.Site
	opens []string
}

func newDomains(t *testing.T, paths []string, change func(o *research.Options)) *domains {
	t.Helper()
	d := &domains{}
	for i := range d.sites {
		d.sites[i] = testsite.StartOn(t, fmt.Sprintf("127.0.0.%d", i+1))
	}
	links := ""
	for i, p := range paths {
		site := d.sites[strings.IndexByte("abc", p[1])]
		site.Page(p, fmt.Sprintf("<!DOCTYPE html><title>Page %d</title><h1>Page %d</h1><p>The kettle number %d boils at %d degrees, as everybody knows.</p>", i, i, i, 90+i))
		d.opens = append(d.opens, site.URL(p))
		links += fmt.Sprintf("<li><a href=%q>kettle %d</a>", site.URL(p), i)
	}
	d.sites[0].Page("/start.html", "<!DOCTYPE html><title>Start</title><h1>Start</h1><p>These are all the kettles that there are.</p><ul>"+links+"</ul>")
	d.asking = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		switch {
		case len(r.Tools()) == 0:
			return testsite.Turn{Text: "It boils at 90 degrees [1]."}
		case n == 0 || !strings.Contains(r.Raw, `"role":"tool"`):
			var calls []testsite.ToolCall
			for _, u := range d.opens {
				calls = append(calls, call("navigate_to", "url", u))
			}
			return turn(calls...)
		case strings.Contains(r.Raw, "Kept as evidence"):
			return testsite.Turn{Text: "DONE"}
		}
		return turn(call("cite", "url", d.opens[0], "quote", "The kettle number 0 boils at 90 degrees"))
	}, func(_ *asking, o *research.Options) {
		o.SeedURL = d.sites[0].URL("/start.html")
		if change != nil {
			change(o)
		}
	})
	return d
}

// TestPrefetch: calls of one reply to different domains run at the same time. Their steps and events have the order of the reply,
// whichever page comes first.
func TestPrefetch(t *testing.T) {
	t.Parallel()
	d := newDomains(t, []string{"/a", "/b", "/c"}, nil)
	var releases []func()
	for i, p := range []string{"/a", "/b", "/c"} {
		releases = append(releases, d.sites[i].Hold(p))
	}
	var watch sync.WaitGroup
	watch.Go(func() { // once all three pages were requested, they are sent in the reverse order
		for i, p := range []string{"/a", "/b", "/c"} {
			if err := d.sites[i].WaitFor(t.Context(), p, 1); err != nil {
				t.Error(err)
			}
		}
		for i := range releases {
			releases[len(releases)-1-i]()
		}
	})
	res := d.answered(t)
	watch.Wait()
	require.Equal(t, "It boils at 90 degrees [1].", res.Answer)
	journal, err := d.Store.Worker().Journal(t.Context(), d.Task.ID)
	require.NoError(t, err)
	var opened []string
	for _, s := range journal {
		if s.Tool == agent.ToolNavigate && s.CallNo > 1 {
			var args struct{ URL string }
			require.NoError(t, json.Unmarshal(s.Args, &args))
			opened = append(opened, args.URL)
		}
	}
	require.Equal(t, d.opens, opened)
	require.Equal(t, 4, res.Metadata["pagesRead"])
}

// TestPrefetchKeepsToTheSite: a page loaded at the same time as a search does not follow a redirect to another site.
func TestPrefetchKeepsToTheSite(t *testing.T) {
	t.Parallel()
	abroad := testsite.StartOn(t, "127.0.0.2")
	var a *asking
	a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		switch {
		case len(r.Tools()) == 0:
			return testsite.Turn{Text: "It is 90 degrees [1]."}
		case n == 0:
			return turn(call("search_for_question", "query", "kettle"), call("navigate_to", "url", a.site.URL("/leave")))
		case n == 1:
			return turn(call("cite", "url", a.site.URL("/in.html"), "quote", "The kettle boils at 90 degrees"))
		}
		return testsite.Turn{Text: "DONE"}
	}, func(a *asking, o *research.Options) {
		a.site.Page("/in.html", `<title>In</title><h1>In</h1><p>The kettle boils at 90 degrees.</p><a href="/leave">Leave</a>`)
		a.site.Handle("/leave", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, abroad.URL("/end"), http.StatusFound)
		})
		o.SeedURL, o.AllowExternalLinks = a.site.URL("/in.html"), false
	})
	a.answered(t)
	require.Equal(t, 1, a.site.Count("/leave"))
	require.Zero(t, abroad.Count("/end"))
}

// TestOneAtATime: two pages of one domain are never loaded at the same time. While the first page loads, the page of
// another domain is requested, and no second page of the first domain is announced.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	d := newDomains(t, []string{"/a1", "/a2", "/b", "/a3"}, nil)
	var flying, most atomic.Int64
	for _, p := range []string{"/a1", "/a2", "/a3"} {
		d.sites[0].Handle(p, func(w http.ResponseWriter, r *http.Request) {
			most.Store(max(most.Load(), flying.Add(1)))
			defer flying.Add(-1)
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprintf(w, "<!DOCTYPE html><title>P</title><h1>P</h1><p>The kettle number 0 boils at 90 degrees, says %s.</p>", r.URL.Path)
		})
	}
	release := d.sites[0].Hold("/a1")
	var watch sync.WaitGroup
	watch.Go(func() {
		defer release()
		for i, p := range []string{"/a1", "/b"} {
			if err := d.sites[i].WaitFor(t.Context(), p, 1); err != nil {
				t.Error(err)
			}
		}
		var announced int
		if err := d.Store.Pool().QueryRow(t.Context(), `SELECT count(*) FROM task_events WHERE task_id = $1 AND type = 'agent:tool_call'
			AND body::text LIKE '%' || $2 || '/a%'`, d.Task.ID, d.sites[0].Host()).Scan(&announced); err != nil || announced != 1 {
			t.Errorf("%d pages of one domain are announced: %v", announced, err)
		}
	})
	d.answered(t)
	watch.Wait()
	require.Equal(t, int64(1), most.Load())
	require.Len(t, d.Effects, 1+4)
}

// TestPrefetchWithinBudget: pages that are loaded early count against the budget, so exactly MaxPages are loaded.
func TestPrefetchWithinBudget(t *testing.T) {
	t.Parallel()
	d := newDomains(t, []string{"/a", "/b", "/c"}, func(o *research.Options) { o.MaxPages = 3 })
	res := d.answered(t)
	require.Equal(t, 3, res.Metadata["pagesRead"])
	require.Equal(t, "maxPages", res.Metadata["budget"])
	require.Len(t, d.Effects, 3)
	require.Zero(t, d.sites[2].Count("/c"))
}

// TestPrefetchResumed: if a run ends while calls of one reply run at the same time, the next run repeats only the calls
// that are not journaled.
func TestPrefetchResumed(t *testing.T) {
	t.Parallel()
	undisturbed := newDomains(t, []string{"/a", "/b", "/c"}, nil)
	want := undisturbed.answered(t)
	d := newDomains(t, []string{"/a", "/b", "/c"}, nil)
	d.AfterRecord = func(s research.Step) error {
		if strings.Contains(string(s.Args), "/b") {
			return research.ErrFenced
		}
		return nil
	}
	_, err := d.run(t.Context())
	require.ErrorIs(t, err, research.ErrFenced)
	d.AfterRecord = nil
	require.Equal(t, want, d.answered(t))
	require.Equal(t, []int{1, 1}, []int{d.sites[0].Count("/a"), d.sites[1].Count("/b")})
	require.LessOrEqual(t, d.sites[2].Count("/c"), 2, "at most the one in flight again")
	require.Len(t, d.server.Requests(), len(undisturbed.server.Requests()))
}

// TestPrefetchCancelled: when a run is stopped, all page loads that it started end.
func TestPrefetchCancelled(t *testing.T) {
	t.Parallel()
	d := newDomains(t, []string{"/a", "/b", "/c"}, nil)
	d.sites[0].Hold("/a")
	d.sites[1].Hold("/b")
	ctx, cancel := context.WithCancel(t.Context())
	var watch sync.WaitGroup
	watch.Go(func() {
		_ = d.sites[1].WaitFor(t.Context(), "/b", 1)
		cancel()
	})
	_, err := d.run(ctx)
	watch.Wait()
	require.ErrorIs(t, err, context.Canceled)
	d.Fail(&research.Failure{Code: research.CodeInternal, Message: "It was stopped."})
}

// TestPanicAhead: three pages are loaded at the same time, and the load of one panics. That page is reported as
// unreadable. The other pages are read, and the run ends with an answer.
func TestPanicAhead(t *testing.T) {
	t.Parallel()
	d := newDomains(t, []string{"/a", "/b", "/c"}, nil)
	d.Load = func(ctx context.Context, url string) (research.Visit, error) {
		if url == d.opens[1] {
			panic("a defect")
		}
		return d.Fetcher.Load(ctx, url, page.Policy{})
	}
	// OnPanic is called for each panic that nothing recovers. Package jobs fails a run then.
	res, err := d.run(goroutine.OnPanic(t.Context(), func(p *goroutine.PanicError) { t.Errorf("the run hears of it: %v", p) }))
	require.NoError(t, err)
	require.Equal(t, "It boils at 90 degrees [1].", res.Answer)
	require.Equal(t, 3, res.Metadata["pagesRead"])
	visits, err := d.Store.For(research.DefaultAccount).Visits(t.Context(), d.Task.ID)
	require.NoError(t, err)
	for _, v := range visits {
		require.Equal(t, v.URL == d.opens[1], v.Outcome == research.OutcomeType, "%s: %s %s", v.URL, v.Outcome, v.Message)
	}
	require.Len(t, visits, 4)
}
