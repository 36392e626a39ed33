package agent

import (
	"regexp"
	"strings"
)

var (
	thinking     = regexp.MustCompile(`(?is)<(?:think|thinking|thought|reasoning)>.*?</(?:think|thinking|thought|reasoning)>`)
	thinkingEnd  = regexp.MustCompile(`(?is)^.*</(?:think|thinking|thought|reasoning)>`)
	thinkingOpen = regexp.MustCompile(`(?is)<(?:think|thinking|thought|reasoning)>.*$`)
)

// withoutThinking leaves out what a model says to itself, also where one of the tags is missing.
func withoutThinking(s string) string {
	s = thinking.ReplaceAllString(s, "")
	s = thinkingEnd.ReplaceAllString(s, "")
	return strings.TrimSpace(thinkingOpen.ReplaceAllString(s, ""))
}
