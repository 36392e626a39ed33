package ranking

import "math"

// rarityPrior is a number of imaginary texts without any of the terms. They are added to the texts seen, so that the
// first few texts do not decide which terms are rare.
const rarityPrior = 20

// Rarity is the inverse document frequency of BM25 (Robertson and Spärck Jones), in the form that is never negative. df
// is the number of texts that have the term, out of n.
func Rarity(df, n float64) float64 { return math.Log(1 + (n+rarityPrior-df+0.5)/(df+0.5)) }

// Pick returns v if term i is in the set, else 0.
func Pick(s TermSet, i int, v float64) float64 {
	if s.Has(i) {
		return v
	}
	return 0
}

// Count returns the number of terms in a set.
func Count(s TermSet) int {
	n := 0
	for ; s != 0; s &= s - 1 {
		n++
	}
	return n
}
