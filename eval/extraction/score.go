package main

import (
	"strings"
	"unicode"
)

// score says how well a text agrees with the content of a page. Words are compared in any order, each as often as it
// occurs.
type score struct {
	precision float64 // share of the words found that belong to the content; 0 if no word was found
	recall    float64 // share of the content's words that were found
}

// f1 is the harmonic mean of precision and recall.
func (s score) f1() float64 {
	if s.precision+s.recall == 0 {
		return 0
	}
	return 2 * s.precision * s.recall / (s.precision + s.recall)
}

// compare scores the text that a reader found against the content that a person has marked.
func compare(found, content string) score {
	want, got := words(content), words(found)
	left := map[string]int{}
	for _, w := range want {
		left[w]++
	}
	both := 0
	for _, w := range got {
		if left[w] > 0 {
			left[w]--
			both++
		}
	}
	var s score
	if len(got) > 0 {
		s.precision = float64(both) / float64(len(got))
	}
	if len(want) > 0 {
		s.recall = float64(both) / float64(len(want))
	}
	return s
}

// words splits a text into runs of letters and digits, in lower case. In scripts without spaces between words,
// each letter is a word.
func words(text string) []string {
	var out []string
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			out = append(out, word.String())
			word.Reset()
		}
	}
	for _, r := range strings.ToLower(text) {
		switch {
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai):
			flush()
			out = append(out, string(r))
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
			word.WriteRune(r)
		default:
			flush()
		}
	}
	flush()
	return out
}

// mean returns the mean precision and the mean recall of many pages, with equal weights. The f1 of the result is
// computed from these two means.
func mean(all []score) score {
	var m score
	for _, s := range all {
		m.precision += s.precision / float64(len(all))
		m.recall += s.recall / float64(len(all))
	}
	return m
}
