package loop

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"legwork/internal/agent/agenttest"
	"legwork/internal/testsite"
)

// TestFollowUps runs three tasks, each a follow-up of the one before. Each task starts with the question, answer and
// evidence of its parent. It may answer without a quote of its own, and keeps its citations when the other tasks are
// deleted.
func TestFollowUps(t *testing.T) {
	t.Parallel()
	var a *asking
	a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		switch {
		case len(r.Tools()) == 0 && strings.Contains(r.Raw, "kettle networked"):
			return testsite.Turn{Text: "Yes, it is networked [1]."}
		case len(r.Tools()) == 0 && strings.Contains(r.Raw, "And then"):
			return testsite.Turn{Text: "So says its manual [1]."}
		case len(r.Tools()) == 0:
			return testsite.Turn{Text: "It is a kettle [1]."}
		case n == 0:
			return turn(call("cite", "url", a.site.URL("/index.html"), "quote", "This manual describes the Aurora networked kettle"))
		}
		return testsite.Turn{Text: "DONE"}
	})
	a.answered(t)
	first := a.Work
	parent := first.Sound(t)
	o := agenttest.Options()
	a.Work = a.Follow(&parent, "Is that kettle networked?", o)
	res := a.answered(t)
	require.Equal(t, "Yes, it is networked [1].", res.Answer)
	require.Equal(t, 0, res.Metadata["pagesRead"])
	second := a.Work
	child := second.Sound(t)
	require.Zero(t, child.Usage.Pages, "what the parent read was not read again")
	asked := a.server.Requests()[3].Raw
	for _, want := range []string{kettle, "It is a kettle [1].", "This manual describes the Aurora networked kettle", "This is a follow-up"} {
		require.Contains(t, asked, want)
	}
	a.Work = a.Follow(&child, "And then?", o)
	a.answered(t)
	third := a.Work
	require.Contains(t, fmt.Sprint(a.server.Requests()[5].Messages()), kettle, "the whole chain of questions is told")
	first.Remove()
	second.Remove()
	require.Equal(t, parent.Citations[0].Excerpt, third.Sound(t).Citations[0].Excerpt)
}
