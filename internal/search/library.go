package search

import (
	"context"
	"errors"
	"fmt"

	"legwork/internal/research"
)

// LibraryFunc gives the pages that an account has read and that fit a question best, each with its best passage, at
// most limit of them, best first. internal/store has one.
type LibraryFunc func(ctx context.Context, account, question string, limit int) ([]research.Hit, error)

// NewLibrary is the engine that searches what the account has read before. It needs no network and no key.
func NewLibrary(find LibraryFunc) Engine { return library{find: find} }

type library struct{ find LibraryFunc }

func (library) Name() research.Engine { return research.Library }

func (l library) Search(ctx context.Context, q Query) ([]Result, error) {
	if q.Limit <= 0 {
		return nil, nil
	}
	// The same URL may stand for several snapshots of different times; ask for more than wanted, the set keeps one of each.
	hits, err := l.find(ctx, q.Account, q.Text, 2*q.Limit)
	if errors.Is(err, research.ErrTooSlow) { // an answer to this question, not an outage
		return nil, err
	}
	if err != nil { // the library is our own database: no other engine can stand in for it
		return nil, fmt.Errorf("search the library: %w", errors.Join(research.ErrUnavailable, err))
	}
	results := make([]Result, len(hits))
	for i, h := range hits {
		results[i] = Result{URL: h.URL, Title: h.Title, Snippet: research.Truncate(h.Text, 500)}
	}
	return results, nil
}
