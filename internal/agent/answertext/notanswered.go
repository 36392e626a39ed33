package answertext

import (
	"regexp"
	"strings"
)

var notAnswered = regexp.MustCompile(`(?i)^[\s*_#>"'` + "`" + `]*not[ _]answered\b[\s*_:.!"'` + "`" + `]*`)

// NotAnswered reports whether a model's text begins with the words NOT ANSWERED, which mean that the quotes do not
// answer the question. rest is the text without these words.
func NotAnswered(text string) (rest string, ok bool) {
	m := notAnswered.FindString(text)
	return strings.TrimSpace(text[len(m):]), m != ""
}
