package store

import (
	"context"
	"slices"
	"strings"

	"legwork/db"
	"legwork/internal/research"
)

// textsAtOnce bounds the length of the snapshots that are read together, in code points.
const textsAtOnce = 4 << 20

// passageTexts returns the texts of passages, by their places in rows. It reads each snapshot once, and few at a time.
func (s *Store) passageTexts(ctx context.Context, rows []db.RankTaskPassagesRow) ([]string, error) {
	byPage, order, size := map[int64][]int{}, []int64{}, map[int64]int{}
	for i, r := range rows {
		if byPage[r.PageKey] == nil {
			order = append(order, r.PageKey)
		}
		byPage[r.PageKey], size[r.PageKey] = append(byPage[r.PageKey], i), int(r.Chars)
	}
	texts := make([]string, len(rows))
	for len(order) > 0 {
		n, chars := 1, size[order[0]]
		for n < len(order) && chars+size[order[n]] <= textsAtOnce {
			chars += size[order[n]]
			n++
		}
		pages, err := s.q.PageTexts(ctx, order[:n])
		if err != nil {
			return nil, wrap(err)
		}
		for _, p := range pages {
			places := byPage[p.ID]
			slices.SortFunc(places, func(a, b int) int { return int(rows[a].StartOffset) - int(rows[b].StartOffset) })
			text := research.NewCutter(p.Content)
			for _, i := range places {
				piece, _ := text.Cut(int(rows[i].StartOffset), int(rows[i].EndOffset))
				texts[i] = strings.Clone(piece) // a copy, so that the whole snapshot is not kept in memory
			}
		}
		order = order[n:]
	}
	return texts, nil
}
