package search_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"legwork/internal/research"
	"legwork/internal/search"
)

// engine is a test engine that answers with fixed results.
type engine struct {
	name    research.Engine
	results []search.Result
	err     error
	then    func()
}

func (e engine) Name() research.Engine { return e.name }

func (e engine) Search(context.Context, search.Query) ([]search.Result, error) {
	if e.then != nil {
		e.then()
	}
	return e.results, e.err
}

func page(n int) search.Result {
	return search.Result{URL: fmt.Sprintf("https://example.com/%d", n), Title: fmt.Sprintf("Page %d", n)}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	broken := engine{name: research.Bing, err: errors.New("Bing refused the key; check it.")}
	library := engine{name: research.Library, results: []search.Result{page(1)}}
	empty := engine{name: research.Google}
	for _, tt := range []struct {
		name    string
		set     *search.Set
		asked   research.Engine
		used    research.Engine
		results int
		skipped []research.Engine
	}{
		{"configured", search.NewSet(broken, library), research.Library, research.Library, 1, nil},
		{"not configured", search.NewSet(library), research.DuckDuckGo, research.Library, 1, []research.Engine{research.DuckDuckGo}},
		{"fails", search.NewSet(library, broken), research.Bing, research.Library, 1, []research.Engine{research.Bing}},
		{"not configured, the next one fails", search.NewSet(broken, library), research.Custom, research.Library, 1, []research.Engine{research.Custom, research.Bing}},
		{"finds nothing", search.NewSet(empty, library), research.Google, research.Library, 1, []research.Engine{research.Google}},
		{"nothing stands in for the library", search.NewSet(engine{name: research.Library}, engine{name: research.DuckDuckGo, results: []search.Result{page(1)}}),
			research.Library, research.Library, 0, []research.Engine{research.Library}},
		{"nothing stands in for a library that is not configured", search.NewSet(engine{name: research.DuckDuckGo, results: []search.Result{page(1)}}),
			research.Library, "", 0, []research.Engine{research.Library}},
		{"nobody finds anything", search.NewSet(empty), research.Google, research.Google, 0, []research.Engine{research.Google}},
		{"does not stand in", search.NewSet(broken, library).Fallback(research.Bing), research.Google, "", 0, []research.Engine{research.Google, research.Bing}},
		{"none", search.NewSet(), research.Google, "", 0, []research.Engine{research.Google}},
		{"all fail", search.NewSet(broken), research.Bing, "", 0, []research.Engine{research.Bing}},
	} {
		a, err := tt.set.Search(t.Context(), tt.asked, search.Query{Text: "kettle", Limit: 10})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var skipped []research.Engine
		for _, s := range a.Skipped {
			skipped = append(skipped, s.Engine)
			if !strings.HasSuffix(s.Reason, ".") {
				t.Errorf("%s: %q is no sentence", tt.name, s.Reason)
			}
		}
		if a.Asked != tt.asked || a.Used != tt.used || len(a.Results) != tt.results || !slices.Equal(skipped, tt.skipped) {
			t.Errorf("%s: %+v", tt.name, a)
		}
	}
	if s := search.NewSet(library); !s.Configured(research.Library) || s.Configured(research.Bing) {
		t.Error("Configured is wrong")
	}
}

func TestResultsAreCleaned(t *testing.T) {
	t.Parallel()
	set := search.NewSet(engine{name: research.Library, results: []search.Result{
		{URL: "ftp://example.com/x"}, {URL: "/relative"}, {URL: "https://"}, {URL: "ht tp://bad"},
		{URL: "https://example.com/1", Title: "  One \n two ", Snippet: "a\t b"}, {URL: "https://example.com/1"}, page(2), page(3),
	}})
	a, err := set.Search(t.Context(), research.Library, search.Query{Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	want := []search.Result{{URL: "https://example.com/1", Title: "One two", Snippet: "a b"}, page(2)}
	if !slices.Equal(a.Results, want) {
		t.Errorf("%+v", a.Results)
	}
}

func TestErrorsAreTheContextsAndTheDatabases(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	set := search.NewSet(engine{name: research.Bing, err: errors.New("Cut off."), then: cancel}, engine{name: research.Library})
	if _, err := set.Search(ctx, research.Bing, search.Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	down := search.NewSet(search.NewLibrary(func(context.Context, string, string, int) ([]research.Hit, error) {
		return nil, errors.New("no connection")
	}))
	if _, err := down.Search(t.Context(), research.Library, search.Query{Limit: 1}); !errors.Is(err, research.ErrUnavailable) {
		t.Errorf("database down: %v", err)
	}
}

func TestLibrary(t *testing.T) {
	t.Parallel()
	var asked []any
	lib := search.NewLibrary(func(_ context.Context, account, question string, limit int) ([]research.Hit, error) {
		asked = []any{account, question, limit}
		return []research.Hit{
			{URL: "https://example.com/1", Title: "New", Text: strings.Repeat("word ", 200)},
			{URL: "https://example.com/1", Title: "Old"}, {URL: "https://example.com/2", Title: "Two", Text: "Text"},
		}, nil
	})
	a, err := search.NewSet(lib).Search(t.Context(), research.Library, search.Query{Account: "anna", Text: "kettle", Limit: 5})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(asked, []any{"anna", "kettle", 10}) {
		t.Errorf("asked %v", asked)
	}
	if len(a.Results) != 2 || a.Results[0].Title != "New" || len(a.Results[0].Snippet) > 500 || a.Results[1].Snippet != "Text" {
		t.Errorf("%+v", a.Results)
	}
	asked = nil
	if r, err := lib.Search(t.Context(), search.Query{Text: "kettle"}); err != nil || r != nil || asked != nil {
		t.Errorf("limit 0: %v, %v, %v", r, err, asked)
	}
}
