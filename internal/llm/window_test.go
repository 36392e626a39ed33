package llm

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"legwork/internal/testsite"
)

// TestWindow: the window of a model comes from the configuration, else from the table of names.
func TestWindow(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{
		"gpt-4.1-mini": 1_047_576, "gpt-4o-mini": 128_000, "openai/gpt-4o": 128_000, "gpt-4": 8_192, "gpt-4-0613": 8_192, "gpt-4-turbo": 128_000, "o3-mini": 200_000,
		"claude-sonnet-4-5": 200_000, "us.anthropic.claude-3": 200_000, "gemini-2.5-flash": 1_048_576, "models/gemini-2.5-pro": 1_048_576,
		"llama3.1:8b": 131_072, "llama3:8b": 8_192, "meta-llama/Llama-3.3-70B-Instruct": 131_072, "qwen2.5:7b": 32_768, "mixtral-8x7b": 32_768,
		"scripted": 0, "my-gpt": 0,
	} {
		require.Equal(t, want, knownWindow(name), name)
	}
	s := open(t, OpenAI, testsite.Play(), func(c *Config) { c.Model, c.Window = "gpt-4o", 5000 })
	require.Equal(t, 5000, s.Window())
}

// TestWindowIsLearnt: when a server refuses a request as too long, its words say how long a request may be. The shapes
// are those of OpenAI, vLLM, Anthropic, Google, llama.cpp and LM Studio.
func TestWindowIsLearnt(t *testing.T) {
	t.Parallel()
	for says, want := range map[string]int{
		"This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.":                                   8192,
		"The decoder prompt (length 40000) is longer than the maximum model length of 16384.":                                                   16384,
		"prompt is too long: 208310 tokens > 200000 maximum":                                                                                    200000,
		"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).":                                               1048576,
		"the request exceeds the available context size (4096 tokens), try increasing it":                                                       4096,
		"Trying to keep the first 6000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens": 4096,
		"Please reduce the length of the messages or completion.":                                                                               4000, // four fifths of the request
	} {
		s := open(t, OpenAI, testsite.Play(testsite.Turn{Status: 400, Error: says}))
		_, err := s.Generate(t.Context(), ask(strings.Repeat("word ", 4000)))
		require.Equal(t, TooLong, kind(t, err), says)
		require.InDelta(t, want, s.Window(), 1, says)
		require.Len(t, s.Requests(), 1)
	}
	s := open(t, OpenAI, testsite.Play(testsite.Turn{Status: 400, Error: "maximum context length is 16384 tokens"}), func(c *Config) { c.Window = 8192 })
	_, err := s.Generate(t.Context(), ask("?"))
	require.Equal(t, TooLong, kind(t, err))
	require.Equal(t, 8192, s.Window(), "it only shrinks")
}

// TestCachedTokens: the tokens that a provider took from its cache are counted, whole or streamed.
func TestCachedTokens(t *testing.T) {
	t.Parallel()
	everyProvider(t, func(t *testing.T, provider string) {
		turn := testsite.Turn{Text: "Yes.", In: 1000, Cached: 800, Out: 5}
		s := open(t, provider, testsite.Play(turn, turn))
		for _, stream := range []bool{false, true} {
			r := ask("?")
			if stream {
				r.OnText = func(string) {}
			}
			reply, err := s.Generate(t.Context(), r)
			require.NoError(t, err)
			require.Equal(t, int64(800), reply.Usage.Cached)
			require.Equal(t, int64(1000), reply.Usage.Input)
		}
	})
}

// TestCacheControl: requests to Anthropic mark the beginning of the system message that all tasks have in common, and
// the end of the conversation. The text that the model sees does not change.
func TestCacheControl(t *testing.T) {
	t.Parallel()
	s := open(t, Anthropic, testsite.Play(testsite.Turn{Text: "Yes."}, testsite.Turn{Text: "Yes."}))
	const common, own = "Be brief and exact.", "Today is Monday."
	r := Request{Tools: []Tool{lookup}, Messages: []Message{{Role: System, Text: common + "\n\n" + own, Fixed: len(common)}, {Role: User, Text: "What is a?"},
		{Role: Assistant, Calls: []Call{{ID: "1", Name: "look_up", Arguments: `{"word":"a"}`}}}, {Role: ToolRole, CallID: "1", Tool: "look_up", Text: "A letter."}}}
	_, err := s.Generate(t.Context(), r)
	require.NoError(t, err)
	body := s.Requests()[0].Body
	mark := map[string]any{"type": "ephemeral"}
	require.Equal(t, []any{map[string]any{"type": "text", "text": common, "cache_control": mark}, map[string]any{"type": "text", "text": own}}, body["system"])
	messages := s.Requests()[0].Messages()
	last := messages[len(messages)-1]["content"].([]any)
	require.Equal(t, mark, last[len(last)-1].(map[string]any)["cache_control"])
	require.Equal(t, "A letter.", last[len(last)-1].(map[string]any)["content"])
	require.Equal(t, 2, strings.Count(s.Requests()[0].Raw, "cache_control"))
	_, err = s.Generate(t.Context(), ask("?"))
	require.NoError(t, err, "a request without a system message")
}

// FuzzCacheable: a body of any form is changed without a panic, and JSON stays JSON.
func FuzzCacheable(f *testing.F) {
	f.Add([]byte(`{"system":"abc","messages":[{"role":"user","content":[{"type":"text","text":"x"}]}]}`), 2)
	f.Add([]byte(`{"system":"é","messages":[{"role":"user","content":"x"}]}`), 1)
	f.Fuzz(func(t *testing.T, body []byte, fixed int) {
		require.NotNil(t, cacheable(append([]byte{' '}, body...), fixed))
	})
}

// FuzzWindow: any error text gives a plausible window or none.
func FuzzWindow(f *testing.F) {
	f.Add("maximum context length is 8,192 tokens")
	f.Fuzz(func(t *testing.T, text string) {
		n := windowIn(text)
		require.True(t, n == 0 || n >= minWindow)
	})
}
