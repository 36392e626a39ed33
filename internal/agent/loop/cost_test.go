package loop

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"legwork/internal/agent/modelcalls"
	"legwork/internal/agent/price"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

func citing(a **asking) testsite.Script {
	return func(n int, r testsite.ModelRequest) testsite.Turn {
		switch {
		case strings.Contains(r.Raw, "judge whether the quote supports"):
			return testsite.Turn{Text: `[{"pair": 1, "verdict": "supported"}]`}
		case len(r.Tools()) == 0:
			return testsite.Turn{Text: "It is a manual [1]."}
		case n == 0:
			return turn(call("cite", "url", (*a).site.URL("/index.html"), "quote", "This manual describes the Aurora"))
		}
		return testsite.Turn{Text: "DONE"}
	}
}

// TestCost: the step and the event of each model reply have the cost of the reply, and the task has the sum.
func TestCost(t *testing.T) {
	t.Parallel()
	var a *asking
	a = newAsking(t, citing(&a), func(a *asking, _ *research.Options) {
		a.limits.Prices = price.List{{Model: "gpt-*", Input: 1, Output: 1, Cached: 1}, {Model: "script*", Input: 2, Output: 10, Cached: 2}, {Model: "*", Input: 100, Output: 100, Cached: 100}}
	})
	res := a.answered(t)
	const each = (100*2 + 10*10) / 1e6
	require.InDelta(t, 3*each, res.Metadata["costUsd"], 1e-12)
	require.Equal(t, int64(300), res.Metadata["inputTokens"])
	task := a.Finished()
	require.NotNil(t, task.Usage.CostUSD)
	require.InDelta(t, 3*each, *task.Usage.CostUSD, 1e-12)
	var sum float64
	require.NoError(t, a.Store.Pool().QueryRow(t.Context(), `SELECT sum(cost_usd) FROM steps WHERE kind = 'model' AND task_id = $1`, a.Task.ID).Scan(&sum))
	require.InDelta(t, 3*each, sum, 1e-12)
	told := 0
	for _, thought := range a.Thoughts {
		var e struct {
			Metadata struct {
				InputTokens int64
				CostUsd     float64
			}
		}
		require.NoError(t, json.Unmarshal([]byte(thought), &e))
		if e.Metadata.InputTokens == 100 && e.Metadata.CostUsd == each {
			told++
		}
	}
	require.Equal(t, 3, told)

	a = newAsking(t, citing(&a), func(a *asking, _ *research.Options) {
		a.limits.Prices = price.List{{Model: "gpt-*", Input: 1, Output: 1, Cached: 1}}
	})
	require.NotContains(t, a.answered(t).Metadata, "costUsd", "no price, no cost")
	require.Nil(t, a.Finished().Usage.CostUSD)
}

// TestMaxTokens: research ends at the token budget of the task or of the server, whichever is lower.
func TestMaxTokens(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		own, server int64
		cut         bool
	}{"own": {1000, 0, true}, "server's": {0, 1000, true}, "own below": {1000, 1e6, true}, "server's below": {1e6, 1000, true}, "enough": {1e6, 0, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var a *asking
			play := citing(&a)
			a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
				reply := play(n, r)
				if reply.Text == "DONE" && n < 3 {
					reply = turn(call("find_in_page", "query", strings.Repeat("kettle ", n)))
				}
				reply.In = 450
				return reply
			}, func(a *asking, o *research.Options) { o.MaxTokens, a.limits.MaxTokens = tc.own, tc.server })
			res := a.answered(t)
			require.Equal(t, "It is a manual [1].", res.Answer)
			require.Equal(t, tc.cut, res.Metadata["partial"])
			if tc.cut {
				require.Equal(t, "maxTokens", res.Metadata["budget"])
				require.Len(t, a.server.Requests(), 3)
			}
		})
	}
}

// TestSupport: verdicts are stored with the citations and change the confidence. If the verdicts cannot be used, the
// citations stay unchecked.
func TestSupport(t *testing.T) {
	t.Parallel()
	confidence := map[string]float64{}
	for _, tc := range []struct{ reply, want string }{
		{`[{"pair": 1, "verdict": "supported"}]`, research.Supported},
		{"```json\n{\"verdicts\": [{\"pair\": \"1\", \"verdict\": \"Partial\"}]}\n```", research.Partial},
		{"Pair 1: supported", research.Supported},
		{`[{"pair": 1, "verdict": "splendid"}]`, research.Unchecked},
		{`[{"pair": 7, "verdict": "supported"}]`, research.Unchecked},
		{"", research.Unchecked},
		{"fails", research.Unchecked},
	} {
		var a *asking
		play := citing(&a)
		a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
			if strings.Contains(r.Raw, "judge whether the quote supports") {
				if tc.reply == "fails" {
					return testsite.Turn{Status: 400, Error: "no"}
				}
				return testsite.Turn{Text: tc.reply}
			}
			return play(n, r)
		}, func(a *asking, _ *research.Options) { a.limits.Support = true })
		res := a.answered(t)
		require.Equal(t, tc.want, a.Finished().Citations[0].Support, tc.reply)
		require.Equal(t, 1, res.Metadata["support"].(map[string]int)[tc.want], tc.reply)
		confidence[tc.want] = res.Confidence
	}
	require.Greater(t, confidence[research.Supported], confidence[research.Partial])
	require.Equal(t, confidence[research.Supported], confidence[research.Unchecked])
}

// TestSupportResumed: the reply with the verdicts is journaled, so a resumed run does not ask for it again.
func TestSupportResumed(t *testing.T) {
	t.Parallel()
	var a *asking
	a = newAsking(t, citing(&a), func(a *asking, _ *research.Options) { a.limits.Support = true })
	a.AfterRecord = func(s research.Step) error {
		if strings.Contains(string(s.Args), modelcalls.ForSupport) {
			return research.ErrFenced
		}
		return nil
	}
	_, err := a.run(t.Context())
	require.ErrorIs(t, err, research.ErrFenced)
	a.AfterRecord = nil
	a.answered(t)
	require.Len(t, a.server.Requests(), 4)
	require.Equal(t, research.Supported, a.Finished().Citations[0].Support)
}

// TestCachedTokens: tokens that the provider took from its cache are stored, have their own price, and are a part of the
// task's usage.
func TestCachedTokens(t *testing.T) {
	t.Parallel()
	var a *asking
	play := citing(&a)
	a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		reply := play(n, r)
		reply.In, reply.Cached = 1000, 800
		return reply
	}, func(a *asking, _ *research.Options) {
		a.limits.Prices = price.List{{Model: "script*", Input: 2, Output: 10, Cached: 0.5}}
	})
	res := a.answered(t)
	const each = (200*2 + 800*0.5 + 10*10) / 1e6
	require.InDelta(t, 3*each, res.Metadata["costUsd"], 1e-12)
	require.Equal(t, int64(2400), res.Metadata["cachedTokens"])
	require.Equal(t, int64(2400), a.Finished().Usage.CachedTokens)
	var sum int64
	require.NoError(t, a.Store.Pool().QueryRow(t.Context(), `SELECT cached_tokens FROM task_usage WHERE task_id = $1`, a.Task.ID).Scan(&sum))
	require.Equal(t, int64(2400), sum)
}
