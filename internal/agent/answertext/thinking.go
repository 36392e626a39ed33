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

// gpt-oss writes replies in the Harmony format, which has channels: the thoughts are in the channel analysis, and the
// reply is in the channel final.
var (
	finalChannel = regexp.MustCompile(`(?s)^.*<\|channel\|>final[^<]*<\|message\|>`)
	analysis     = regexp.MustCompile(`(?s)<\|channel\|>analysis[^<]*<\|message\|>.*?(?:<\|end\|>|$)(?:<\|start\|>assistant)?`)
	endToken     = regexp.MustCompile(`<\|(?:end|return|eot_id|eom_id|im_end|endoftext)\|>\s*$`)
)

// WithoutThinking removes a model's thoughts, even if one of their tags is missing, and the tokens that end the model's
// turn.
func WithoutThinking(s string) string {
	if strings.Contains(s, "<|") {
		s = finalChannel.ReplaceAllString(s, "")
		s = endToken.ReplaceAllString(analysis.ReplaceAllString(s, ""), "")
	}
	s = thinking.ReplaceAllString(s, "")
	s = thinkingEnd.ReplaceAllString(s, "")
	return strings.TrimSpace(thinkingOpen.ReplaceAllString(s, ""))
}
