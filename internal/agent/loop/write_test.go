package loop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"legwork/internal/agent/conversation"
	"legwork/internal/agent/modelcalls"
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
		"withheld":           {[]testsite.Turn{{Text: "It is", Stop: "content_filter"}, good}, good.Text, ""},
		"withheld always":    {[]testsite.Turn{{Text: "It is", Stop: "content_filter"}, {Text: "It is one [1]. It", Stop: "content_filter"}}, "It is one [1].", "withheld"},
		"no system messages": {[]testsite.Turn{{Status: 400, Error: "System role not supported"}, good}, good.Text, ""},
		"refused twice":      {[]testsite.Turn{{Status: 400, Error: "no"}, {Status: 400, Error: "no"}}, onlyQuotes, "refused the request"},
		"too long":           {[]testsite.Turn{{Status: 400, Error: "maximum context length"}, good}, good.Text, ""},
		"repeats at the end": {[]testsite.Turn{again, {Text: "It is one [1]. It is two [1]. It is three [1]. " + again.Text}}, "It is one [1]. It is two [1]. It is three [1]. The kettle is a kettle [1].", "repeated itself"},
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

// TestCircles: an answer that goes in circles is cut off while it is streamed, and asked for once more.
func TestCircles(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"sentences": strings.Repeat("The kettle is a kettle [1]. ", 200),
		"words":     strings.Repeat("and the kettle, ", 400),
		"letters":   strings.Repeat("ha", 2000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			never := make(chan struct{}) // the second half does not come before the client disconnects
			a := newWriting(t, testsite.Turn{Text: text, Halfway: never}, testsite.Turn{Text: "It is a manual [1]."})
			res := a.answered(t)
			require.Equal(t, "It is a manual [1].", res.Answer)
			require.Equal(t, false, res.Metadata["partial"])
		})
	}
}

// TestTimeBudgetHolds: the time budget holds for the whole task. When a server stalls, the task ends with the budget: with
// the sentences that have arrived, or else with the quotes.
func TestTimeBudgetHolds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply testsite.Turn
		want  string
	}{
		"no reply": {testsite.Turn{Hang: true}, "> This manual describes the Aurora"},
		"stalls":   {testsite.Turn{Text: "It is a manual [1]. It is about a kettle [1]. And there is more to come.", Halfway: make(chan struct{})}, "It is a manual [1]."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var a *asking
			a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
				switch {
				case len(r.Tools()) == 0:
					return tc.reply
				case n == 0:
					return turn(call("cite", "url", a.site.URL("/index.html"), "quote", "This manual describes the Aurora"))
				}
				return testsite.Turn{Hang: true}
			}, func(a *asking, o *research.Options) { o.TimeBudget, a.limits.Support = 3*time.Second, true })
			began := time.Now()
			res := a.answered(t)
			require.Less(t, time.Since(began), modelcalls.AnswerTime+3*time.Second)
			require.Contains(t, res.Answer, tc.want)
			require.Equal(t, true, res.Metadata["partial"])
			require.Equal(t, "timeBudget", res.Metadata["budget"])
			require.Equal(t, "the time budget ended while the answer was written", res.Metadata["researchEnded"])
			require.Len(t, a.server.Requests(), 3, "no call is made after the budget")
		})
	}
}

// TestTokenMargin: a task never uses more tokens than its budget and modelcalls.TokenMargin, even if each request is as large as it
// may be and each answer is cut off.
func TestTokenMargin(t *testing.T) {
	t.Parallel()
	for _, most := range []int64{20_000, 80_000, 150_000} {
		var a *asking
		used := int64(0)
		n := 0
		a = newAsking(t, func(_ int, r testsite.ModelRequest) testsite.Turn {
			n++
			reply := testsite.Turn{Text: fmt.Sprintf("Sentence %d of the answer is not the last one [1]. ", n), Stop: "length", Out: answerTokens}
			if len(r.Tools()) > 0 {
				reply = turn(call("get_page_content_chunk", "url", a.site.URL("/long"), "chunk", fmt.Sprint(n)),
					quoteCall(a.site.URL("/long"), fmt.Sprintf("Line %d of the long page", 10*n)))
				reply.Out = conversation.DefaultOutput
			}
			reply.In = len(r.Raw) / 2
			used += int64(reply.In + reply.Out)
			return reply
		}, func(a *asking, o *research.Options) {
			a.site.Page("/long", longPage(4000))
			o.SeedURL, o.MaxTokens, a.limits.Support = a.site.URL("/long"), most, true
		})
		res := a.answered(t)
		require.Equal(t, "maxTokens", res.Metadata["budget"])
		require.Equal(t, used, res.Metadata["tokens"])
		require.LessOrEqual(t, used, most+modelcalls.TokenMargin)
		require.Greater(t, used, most-most/8, "the budget was used")
	}
}

// longPage returns a page with lines that are all different.
func longPage(lines int) string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html><html><head><title>Long</title></head><body><main><h1>Long</h1>")
	for i := range lines {
		if i%100 == 0 {
			fmt.Fprintf(&b, "<h2 id=\"part-%d\">Part %d</h2>", i/100, i/100)
		}
		fmt.Fprintf(&b, "<p>Line %d of the long page says that number %d is a number like any other, and no more than that.</p>", i, i*i)
	}
	return b.String() + "</main></body></html>"
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
