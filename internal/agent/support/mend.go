package support

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"legwork/internal/agent/answertext"
	"legwork/internal/research"
)

// Sentence is a sentence of an answer that none of its quotes supports.
type Sentence struct {
	N       int              // number in the prompt, from 1
	Text    string           // without markers
	Quotes  []Quote          // the quotes that it uses
	Markers []int            // their markers
	Place   answertext.Place // where it stands in its part of the answer
	Part    int              // index of the part of the answer
}

// Unsupported returns the sentences for which all verdicts are unsupported.
func (v *Verdicts) Unsupported(pairs []Pair) []Sentence {
	var out []Sentence
	for from := 0; from < len(pairs); {
		to := from
		s := Sentence{N: len(out) + 1, Text: pairs[from].Sentence, Place: pairs[from].Place, Part: pairs[from].Part}
		bad := true
		for ; to < len(pairs) && pairs[to].Place == s.Place && pairs[to].Part == s.Part; to++ {
			bad = bad && v.Of(pairs[to]) == research.Unsupported
			s.Quotes, s.Markers = append(s.Quotes, Quote{Evidence: pairs[to].Evidence, Text: pairs[to].Text, Under: pairs[to].Under}), append(s.Markers, pairs[to].Marker)
		}
		if bad {
			out = append(out, s)
		}
		from = to
	}
	return out
}

var (
	onlyMark   = regexp.MustCompile(`^\s*(?:[-*+•>]|\d+[.)])?\s*$`)
	blankLines = regexp.MustCompile(`\n{3,}`)

	spaceBefore = regexp.MustCompile(`[ \t]+([.,;:!?])`)
	manySpaces  = regexp.MustCompile(`[ \t]{2,}`)
)

// Replace returns an answer in which sentences are replaced. The number of a sentence selects its new text, which gets the
// old markers unless it has markers of its own. A sentence without a new text is removed, and its line too if nothing
// remains in it.
func Replace(answer string, sentences []Sentence, texts map[int]string) string {
	for _, s := range slices.Backward(sentences) {
		before, old, after := answer[:s.Place.Start], answer[s.Place.Start:s.Place.End], answer[s.Place.End:]
		text := texts[s.N]
		if strings.HasPrefix(old, "|") && !strings.HasPrefix(text, "|") { // another text would break the table
			text = ""
		}
		if text != "" {
			if !answertext.HasMarker.MatchString(text) {
				text = withMarkers(text, s.Markers)
			}
			answer = before + text + old[len(strings.TrimRight(old, " \t")):] + after
			continue
		}
		lineStart, lineEnd := strings.LastIndexByte(before, '\n')+1, strings.IndexByte(after, '\n')
		if lineEnd < 0 {
			lineEnd = len(after)
		}
		if onlyMark.MatchString(before[lineStart:]) && strings.TrimSpace(after[:lineEnd]) == "" {
			answer = before[:lineStart] + strings.TrimPrefix(after[lineEnd:], "\n")
			continue
		}
		answer = before + after
	}
	return strings.TrimSpace(blankLines.ReplaceAllString(answer, "\n\n"))
}

// withMarkers writes markers before the full stop of a sentence.
func withMarkers(sentence string, markers []int) string {
	stop := sentence[len(strings.TrimRight(sentence, ".!?。！？")):]
	text := strings.TrimSuffix(sentence, stop) + " "
	for _, m := range markers {
		text += fmt.Sprintf("[%d]", m)
	}
	return text + stop
}

// WithoutMarkers returns an answer without the markers whose quote does not support its sentence, if another quote of the
// sentence does.
func (v *Verdicts) WithoutMarkers(answer string, pairs []Pair) string {
	for to := len(pairs); to > 0; {
		from, supported := to, false
		for ; from > 0 && pairs[from-1].Place == pairs[to-1].Place; from-- {
			supported = supported || weights[v.Of(pairs[from-1])] > 0
		}
		place := pairs[from].Place
		sentence := answer[place.Start:place.End]
		for _, p := range pairs[from:to] {
			if mark := fmt.Sprintf("[%d]", p.Marker); supported && v.Of(p) == research.Unsupported {
				sentence = strings.ReplaceAll(sentence, mark, "")
			}
		}
		if sentence != answer[place.Start:place.End] {
			sentence = manySpaces.ReplaceAllString(spaceBefore.ReplaceAllString(sentence, "$1"), " ")
		}
		answer = answer[:place.Start] + sentence + answer[place.End:]
		to = from
	}
	return answer
}
