package search

import (
	"context"
	"errors"
	"fmt"

	"legwork/internal/research"
)

// LibraryFunc finds at most limit pages among those that an account has read: those that fit the question best,
// each with its best passage, best first. internal/store implements it.
type LibraryFunc func(ctx context.Context, account, question string, limit int) ([]research.Hit, error)

// NewLibrary is the engine that searches what the account has read before. It needs no network and no key.
func NewLibrary(find LibraryFunc) Engine { return library{find: find} }

type library struct{ find LibraryFunc }

func (library) Name() research.Engine { return research.Library }

func (l library) Search(ctx context.Context, q Query) ([]Result, error) {
	if q.Limit <= 0 {
		return nil, nil
	}
	// The same URL may have several snapshots of different times. So more are requested than wanted, and the Set
	// keeps one of each URL.
	hits, err := l.find(ctx, q.Account, q.Text, 2*q.Limit)
	if errors.Is(err, research.ErrTooSlow) { // the question took too long; the database works
		return nil, err
	}
	if err != nil { // the library is our own database: this is an outage, and no other engine may replace it
		return nil, fmt.Errorf("search the library: %w", errors.Join(research.ErrUnavailable, err))
	}
	results := make([]Result, len(hits))
	for i, h := range hits {
		results[i] = Result{URL: h.URL, Title: h.Title, Snippet: research.Truncate(h.Text, 500)}
	}
	return results, nil
}
