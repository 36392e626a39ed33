package answertext

import (
	"regexp"
	"strings"
)

var (
	thinking     = regexp.MustCompile(`(?is)<(?:think|thinking|thought|reasoning)>.*?</(?:think|thinking|thought|reasoning)>`)
	thinkingEnd  = regexp.MustCompile(`(?is)^.*</(?:think|thinking|thought|reasoning)>`)
	thinkingOpen = regexp.MustCompile(`(?is)<(?:think|thinking|thought|reasoning)>.*$`)
)

// WithoutThinking leaves out the thoughts of a model, also where one of the tags is missing.
func WithoutThinking(s string) string {
	s = thinking.ReplaceAllString(s, "")
	s = thinkingEnd.ReplaceAllString(s, "")
	return strings.TrimSpace(thinkingOpen.ReplaceAllString(s, ""))
}
