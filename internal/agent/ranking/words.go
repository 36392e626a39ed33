package ranking

import (
	"legwork/internal/words"
)

// exact returns the key of the term for a whole name. The words of the name are terms of their own.
func exact(lower string) string { return "=" + lower }

// WordsOf returns the set of words and names in a text, in lower case.
func WordsOf(s string) map[string]bool {
	m := map[string]bool{}
	for _, t := range words.Split(s) {
		m[t.Lower()] = true
	}
	return m
}
