package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"legwork/cmd/legwork/sources"
	"legwork/internal/dbtest"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/search"
	"legwork/internal/testsite"
)

// TestPagesAndSearchesWaitForTheDatabase checks that the queries of a page load or a search wait while the database is
// unavailable, so that the load or search neither fails nor starts again.
func TestPagesAndSearchesWaitForTheDatabase(t *testing.T) {
	t.Parallel()
	d := testsite.StartProxy(t, dbtest.URL(t))
	st := dbtest.Open(t, d.URL())
	g, domain := sources.Gate{Store: st}, "example.org"
	set := sources.Engines(mustConfig(t, "SEARCH_ENGINES=library", "SEARCH_FALLBACK=library"), version, st, page.NewFetcher(page.Config{}, g), nil)
	calls := map[string]func(context.Context) error{
		"reserve": func(ctx context.Context) error { _, err := g.Reserve(ctx, domain, page.Spacing{}); return err },
		"quiet":   func(ctx context.Context) error { _, err := g.Quiet(ctx, domain); return err },
		"settle":  func(ctx context.Context) error { return g.Settle(ctx, domain) },
		"backoff": func(ctx context.Context) error { return g.Backoff(ctx, domain, time.Millisecond) },
		"search": func(ctx context.Context) error {
			answer, err := set.Search(ctx, research.Library, search.Query{Account: research.DefaultAccount, Text: "tides", Limit: 3})
			if err == nil && answer.Used != research.Library {
				err = fmt.Errorf("not answered by the library: %v", answer.Skipped)
			}
			return err
		},
	}
	for name, call := range calls {
		d.Refuse(4)
		if err := call(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
