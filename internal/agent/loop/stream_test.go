package loop

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"legwork/internal/agent/agenttest"
	"legwork/internal/llm"
	"legwork/internal/testsite"
)

// TestAnswerIsPublished: the answer is published while the model writes it. After a try that failed in the middle, it is
// published again from the beginning. A run that takes its answer from the journal publishes it at once.
func TestAnswerIsPublished(t *testing.T) {
	t.Parallel()
	const reply = "It is 100 degrees Celsius by default [2]. The network takes eight clients [1][7]. This is all."
	const answer = "It is 100 degrees Celsius by default [1]. The network takes eight clients [2]. This is all."
	turns := func(url func(string) string) []testsite.Turn {
		all := tenSteps(url)
		return append(all[:len(all)-1], testsite.Turn{Text: reply, StreamFail: "overloaded"}, testsite.Turn{Text: reply})
	}
	for name, start := range map[string]func(testing.TB, testsite.Script) *testsite.LLM{"openai": testsite.OpenAI, "anthropic": testsite.Anthropic} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			script, change := lazily(turns)
			a := newAsking(t, script, change)
			a.server = start(t, script)
			var err error
			a.model, err = llm.Open(t.Context(), llm.Config{Provider: name, BaseURL: a.server.BaseURL(), Model: "scripted", Backoff: time.Millisecond})
			require.NoError(t, err)
			h := &agenttest.Listener{T: t}
			a.publish = h.Emit
			res := a.answered(t)
			require.Equal(t, answer, res.Answer)
			require.Equal(t, answer, string(h.Text))
			require.Equal(t, 2, h.Began, "the try that failed had begun")
			require.Greater(t, h.Pieces, 8)
			require.Len(t, h.Text, h.Most, "it begins anew with the next try, not in the end")
		})
	}
}

// TestAnswerIsCleaned: the answer does not contain the text that a model puts around it, nor anything that would make a
// browser load or open something.
func TestAnswerIsCleaned(t *testing.T) {
	t.Parallel()
	var a *asking
	a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		return testsite.Play(turn(call("cite", "url", a.site.URL("/index.html"), "quote", "This manual describes the Aurora")), testsite.Turn{Text: "DONE"},
			testsite.Turn{Text: "```markdown\nIt is [a manual](" + a.site.URL("/index.html") + ") (1), <b>really</b>" +
				" ![x](https://evil.example/?q=1) as [others](https://evil.example/) say.\n```"})(n, r)
	})
	res := a.answered(t)
	require.Equal(t, "It is [a manual]("+a.site.URL("/index.html")+") [1], really  as others say.", res.Answer)
	require.Equal(t, []int{1}, res.Cited)
}
