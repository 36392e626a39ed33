package words

import "unicode"

// spaceless are the scripts without spaces between words.
var spaceless = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Yi,
}

// prolonged is the mark that makes a Katakana vowel long. Unicode assigns it to no script, because Hiragana uses
// it too.
const prolonged = 'ー'

// Spaceless reports whether a character belongs to a script without spaces between words. It is false for the digits of
// these scripts.
func Spaceless(r rune) bool {
	return r >= 0x0E00 && (r == prolonged || unicode.In(r, spaceless...) && !unicode.IsDigit(r) && !unicode.IsPunct(r))
}

// span is a part of a text, in bytes.
type span struct{ start, end int }

// pairs splits a run of characters for which Spaceless is true into its overlapping pairs of letters, or returns the
// letter itself if there is only one. A combining mark stays with the letter before it.
func pairs(run string) []span {
	var letters []span
	for i, r := range run {
		if last := len(letters) - 1; last >= 0 && unicode.IsMark(r) {
			letters[last].end = i + len(string(r))
		} else {
			letters = append(letters, span{i, i + len(string(r))})
		}
	}
	if len(letters) == 1 {
		return letters
	}
	out := make([]span, 0, len(letters))
	for i := 1; i < len(letters); i++ {
		out = append(out, span{letters[i-1].start, letters[i].end})
	}
	return out
}
