package ranking

// Relevance says how well passages fit a question. The values do not depend on the other passages, so they can be compared across
// questions.
type Relevance struct {
	Whole   float64 `json:"whole"`             // share of the question that the best passage covers; words that no passage has count too
	Lost    float64 `json:"lost"`              // share of the question that no passage has
	Foreign bool    `json:"foreign,omitempty"` // the question is in another language than the best passage
	Share   float64 `json:"share"`             // share of the question that the best passage covers, without rarity
	Focused float64 `json:"focused"`           // share of the question that one sentence of the best passage covers
	Near    float64 `json:"near"`              // share of the question's neighbouring words that are close together in the best passage
	Own     float64 `json:"own"`               // share of the question in the text of the best passage alone, without headings and titles
	Named   float64 `json:"named"`             // 1 if the question has no name, or the best passage or its entry has one
	Shaped  float64 `json:"shaped"`            // 1 if the best passage has the form of an answer, or no form is asked for
	Lead    float64 `json:"lead"`              // how much better the best passage is than the tenth
}

// RelevanceOf returns the relevance of ranked passages. The best of the first wholeBest passages counts for each value.
func RelevanceOf(ranked []Scored) Relevance {
	var r Relevance
	for _, s := range ranked[:min(len(ranked), wholeBest)] {
		r.Whole, r.Share, r.Focused, r.Near = max(r.Whole, s.Whole), max(r.Share, s.Share()), max(r.Focused, s.focused), max(r.Near, s.near)
		r.Own = max(r.Own, s.own())
		if s.Named() || !s.Q.Named() {
			r.Named = 1
		}
		if s.Fits() {
			r.Shaped = 1
		}
	}
	if len(ranked) > 0 {
		r.Lost, r.Foreign = ranked[0].LostShare, ranked[0].Q.foreign
		r.Lead = 1 - ranked[min(len(ranked)-1, 9)].Score/max(ranked[0].Score, 1e-9)
	}
	return r
}

// own returns the share of the question, by weight, that the text of the passage has.
func (s *Scored) own() float64 {
	got, sum := 0.0, 0.0
	for i, t := range s.Q.Terms {
		if t.Hint {
			continue
		}
		sum += t.Weight
		got += Pick(s.Text, i, t.Weight)
	}
	return got / max(sum, 1e-9)
}

// The floor of relevance. A question counts as answered from a covered share of leastWhole on, or from a smaller share if the
// best passage is far ahead of the others: few words then tell which passage it is.
const (
	leastWhole = 0.57
	leadShare  = 0.15
	leastLost  = 0.1 // share of the question that must be lost, since the words of an answer are often not those of the question
)

// Unanswered reports whether the pages most likely do not answer the question, because no passage covers enough of it, and a
// part of it occurs nowhere. Words
// count by weight and rarity, and those that no page has count as the rarest, so a name or a subject that no page has counts
// most. Of a question in another language than the pages nothing can be said, since its words are lost for that reason.
func (r Relevance) Unanswered() bool {
	return r.Whole+leadShare*r.Lead < leastWhole && r.Lost >= leastLost && !r.Foreign
}
