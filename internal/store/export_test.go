package store

import (
	"context"

	"legwork/internal/research"
)

// SearchLargeLibrary is SearchLibrary as it searches a large library.
func (a Account) SearchLargeLibrary(ctx context.Context, question string, limit int) ([]research.Hit, error) {
	found, err := a.matchLarge(ctx, ask(question), limit*candidatesPerPage)
	if err != nil {
		return nil, err
	}
	return a.s.hits(ctx, bestOfPages(found, limit), nil, a.id)
}
