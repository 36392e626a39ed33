package quotes

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"legwork/internal/research"
)

// Text is the text of a snapshot, prepared to find quotes in. It is not safe for concurrent use.
type Text struct {
	runes      []rune
	normalised *normalised // nil until a quote is looked for
}

// NewText prepares a text of at most 2³¹ code points.
func NewText(s string) *Text { return &Text{runes: []rune(s)} }

// Len returns the length of the text in code points.
func (t *Text) Len() int { return len(t.runes) }

// Slice returns the text from start to end, in code points.
func (t *Text) Slice(start, end int) string { return string(t.runes[start:end]) }

// maxOccurrences bounds the matches that Find compares to find one that is equal letter for letter.
const maxOccurrences = 64

// Find returns the span of a quote in code points, at most research.MaxExcerpt long. It ignores quotation marks and ellipses around
// the quote. Of several matches it returns the first one that is equal letter for letter, else the first one.
func (t *Text) Find(quote string) (start, end int, ok bool) {
	if t.normalised == nil {
		n := normalise(t.runes)
		t.normalised = &n
	}
	n := t.normalised
	for _, form := range forms(quote) {
		at, found := 0, false
		for range maxOccurrences {
			i := strings.Index(n.text[at:], form)
			if i < 0 {
				break
			}
			from, to := int(n.start[at+i]), int(n.end[at+i+len(form)-1])
			verbatim := strings.Contains(quote, string(t.runes[from:to]))
			if !found || verbatim {
				start, end, found = from, to, true
			}
			if verbatim {
				break
			}
			_, size := utf8.DecodeRuneInString(n.text[at+i:])
			at += i + size
		}
		if found {
			start, end = t.cut(start, end)
			return start, end, start < end
		}
	}
	return 0, 0, false
}

// MinLength is the minimum length of a quote, in code points after normalising. A shorter text would match on almost any page.
const MinLength = 8

// TooShort reports whether a quote is shorter than MinLength.
func TooShort(quote string) bool { return len(forms(quote)) == 0 }

// forms returns the quote normalised, and also without the marks that models put around quotes.
func forms(quote string) []string {
	whole := strings.TrimSpace(normalise([]rune(quote)).text)
	var out []string
	for _, f := range []string{whole, strings.Trim(whole, `"' `), strings.Trim(whole, `"'. `)} {
		if utf8.RuneCountInString(f) >= MinLength {
			out = append(out, f)
		}
	}
	return out
}

// cut shortens a span to the greatest length of evidence, at the end of a sentence, else at the end of a word.
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
