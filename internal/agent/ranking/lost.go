package ranking

import "legwork/internal/words"

const (
	wholeBest   = 5   // number of passages, the best ones, of which the relevance is told
	foreignLost = 0.5 // a question in another language than the pages loses at least this share of its terms
)

// whole returns the share of the question that the passage covers. Terms that no passage has count too, as the rarest
// ones.
func (s *Scored) whole(df []int, total int) float64 {
	got, sum := 0.0, 0.0
	for i, t := range s.Q.Terms {
		if t.Hint {
			continue
		}
		w := t.Weight * Rarity(float64(df[i]), float64(total))
		sum += w
		got += w * s.strength(i)
	}
	return min(1, got/max(sum, 1e-9))
}

// lost returns the terms that no passage has, and their share of the question by weight and rarity. If the question is
// in another language, there are none.
func (q *Question) lost(df []int, total int) (TermSet, float64) {
	var set TermSet
	lost, sum, all := 0.0, 0.0, 0
	for i, t := range q.Terms {
		if t.Hint {
			continue
		}
		w := t.Weight * Rarity(float64(df[i]), float64(total))
		sum += w
		all++
		if df[i] == 0 {
			set |= 1 << i
			lost += w
		}
	}
	if q.foreign && float64(Count(set)) >= foreignLost*float64(all) {
		return 0, 0
	}
	return set, lost / max(sum, 1e-9)
}

// foreign reports whether a question in one language is asked of pages in another. It is false if the question does not
// show its language. An empty language of pages means English.
func foreign(asked, pages string) bool {
	return asked != "" && asked != pages && (words.Norm(asked) != words.Norm(pages) || words.Norm(asked) == "xx")
}
