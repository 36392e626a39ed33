package store

import (
	"context"
	"fmt"

	"legwork/internal/research"
	"legwork/internal/store/connection"
)

const (
	// smallLibrary is the greatest number of visits of a library that is searched page by page. This search reads about 20
	// passages for each page. In a larger library it is cheaper to start from the index of words.
	smallLibrary = 5000
	// candidatesPerPage is how many passages are ranked for each page that is asked for, since a page may have several of the best.
	candidatesPerPage = 10
)

// SearchLibrary returns at most limit pages that the account has read, best first. Each comes with its best passage for
// the question. SearchLibrary returns research.ErrTooSlow when the search reached the statement timeout. Repeating the
// same search does not help.
func (a Account) SearchLibrary(ctx context.Context, question string, limit int) ([]research.Hit, error) {
	q := ask(question)
	if q.count() == 0 || limit <= 0 {
		return nil, nil
	}
	rows, err := a.s.q.LibrarySnapshots(ctx, a.id, smallLibrary+1)
	if err != nil {
		return nil, wrap(err)
	}
	var found []match
	if len(rows) <= smallLibrary {
		snapshots := make([]snapshot, len(rows))
		for i, r := range rows {
			snapshots[i] = snapshot{r.PageID, r.Language}
		}
		found, err = a.s.match(ctx, q, snapshots, limit*candidatesPerPage)
	} else {
		found, err = a.matchLarge(ctx, q, limit*candidatesPerPage)
	}
	if err != nil {
		return nil, tooSlow(err, "searching the library took too long; ask for fewer or rarer words")
	}
	hits, err := a.s.hits(ctx, bestOfPages(found, limit), nil, a.id)
	return hits, wrap(err)
}

// bestOfPages returns the best passage of each of the best pages.
func bestOfPages(found []match, limit int) []match {
	var best []match
	seen := map[int64]bool{}
	for _, m := range found {
		if len(best) < limit && !seen[m.page] {
			seen[m.page] = true
			best = append(best, m)
		}
	}
	return best
}

// tooSlow turns a statement timeout into research.ErrTooSlow, and wraps other errors. It is for reads whose cost depends on the
// caller's input. For other statements a timeout means that the server is busy, and the statement may be tried again.
func tooSlow(err error, advice string) error {
	if connection.StatementTimeout(err) {
		return fmt.Errorf("%w: %s", research.ErrTooSlow, advice)
	}
	return wrap(err)
}
