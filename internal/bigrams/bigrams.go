// Package bigrams splits text in scripts without spaces between words: Chinese, Japanese and similar scripts, Thai, Lao,
// Khmer and Burmese. Each run of letters of these scripts becomes its overlapping pairs of letters: 入浴料 becomes 入浴 and
// 浴料. Questions and documents are split in the same way, so a word of two or more letters is found wherever it occurs.
// Search engines without a dictionary index these scripts in the same way.
package bigrams

import (
	"strings"
	"unicode"
)

// scripts are the scripts without spaces between words.
var scripts = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Yi,
}

// prolonged is the mark that makes a Katakana vowel long. Unicode assigns it to no script, because Hiragana uses
// it too.
const prolonged = 'ー'

// Is reports whether a character belongs to a script without spaces between words. It is false for the digits of
// these scripts.
func Is(r rune) bool {
	return r >= 0x0E00 && (r == prolonged || unicode.In(r, scripts...) && !unicode.IsDigit(r) && !unicode.IsPunct(r))
}

// Of splits a run of characters for which Is is true into its search words. These are its overlapping pairs of
// letters, or the letter itself if there is only one. A combining mark stays with the letter before it.
func Of(run string) []string {
	var letters []string
	for _, r := range run {
		if last := len(letters) - 1; last >= 0 && unicode.IsMark(r) {
			letters[last] += string(r)
		} else {
			letters = append(letters, string(r))
		}
	}
	if len(letters) == 1 {
		return letters
	}
	pairs := make([]string, 0, len(letters))
	for i := 1; i < len(letters); i++ {
		pairs = append(pairs, letters[i-1]+letters[i])
	}
	return pairs
}

// Spaced replaces each run of characters for which Is is true by the pairs of letters that Of returns, separated by
// spaces. Other text is not changed.
func Spaced(text string) string {
	first := strings.IndexFunc(text, Is)
	if first < 0 {
		return text
	}
	var out, run strings.Builder
	flush := func() {
		if run.Len() > 0 {
			out.WriteByte(' ')
			out.WriteString(strings.Join(Of(run.String()), " "))
			out.WriteByte(' ')
			run.Reset()
		}
	}
	out.WriteString(text[:first])
	for _, r := range text[first:] {
		if Is(r) || run.Len() > 0 && unicode.Is(unicode.Mn, r) {
			run.WriteRune(r)
			continue
		}
		flush()
		out.WriteRune(r)
	}
	flush()
	return out.String()
}
