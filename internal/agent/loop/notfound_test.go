package loop

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"legwork/internal/agent"
	"legwork/internal/testsite"
)

// TestNotFound: if a model says twice that the pages do not have the answer, the research ends. The answer lists the
// queries and the pages read, and cites nothing.
func TestNotFound(t *testing.T) {
	t.Parallel()
	done := testsite.ToolCall{Name: "done", Arguments: `{"answered": false, "reason": "The manual has no price [1]."}`}
	for name, end := range map[string]testsite.Turn{
		"by a call":             turn(done),
		"by words":              {Text: "NOT FOUND: The manual has no price [1]."},
		"by words after others": {Text: "I looked everywhere.\nNOT FOUND. The manual has no price [1]."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAsking(t, testsite.Play(turn(call("find_in_page", "query", "price of the kettle")), end, end))
			res := a.answered(t)
			require.True(t, res.NotFound)
			require.Empty(t, res.Cited)
			require.InDelta(t, agent.NoConfidence, res.Confidence, 1e-9)
			require.Contains(t, res.Answer, "do not answer the question. The model's reason: The manual has no price.")
			require.Contains(t, res.Answer, "Searched for: “price of the kettle”.")
			require.Contains(t, res.Answer, "- Aurora kettle manual ("+a.site.URL("/index.html")+")")
			require.Len(t, a.server.Requests(), 3, "it is asked to look once more, and no answer is written")
			require.Contains(t, a.lastMessage(2), "try once more")
			task := a.Finished()
			require.False(t, *task.Answered)
			require.Empty(t, task.Citations)
		})
	}
}

// TestNotFoundAtFirst: a model says that the answer cannot be found, but finds it when it is asked to look once more.
// The task gets the answer.
func TestNotFoundAtFirst(t *testing.T) {
	t.Parallel()
	var a *asking
	a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		return testsite.Play(testsite.Turn{Text: "NOT FOUND"}, turn(call("cite", "url", a.site.URL("/index.html"), "quote", "This manual describes the Aurora")),
			testsite.Turn{Text: "DONE"}, testsite.Turn{Text: "It is a manual [1]."})(n, r)
	})
	res := a.answered(t)
	require.False(t, res.NotFound)
	require.Equal(t, "It is a manual [1].", res.Answer)
	require.True(t, *a.Finished().Answered)
}

// TestNotAnswered: while the model writes the answer, it may say that the quotes do not answer the question.
func TestNotAnswered(t *testing.T) {
	t.Parallel()
	var a *asking
	var published strings.Builder
	a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		return testsite.Play(turn(call("cite", "url", a.site.URL("/index.html"), "quote", "This manual describes the Aurora")),
			testsite.Turn{Text: "DONE"}, testsite.Turn{Text: "NOT ANSWERED\n\nThe quotes describe the manual [1], not the price."})(n, r)
	})
	a.publish = func(offset int, text string) {
		if offset == 0 {
			published.Reset()
		}
		published.WriteString(text)
	}
	res := a.answered(t)
	require.True(t, res.NotFound)
	require.True(t, strings.HasPrefix(res.Answer, "The quotes describe the manual [1], not the price.\n\nRead:\n"), res.Answer)
	require.Equal(t, res.Answer, published.String())
	require.InDelta(t, agent.NoConfidence, res.Confidence, 1e-9)
	require.Equal(t, []int{1}, res.Cited)
}

// TestOnlyWordsEnd: a reply that only describes the next step does not end the research. Neither does a reply that was
// cut off at the limit of tokens.
func TestOnlyWordsEnd(t *testing.T) {
	t.Parallel()
	var a *asking
	a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		cite := func(quote string) testsite.Turn {
			return turn(call("cite", "url", a.site.URL("/index.html"), "quote", quote))
		}
		return testsite.Play(cite("This manual describes the Aurora"), testsite.Turn{Text: "Now I will look at the list of changes."},
			testsite.Turn{Text: "The list of changes is at the end, and I am DONE", Stop: "length"}, cite("the list of changes are available"),
			testsite.Turn{Text: "DONE"}, testsite.Turn{Text: "It is so [1][2]."})(n, r)
	})
	require.Equal(t, []int{1, 2}, a.answered(t).Cited)
	require.Contains(t, a.lastMessage(2), "You have 1 verified quotes. Call a tool")
	require.Contains(t, a.lastMessage(3), "reached its limit of length")
}

// TestDoneTooEarly: a model that ends its research in the same reply as a quote that is not kept learns that first.
func TestDoneTooEarly(t *testing.T) {
	t.Parallel()
	var a *asking
	done := testsite.ToolCall{Name: "done", Arguments: `{"answered": true}`}
	a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		page := a.site.URL("/index.html")
		return testsite.Play(turn(quoteCall(page, "This manual describes the Aurora", "a list of all the changes is available"), done),
			turn(quoteCall(page, "the list of changes are available"), done), testsite.Turn{Text: "It is so [1][2]."})(n, r)
	})
	require.Equal(t, []int{1, 2}, a.answered(t).Cited)
	require.Contains(t, a.lastMessage(1), "Not done: a quote of this turn was not kept.")
	require.Len(t, a.server.Requests(), 3)
}
