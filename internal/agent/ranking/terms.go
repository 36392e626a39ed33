package ranking

import "math"

// rarityPrior is how many texts without any term are thought of as seen before the first, so that the first few do not
// decide what is rare.
const rarityPrior = 20

// Rarity is the inverse document frequency of BM25 (Robertson and Spärck Jones), which is never negative.
func Rarity(df, n float64) float64 { return math.Log(1 + (n+rarityPrior-df+0.5)/(df+0.5)) }

// Pick is v where a set has a term, else 0.
func Pick(s TermSet, i int, v float64) float64 {
	if s.Has(i) {
		return v
	}
	return 0
}

// Count is the number of terms in a set.
func Count(s TermSet) int {
	n := 0
	for ; s != 0; s &= s - 1 {
		n++
	}
	return n
}
