package quotes

import (
	"strings"
	"unicode"

	"legwork/internal/research"
)

// Text is the text of a snapshot, prepared to find quotes in. It is not safe for concurrent use.
type Text struct {
	runes      []rune
	normalised *normalised // nil until a quote is looked for
	headings   []heading
}

// NewText prepares a text of at most 2³¹ code points.
func NewText(s string) *Text { return &Text{runes: []rune(s)} }

// Len returns the length of the text in code points.
func (t *Text) Len() int { return len(t.runes) }

// Slice returns the text from start to end, in code points.
func (t *Text) Slice(start, end int) string { return string(t.runes[start:end]) }

// MinLength is the minimum length of a quote, in code points after normalising. A shorter text would match on almost any page.
const MinLength = 8

// TooShort reports whether a quote is shorter than MinLength.
func TooShort(quote string) bool { return len(forms(quote)) == 0 }

// cut shortens the span of a passage that Closest shows to the greatest length of evidence, at the end of a sentence, else at the end of a word.
// White space at its ends is removed.
func (t *Text) cut(start, end int) (from, to int) {
	runes := t.runes
	for start < end && unicode.IsSpace(runes[start]) {
		start++
	}
	if end-start > research.MaxExcerpt {
		end = start + research.MaxExcerpt
		for _, stops := range []func(i int) bool{
			func(i int) bool { return strings.ContainsRune(".!?。", runes[i-1]) && unicode.IsSpace(runes[i]) },
			func(i int) bool { return unicode.IsSpace(runes[i]) },
		} {
			cut := end
			for cut > start+research.MaxExcerpt/2 && !stops(cut) {
				cut--
			}
			if cut > start+research.MaxExcerpt/2 {
				end = cut
				break
			}
		}
	}
	for end > start && unicode.IsSpace(runes[end-1]) {
		end--
	}
	return start, end
}
