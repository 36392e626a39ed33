package words

import "math"

// The parameters of BM25. K1 says how soon a further occurrence of a word counts less, and B how much the length of a
// passage counts. They are Lucene's.
const (
	K1 = 1.2
	B  = 0.75
)

// Weights of an occurrence in the headings above a passage and in the title of its page, if one in its text counts 1.
// The length of headings and titles does not count.
const (
	InHeading = 0.8
	InTitle   = 0.5
)

// Counts says how often a passage has a word.
type Counts struct{ Text, Heading, Title int }

// Weigh returns the weight of a word that df of n passages have: its inverse document frequency, in the form that is
// never negative.
func Weigh(df, n float64) float64 { return math.Log(1 + (n-df+0.5)/(df+0.5)) }

// Score returns how much a word counts that a passage has, 0..1. The score of a passage is the sum of weight and score
// of each word of the question. For passages without title and headings, it is BM25 as Lucene computes it; with them it
// is BM25F, which adds the occurrences of all fields before they count less and less.
func Score(c Counts, length, average float64) float64 {
	tf := float64(c.Text)/(1-B+B*length/math.Max(average, 1)) + InHeading*float64(c.Heading) + InTitle*float64(c.Title)
	return tf / (tf + K1)
}
