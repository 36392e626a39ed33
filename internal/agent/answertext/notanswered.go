package answertext

import (
	"regexp"
	"strings"
)

var notAnswered = regexp.MustCompile(`(?i)^[\s*_#>"'` + "`" + `]*not[ _]answered\b[\s*_:.!"'` + "`" + `]*`)

// NotAnswered reports whether a model says, by the words NOT ANSWERED at the beginning, that its quotes do not answer the question. rest
// is the text without these words.
func NotAnswered(text string) (rest string, ok bool) {
	m := notAnswered.FindString(text)
	return strings.TrimSpace(text[len(m):]), m != ""
}
