package loop

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"legwork/internal/research"
	"legwork/internal/testsite"
)

// newWriting returns a task whose model cites one quote, and then gives these replies when it is asked for the answer.
func newWriting(t *testing.T, replies ...testsite.Turn) *asking {
	t.Helper()
	var a *asking
	answers := 0
	a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		if len(r.Tools()) == 0 {
			answers++
			return testsite.Play(replies...)(answers-1, r)
		}
		return testsite.Play(turn(call("cite", "url", a.site.URL("/index.html"), "quote", "This manual describes the Aurora")), testsite.Turn{Text: "DONE"})(n, r)
	})
	return a
}

// TestAnswersAreMended: an answer that was cut off is continued, and a reply that is no answer is asked for once more.
// If that does not help, the answer consists of the quotes, and the metadata gives the reason.
func TestAnswersAreMended(t *testing.T) {
	t.Parallel()
	call := testsite.Turn{Text: `<tool_call>{"name": "find_in_page", "arguments": {"query": "kettle"}}</tool_call>`}
	again := testsite.Turn{Text: strings.Repeat("The kettle is a kettle [1]. ", 9)}
	good := testsite.Turn{Text: "It is a manual [1]."}
	const onlyQuotes = "> This manual describes the Aurora"
	for name, tc := range map[string]struct {
		replies []testsite.Turn
		answer  string
		ended   string
	}{
		"cut":                {[]testsite.Turn{{Text: "It is a man", Stop: "length"}, {Text: "ual [1]."}}, "It is a manual [1].", ""},
		"cut too often":      {[]testsite.Turn{{Text: "It is one [1]. It ", Stop: "length"}, {Text: "is two [1]. It ", Stop: "length"}, {Text: "is three [1]. It", Stop: "length"}}, "It is one [1]. It is two [1]. It is three [1].", "limit of length"},
		"cut, then an error": {[]testsite.Turn{{Text: "It is one [1]. It ", Stop: "length"}, {Status: 401, Error: "no"}}, "It is one [1].", "LLM_API_KEY"},
		"a tool call":        {[]testsite.Turn{call, good}, good.Text, ""},
		"only tool calls":    {[]testsite.Turn{call, call}, onlyQuotes, "called tools"},
		"empty":              {[]testsite.Turn{{}, good}, good.Text, ""},
		"repeats":            {[]testsite.Turn{again, good}, good.Text, ""},
		"repeats always":     {[]testsite.Turn{again, again}, onlyQuotes, "repeated itself"},
		"our own marks":      {[]testsite.Turn{{Text: "<page-text-0a1b2c3d>It is [1].</page-text-0a1b2c3d>"}, good}, good.Text, ""},
		"refused":            {[]testsite.Turn{{Status: 401, Error: "no"}}, onlyQuotes, "LLM_API_KEY"},
		"code like a call":   {[]testsite.Turn{{Text: "Call it [1]:\n\nopen(\"a.txt\")"}}, "Call it [1]:\n\nopen(\"a.txt\")", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newWriting(t, tc.replies...)
			var published strings.Builder
			a.publish = func(offset int, text string) {
				if offset == 0 {
					published.Reset()
				}
				published.WriteString(text)
			}
			res := a.answered(t)
			require.Contains(t, res.Answer, tc.answer)
			require.Equal(t, res.Answer, published.String())
			require.Equal(t, []int{1}, res.Cited)
			if tc.ended == "" {
				require.Equal(t, tc.answer, res.Answer)
				require.NotContains(t, res.Metadata, "researchEnded")
			} else {
				require.Contains(t, res.Metadata["researchEnded"], tc.ended)
			}
			require.Equal(t, tc.ended != "", res.Metadata["partial"])
		})
	}
}

// TestLastTry: a transient failure of the model fails the try if further tries are left. In the last try the answer
// consists of the quotes.
func TestLastTry(t *testing.T) {
	t.Parallel()
	for _, last := range []bool{false, true} {
		a := newWriting(t, testsite.Turn{Status: 429, RetryAfter: "3600", Error: "later"})
		env := a.Env()
		env.LastTry = last
		res, err := Ask(t.Context(), env, a.model, a.limits)
		if last {
			require.NoError(t, err)
			require.Equal(t, true, res.Metadata["partial"])
			require.Contains(t, res.Answer, "> This manual describes the Aurora")
			a.Complete(res)
			continue
		}
		f := &research.Failure{}
		require.ErrorAs(t, err, &f)
		require.True(t, f.Transient)
		a.Fail(f)
	}
}

// TestNoTokensLeft: an answer is neither continued nor asked for again when the tokens of the task are used up.
func TestNoTokensLeft(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"It is one [1]. It ": "It is one [1].", strings.Repeat("The kettle is a kettle [1]. ", 9): "> This manual describes the Aurora"} {
		a := newWriting(t, testsite.Turn{Text: text, Stop: "length", In: 5000})
		a.limits.MaxTokens = 2000
		res := a.answered(t)
		require.Contains(t, res.Answer, want)
		require.Equal(t, true, res.Metadata["partial"])
	}
}
