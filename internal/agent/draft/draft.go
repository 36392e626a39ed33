// Package draft judges what a model wrote when it was asked for an answer: whether it is one, and what of it can be used. It
// does no I/O.
package draft

import (
	"regexp"
	"strings"

	"legwork/internal/agent/answertext"
	"legwork/internal/agent/toolcalls"
	"legwork/internal/llm"
)

var ownMark = regexp.MustCompile(`(?i)</?\s*page-text-[0-9a-f]`)

// Flaw says why a text is not usable as an answer. It returns an empty string if the text is usable.
func Flaw(text string, stop llm.Stop) string {
	plain, calls, _ := toolcalls.Read(llm.Reply{Text: text})
	switch {
	case plain == "":
		return "the model wrote no answer"
	case len(calls) > 0 && !answertext.HasMarker.MatchString(plain): // an answer with markers may show code that looks like a call
		return "the model called tools instead of writing the answer"
	case ownMark.MatchString(plain):
		return "the model repeated the marks of its prompt"
	case stop == llm.StopEnough, answertext.Repeats(plain):
		return "the model repeated itself"
	case stop == llm.StopFiltered:
		return "the provider withheld the rest of the answer"
	}
	return ""
}

// Repeating returns a function for llm.Request.Enough: it ends a reply that repeats itself. before is the part of the text
// that earlier calls wrote.
func Repeating(before string) func(text string) bool {
	looked := 0 // bytes of the text when it was last looked at
	return func(text string) bool {
		if len(text) < looked { // a further attempt
			looked = 0
		}
		if len(text) < looked+answertext.RepeatStep {
			return false
		}
		looked = len(text)
		return answertext.Repeats(before+text) || answertext.Circles(text)
	}
}

// leastUsable is the least number of cited sentences that make an answer, if what follows them is unusable.
const leastUsable = 3

// Usable returns the part of an answer before the place where it begins to repeat itself, or where the provider withheld the rest. It
// returns nothing if the answer has another flaw, or if this part is too short.
func Usable(text string, stop llm.Stop) string {
	if flaw := Flaw(text, stop); stop != llm.StopFiltered && stop != llm.StopEnough && !answertext.Repeats(text) && flaw != "" {
		return ""
	}
	text = answertext.WithoutThinking(text)
	seen := map[string]bool{}
	end, cited := 0, 0
	for p := range answertext.SentencePlaces(text) {
		sentence := strings.Join(strings.Fields(text[p.Start:p.End]), " ")
		if seen[sentence] || answertext.Circles(sentence) {
			break
		}
		seen[sentence], end = true, p.End
		if answertext.HasMarker.MatchString(sentence) {
			cited++
		}
	}
	if stop != llm.StopFiltered && cited < leastUsable {
		return ""
	}
	return answertext.WholeSentences(text[:end])
}
