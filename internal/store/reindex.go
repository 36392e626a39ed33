package store

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"legwork/internal/research"
	"legwork/internal/words"
)

// Reindex splits the passages of one snapshot into words anew, which an older version has split, in one transaction. It
// returns false when there is no such snapshot. Until then the passages are found by their old words, most of which are
// the same.
func (w Worker) Reindex(ctx context.Context) (bool, error) {
	found := false
	err := w.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		q := w.in(tx)
		pages, err := q.PagesToIndex(ctx, words.Version, 1)
		if err != nil || len(pages) == 0 {
			return wrap(err)
		}
		found = true
		p := pages[0]
		passages, err := q.PagePassages(ctx, p.ID)
		if err != nil {
			return wrap(err)
		}
		if p.Language == "" {
			p.Language = words.Detect(p.Content)
		}
		text, index := research.NewCutter(p.Content), words.NewIndexer(p.Language, p.Title)
		for some := range slices.Chunk(passages, passagesAtOnce) {
			var ords []int32
			var vectors []string
			for _, ps := range some {
				passage, ok := text.Cut(int(ps.StartOffset), int(ps.EndOffset))
				if !ok { // no passage that this program has stored; its old words stay
					continue
				}
				ords, vectors = append(ords, ps.Ord), append(vectors, index.Vector(ps.Heading, passage))
			}
			if err := q.IndexPassages(ctx, p.ID, ords, vectors); err != nil {
				return wrap(err)
			}
		}
		return wrap(q.PageIndexed(ctx, words.Version, p.Language, p.ID))
	})
	return found, err
}
