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

// The channels of the Harmony form, which gpt-oss writes: thoughts are in the channel analysis, the reply is in the channel final.
var (
	finalChannel = regexp.MustCompile(`(?s)^.*<\|channel\|>final[^<]*<\|message\|>`)
	analysis     = regexp.MustCompile(`(?s)<\|channel\|>analysis[^<]*<\|message\|>.*?(?:<\|end\|>|$)(?:<\|start\|>assistant)?`)
	endToken     = regexp.MustCompile(`<\|(?:end|return|eot_id|eom_id|im_end|endoftext)\|>\s*$`)
)

// WithoutThinking removes the thoughts of a model, even if one of their tags is missing, and the tokens that end its turn.
func WithoutThinking(s string) string {
	if strings.Contains(s, "<|") {
		s = finalChannel.ReplaceAllString(s, "")
		s = endToken.ReplaceAllString(analysis.ReplaceAllString(s, ""), "")
	}
	s = thinking.ReplaceAllString(s, "")
	s = thinkingEnd.ReplaceAllString(s, "")
	return strings.TrimSpace(thinkingOpen.ReplaceAllString(s, ""))
}
