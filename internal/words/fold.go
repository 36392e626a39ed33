package words

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold returns a word in the form in which words are compared: normalisation form KC with case folded, and the
// apostrophe of typewriters.
func Fold(s string) string {
	if ascii(s) {
		return strings.ToLower(s)
	}
	return strings.ReplaceAll(norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s))), "’", "'")
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
