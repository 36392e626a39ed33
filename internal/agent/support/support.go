// Package support has what is needed to judge whether the quotes of an answer support its sentences: the pairs of
// sentence and quote that are judged, the verdicts that a model wrote, and the changes to the answer that follow from
// them. It does no I/O.
package support

import (
	"regexp"
	"strconv"
	"strings"

	"legwork/internal/agent/answertext"
	"legwork/internal/research"
)

// Quote is a quote that an answer cites.
type Quote struct {
	Evidence int
	Text     string
	Under    string // the title and the headings above it, and the term that it defines; may be empty
}

// Pair is one use of a quote: a sentence of the answer that has the quote's marker.
type Pair struct {
	N        int              // number of the pair in the prompt, from 1
	Sentence string           // without markers
	Text     string           // the quote
	Under    string           // see Quote
	Evidence int              // evidence number of the quote
	Marker   int              // number of the marker
	Place    answertext.Place // where the sentence stands in its part of the answer
	Part     int              // index of the part of the answer
}

// key identifies what is judged, wherever it stands in an answer.
func (p Pair) key() string { return strconv.Itoa(p.Evidence) + "\x00" + p.Sentence }

// maxPairs is the greatest number of pairs of an answer that are judged.
const maxPairs = 400

// Pairs lists each sentence of an answer together with each quote that it uses. used are the quotes of the markers 1, 2
// and so on.
func Pairs(text string, used []Quote) []Pair {
	var out []Pair
	for place := range answertext.SentencePlaces(text) {
		sentence := text[place.Start:place.End]
		seen := map[int]bool{}
		for _, m := range answertext.HasMarker.FindAllString(sentence, -1) {
			n, err := strconv.Atoi(strings.Trim(m, "[]"))
			if err != nil || n < 1 || n > len(used) || seen[n] || len(out) == maxPairs {
				continue
			}
			seen[n] = true
			out = append(out, Pair{N: len(out) + 1, Sentence: plain(sentence), Text: used[n-1].Text, Under: used[n-1].Under, Evidence: used[n-1].Evidence, Marker: n, Place: place})
		}
	}
	return out
}

var spacedMarker = regexp.MustCompile(`[ \t]*\[\d+\]`)

// plain returns a sentence without markers.
func plain(sentence string) string {
	return strings.Join(strings.Fields(spacedMarker.ReplaceAllString(sentence, "")), " ")
}

// weights are the weights of the verdicts in the confidence. Pairs with the verdict unchecked are left out.
var weights = map[string]float64{research.Supported: 1, research.Partial: 0.5, research.Unsupported: 0}

// Verdicts are the verdicts that were read so far. The zero value is ready for use.
type Verdicts struct{ given map[string]string }

// Of returns the verdict on a pair: research.Unchecked if there is none.
func (v *Verdicts) Of(p Pair) string {
	if verdict, ok := v.given[p.key()]; ok {
		return verdict
	}
	return research.Unchecked
}

// Open returns the pairs without a verdict, numbered anew from 1.
func (v *Verdicts) Open(pairs []Pair) []Pair {
	var out []Pair
	for _, p := range pairs {
		if _, ok := v.given[p.key()]; !ok {
			p.N = len(out) + 1
			out = append(out, p)
		}
	}
	return out
}

// ByEvidence returns the lowest verdict on any use of each quote. It is unchecked only if all uses are unchecked.
func (v *Verdicts) ByEvidence(pairs []Pair) map[int]string {
	out := map[int]string{}
	for _, p := range pairs {
		verdict := v.Of(p)
		weight, judged := weights[verdict]
		old, has := out[p.Evidence]
		oldWeight, oldJudged := weights[old]
		if !has || judged && (!oldJudged || weight < oldWeight) {
			out[p.Evidence] = verdict
		}
	}
	return out
}

// Weight returns the mean weight of the verdicts on pairs, 0..1. It is 1 if none of them was judged.
func (v *Verdicts) Weight(pairs []Pair) float64 {
	sum, n := 0.0, 0
	for _, p := range pairs {
		if w, ok := weights[v.Of(p)]; ok {
			sum += w
			n++
		}
	}
	if n == 0 {
		return 1
	}
	return sum / float64(n)
}

// Counts returns how many pairs got each verdict.
func (v *Verdicts) Counts(pairs []Pair) map[string]int {
	count := map[string]int{research.Supported: 0, research.Partial: 0, research.Unsupported: 0, research.Unchecked: 0}
	for _, p := range pairs {
		count[v.Of(p)]++
	}
	return count
}
