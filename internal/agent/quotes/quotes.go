package quotes

import (
	"strings"
	"unicode"

	"legwork/internal/research"
)

// Text is the text of a snapshot, prepared for finding quotes. It is not safe for concurrent use.
type Text struct {
	runes      []rune
	normalised *normalised // nil until the first quote is looked for
	headings   []heading
}

// NewText prepares a text of at most 2³¹ code points.
func NewText(s string) *Text { return &Text{runes: []rune(s)} }

// Len returns the length of the text in code points.
func (t *Text) Len() int { return len(t.runes) }

// Slice returns the text from start to end, in code points.
func (t *Text) Slice(start, end int) string { return string(t.runes[start:end]) }

// MinLength is the minimum length of a quote, in code points after normalising. A shorter quote would be found on almost
// any page.
const MinLength = 8

// TooShort reports whether a quote is shorter than MinLength after normalising.
func TooShort(quote string) bool { return len(forms(quote)) == 0 }

// cut shortens the span of a passage to at most research.MaxExcerpt code points. It cuts at the end of a sentence if
// possible, or else at the end of a word. It removes white space at both ends. Closest uses it.
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
