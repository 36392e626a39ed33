package answertext

import (
	"regexp"
	"strings"
	"unicode"
)

// maxSameLine is the number of equal sentences from which a text counts as repeating itself.
const maxSameLine = 4

// Repeats reports whether a text has the same long line or sentence maxSameLine times.
func Repeats(text string) bool {
	seen := map[string]int{}
	for s := range Sentences(text) {
		s = strings.Join(strings.Fields(s), " ")
		if seen[s]++; seen[s] >= maxSameLine {
			return true
		}
	}
	return false
}

// RepeatStep is after how many bytes of text it is worth while to look again whether a streamed answer repeats itself.
const RepeatStep = 400

// Bounds of the search for a text that goes in circles.
const (
	maxCircle = 200 // greatest length of what is repeated, in bytes
	leastTail = 400 // least length of the repetitions together
)

// Circles reports whether a text ends with the same words again and again, without whole sentences.
func Circles(text string) bool {
	if len(text) < leastTail {
		return false
	}
	for period := 1; period <= maxCircle; period++ {
		n := max(leastTail, maxSameLine*period)
		if n > len(text) {
			return false
		}
		tail := text[len(text)-n:]
		if tail[period:] == tail[:n-period] && strings.ContainsFunc(tail[:period], func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
			return true
		}
	}
	return false
}

// sentenceEnd finds the ends of sentences, with the markers that follow.
var sentenceEnd = regexp.MustCompile(`[.!?。！？]["'”’)*]*(?:\s*\[[\d, ]+\])*(?:\s|$)|\n`)

// WholeSentences returns a text without an incomplete sentence at its end.
func WholeSentences(text string) string {
	text = WithoutThinking(text)
	all := sentenceEnd.FindAllStringIndex(text, -1)
	if len(all) == 0 {
		return ""
	}
	return strings.TrimSpace(text[:all[len(all)-1][1]])
}
