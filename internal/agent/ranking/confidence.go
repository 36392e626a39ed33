package ranking

import "math"

// The coefficients of the confidence. `go run ./eval/offline -fit` computes them by logistic regression from questions whose
// answers are known; docs/reading.md has the reliability. They were fitted on PostgreSQL's manual alone, where 81 % of the answers given
// are right. The base is lowered by 0.74, the distance in log odds from there to the share of right answers over all five manuals of
// eval/ before this fit, two thirds.
const (
	confidenceBase  = -0.68 - 0.74
	confidenceWhole = 1.64
	confidenceLead  = 2.13

	// foreignWhole stands for the covered share of a question in another language than the pages, which cannot be measured.
	foreignWhole = 0.75
)

// Confidence estimates the probability that the passages cited for an answered question have the answer, 0..1.
func (r Relevance) Confidence() float64 {
	whole := r.Whole
	if r.Foreign {
		whole = foreignWhole
	}
	return Round(1 / (1 + math.Exp(-(confidenceBase + confidenceWhole*whole + confidenceLead*r.Lead))))
}
