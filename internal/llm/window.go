package llm

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
)

// windows lists how many tokens models take, input and output together. A name may have the maker before a slash. The
// first entry that fits counts. Servers of one's own often allow less than the model could take; their errors say so.
var windows = []struct {
	name   *regexp.Regexp
	tokens int
}{
	{modelName(`gpt-4\.1`), 1_047_576},
	{modelName(`gpt-5`), 400_000},
	{modelName(`o[134]\b`), 200_000},
	{modelName(`gpt-4o|chatgpt-4o|gpt-4-turbo|gpt-4-1106|gpt-4-0125`), 128_000},
	{modelName(`gpt-4\b`), 8_192},
	{modelName(`gpt-3\.5-turbo-instruct`), 4_096},
	{modelName(`gpt-3\.5`), 16_385},
	{modelName(`gpt-oss`), 131_072},
	{modelName(`claude`), 200_000},
	{modelName(`gemini-1\.0|gemini-pro\b`), 32_760},
	{modelName(`gemini`), 1_048_576},
	{modelName(`gemma-?2`), 8_192},
	{modelName(`gemma-?3`), 32_768}, // the smallest one; the larger ones take more
	{modelName(`(?:meta-)?llama-?3\.[1-9]|llama-?4`), 131_072},
	{modelName(`(?:meta-)?llama-?3\b`), 8_192},
	{modelName(`(?:meta-)?llama-?2`), 4_096},
	{modelName(`mistral-large|mistral-small|mistral-nemo|devstral|magistral`), 128_000},
	{modelName(`mi[sx]tral|codestral`), 32_768},
	{modelName(`qwen`), 32_768},
	{modelName(`deepseek`), 65_536},
	{modelName(`phi-?3|phi-?4`), 16_384},
}

func modelName(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:^|[/.])(?:` + pattern + `)`)
}

// knownWindow returns the window of a model by its name, or 0.
func knownWindow(model string) int {
	for _, w := range windows {
		if w.name.MatchString(model) {
			return w.tokens
		}
	}
	return 0
}

// minWindow is the least number of tokens that a learnt window may have. A lower number in an error means something else.
const minWindow = 1024

// saysWindow finds the size of the window in the errors of OpenAI, Azure, vLLM, Anthropic, Google, llama.cpp, LM Studio
// and Ollama.
var saysWindow = []*regexp.Regexp{
	regexp.MustCompile(`"n_ctx"\s*:\s*(\d+)`),
	regexp.MustCompile(`(?i)maximum (?:context|model) length[^0-9.]{0,40}?(\d[\d,]*)`),
	regexp.MustCompile(`(?i)tokens? > ([\d,]+) maximum`),
	regexp.MustCompile(`(?i)maximum number of (?:input )?tokens allowed[^0-9.]{0,10}([\d,]+)`),
	regexp.MustCompile(`(?i)context[ _](?:size|window|length)[^0-9.]{0,40}?(\d[\d,]*)`),
}

// windowIn returns the size of the window that an error names, or 0.
func windowIn(body string) int {
	for _, says := range saysWindow {
		if m := says.FindStringSubmatch(body); m != nil {
			if n, err := strconv.Atoi(strings.ReplaceAll(m[1], ",", "")); err == nil && n >= minWindow {
				return n
			}
		}
	}
	return 0
}

// Window implements Model.
func (c *Client) Window() int {
	return cmp.Or(int(c.learnt.Load()), c.cfg.Window, knownWindow(c.cfg.Model))
}

// learnWindow records the size of the window that a refusal names. If it names none, the window must be smaller than the
// request was, so it records four fifths of that. The window only ever shrinks.
func (c *Client) learnWindow(refusal string, r Request) {
	n := cmp.Or(windowIn(brief([]byte(refusal))), windowIn(refusal))
	if n == 0 {
		n = max(minWindow, int(estimate(r, Reply{}).Input)*4/5)
	}
	for {
		old := c.learnt.Load()
		if now := c.Window(); now > 0 && n >= now {
			return
		}
		if c.learnt.CompareAndSwap(old, int64(n)) {
			return
		}
	}
}
