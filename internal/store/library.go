package store

import (
	"context"
	"fmt"
	"slices"

	"legwork/db"
	"legwork/internal/bigrams"
	"legwork/internal/research"
	"legwork/internal/store/connection"
)

// smallLibrary is the greatest number of visits of a library that is searched page by page. This search reads about 20
// passages for each page. In a larger library it is cheaper to start from the index of words.
const smallLibrary = 5000

// SearchLibrary returns at most limit pages that the account has read, best first. Each comes with its best passage for
// the question. SearchLibrary returns research.ErrTooSlow when the search reached the statement timeout. Repeating the
// same search does not help.
func (a Account) SearchLibrary(ctx context.Context, question string, limit int) ([]research.Hit, error) {
	visits, err := a.s.q.LibraryPages(ctx, a.id, smallLibrary+1)
	if err != nil || visits == 0 {
		return nil, wrap(err)
	}
	question = bigrams.Spaced(question)
	var rows []db.SearchSmallLibraryRow
	if visits <= smallLibrary {
		rows, err = a.s.q.SearchSmallLibrary(ctx, a.id, question, int32(limit))
	} else {
		rows, err = a.searchLarge(ctx, question, limit)
	}
	if err != nil {
		return nil, tooSlow(err, "searching the library took too long; ask for fewer or rarer words")
	}
	hits := make([]research.Hit, len(rows))
	for i, r := range rows {
		hits[i] = research.Hit{PageID: r.PageID, URL: r.Url, Title: r.Title, Text: r.Text, Rank: r.Rank}
	}
	return hits, nil
}

// searchLarge searches a library of more than smallLibrary visits. It returns the same rows as the query for small
// libraries.
func (a Account) searchLarge(ctx context.Context, question string, limit int) ([]db.SearchSmallLibraryRow, error) {
	rows, err := a.s.q.SearchLargeLibrary(ctx, db.SearchLargeLibraryParams{
		AccountID: a.id, MaxRows: int32(limit), Configs: allConfigs(), Question: question})
	out := make([]db.SearchSmallLibraryRow, len(rows))
	for i, r := range rows {
		out[i] = db.SearchSmallLibraryRow(r)
	}
	return out, err
}

// tooSlow turns a statement timeout into research.ErrTooSlow, and wraps other errors. It is for reads whose cost depends on the
// caller's input. For other statements a timeout means that the server is busy, and the statement may be tried again.
func tooSlow(err error, advice string) error {
	if connection.StatementTimeout(err) {
		return fmt.Errorf("%w: %s", research.ErrTooSlow, advice)
	}
	return wrap(err)
}

func allConfigs() []string {
	configs := []string{"simple"}
	for _, c := range textConfigs {
		if !slices.Contains(configs, c) {
			configs = append(configs, c)
		}
	}
	slices.Sort(configs)
	return configs
}
