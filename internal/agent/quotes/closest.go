package quotes

import (
	"strings"

	"legwork/internal/words"
)

// Bounds of Closest.
const (
	maxQuoteWords  = 80
	closestOverlap = 0.4 // the passage must have at least this share of the quote's words
)

// placedWord is a word with its position in a text, in code points.
type placedWord struct {
	word       string
	start, end int
}

func placedWords(runes []rune) []placedWord {
	var out []placedWord
	for i := 0; i < len(runes); {
		if !words.WordRune(runes[i]) {
			i++
			continue
		}
		start := i
		for i < len(runes) && words.WordRune(runes[i]) {
			i++
		}
		out = append(out, placedWord{strings.ToLower(string(runes[start:i])), start, i})
	}
	return out
}

// Closest returns the passage that shares the most words with a quote. It is used for quotes that Find does not find.
// The passage is about as long as the quote. ok is false if no passage has at least the share closestOverlap of the
// quote's words.
func (t *Text) Closest(quote string) (passage string, ok bool) {
	wanted := placedWords([]rune(quote))
	wanted = wanted[:min(len(wanted), maxQuoteWords)]
	words := placedWords(t.runes)
	if len(wanted) == 0 || len(words) == 0 {
		return "", false
	}
	need := map[string]int{}
	for _, w := range wanted {
		need[w.word]++
	}
	n := min(len(wanted)+2, len(words))
	overlap, best, at := 0, 0, 0
	for i, w := range words {
		if need[w.word] > 0 {
			overlap++
		}
		need[w.word]--
		if i >= n {
			gone := words[i-n].word
			need[gone]++
			if need[gone] > 0 {
				overlap--
			}
		}
		if overlap > best {
			best, at = overlap, i
		}
	}
	if float64(best) < closestOverlap*float64(len(wanted)) {
		return "", false
	}
	start, end := t.cut(words[max(0, at-n+1)].start, words[at].end)
	return t.Slice(start, end), true
}
