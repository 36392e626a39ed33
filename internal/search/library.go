package search

import (
	"context"
	"errors"
	"fmt"

	"legwork/internal/research"
)

// LibraryFunc searches the pages that an account has read. It returns at most limit pages, the best first, each with its best passage.
// internal/store implements it.
type LibraryFunc func(ctx context.Context, account, question string, limit int) ([]research.Hit, error)

// NewLibrary returns the engine that searches the pages that the account has read before. It needs no network and no key.
func NewLibrary(find LibraryFunc) Engine { return library{find: find} }

type library struct{ find LibraryFunc }

func (library) Name() research.Engine { return research.Library }

func (l library) Search(ctx context.Context, q Query) ([]Result, error) {
	if q.Limit <= 0 {
		return nil, nil
	}
	// One URL may have several snapshots. So twice the limit is requested, and the Set removes further results with the
	// same URL.
	hits, err := l.find(ctx, q.Account, q.Text, 2*q.Limit)
	if errors.Is(err, research.ErrTooSlow) { // this query took too long, but the database works
		return nil, err
	}
	if err != nil { // the library is our own database, so this is an outage, and no other engine may replace it
		return nil, fmt.Errorf("search the library: %w", errors.Join(research.ErrUnavailable, err))
	}
	results := make([]Result, len(hits))
	for i, h := range hits {
		results[i] = Result{URL: h.URL, Title: h.Title, Snippet: research.Truncate(h.Text, 500)}
	}
	return results, nil
}
