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

// WithoutThinking removes the thoughts of a model, even if one of their tags is missing.
func WithoutThinking(s string) string {
	s = thinking.ReplaceAllString(s, "")
	s = thinkingEnd.ReplaceAllString(s, "")
	return strings.TrimSpace(thinkingOpen.ReplaceAllString(s, ""))
}
