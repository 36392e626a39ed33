package loop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"legwork/internal/agent"
	"legwork/internal/agent/agenttest"
	"legwork/internal/agent/modelcalls"
	"legwork/internal/agent/prompts"
	"legwork/internal/agent/reader"
	"legwork/internal/agent/toolcalls"
	"legwork/internal/llm"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// asking is a task that a scripted model researches, with a test site that it can read.
type asking struct {
	*agenttest.Work
	site    *testsite.Site
	server  *testsite.LLM
	model   *llm.Client
	limits  modelcalls.Limits
	publish func(offset int, text string)
}

const kettle = "What does boil_temperature default to on the Aurora kettle?"

func newAsking(t *testing.T, script testsite.Script, change ...func(a *asking, o *research.Options)) *asking {
	t.Helper()
	a := &asking{site: testsite.Start(t), server: testsite.OpenAI(t, script)}
	o := agenttest.Options()
	o.SeedURL = a.site.URL("/index.html")
	for _, f := range change {
		f(a, &o)
	}
	var err error
	a.model, err = llm.Open(t.Context(), llm.Config{Provider: llm.OpenAI, BaseURL: a.server.BaseURL(), Model: "scripted", Backoff: time.Millisecond})
	require.NoError(t, err)
	a.Work = agenttest.New(t, reader.Read, reader.Pin()).Submit(kettle, o)
	return a
}

// run makes one run of the task and ends it as package jobs would.
func (a *asking) run(ctx context.Context) (research.Result, error) {
	a.T.Helper()
	env := a.Env()
	env.PublishFragment = a.publish
	env.Page = func(ctx context.Context, id string) (research.Page, error) {
		return a.Store.For(research.DefaultAccount).Page(ctx, id)
	}
	res, err := Ask(ctx, env, a.model, a.limits)
	var failure *research.Failure
	switch {
	case err == nil:
		a.Complete(res)
	case errors.As(err, &failure) && !failure.Transient:
		a.Fail(failure)
	default:
		a.Requeue()
	}
	return res, err
}

func (a *asking) answered(t *testing.T) research.Result {
	t.Helper()
	res, err := a.run(t.Context())
	require.NoError(t, err)
	return res
}

// lastMessage returns the text of the last message of the n-th request, counted from 0.
func (a *asking) lastMessage(n int) string {
	a.T.Helper()
	m := a.server.Requests()[n].Messages()
	s, _ := m[len(m)-1]["content"].(string)
	return s
}

func call(name string, args ...string) testsite.ToolCall {
	m := map[string]string{}
	for i := 0; i < len(args); i += 2 {
		m[args[i]] = args[i+1]
	}
	raw, _ := json.Marshal(m)
	return testsite.ToolCall{Name: name, Arguments: string(raw)}
}

func turn(calls ...testsite.ToolCall) testsite.Turn { return testsite.Turn{Calls: calls} }

// lazily returns a script that is built at its first use, because the addresses of the site are not known before.
func lazily(turns func(url func(string) string) []testsite.Turn) (testsite.Script, func(a *asking, o *research.Options)) {
	var site *testsite.Site
	return func(n int, r testsite.ModelRequest) testsite.Turn { return testsite.Play(turns(site.URL)...)(n, r) },
		func(a *asking, _ *research.Options) { site = a.site }
}

// tenSteps is a script of eight replies of the model. The first six make ten calls. Three of these calls fail: one
// names a tool that does not exist, one cites a quote that is not on the page, and one cites without a quote. The
// seventh reply ends the research, and the eighth is the answer. No call opens the start page, because the run itself
// opens it.
func tenSteps(url func(string) string) []testsite.Turn {
	heating, network := url("/manual/settings-heating.html"), url("/manual/settings-network.html")
	return []testsite.Turn{
		{Text: "I look at the links.", Calls: []testsite.ToolCall{call("extract_links_from_page", "url", url("/index.html"), "contains", "heating")}},
		turn(call("navigate_to", "url", heating), call("navigate_to", "url", network), call("juggle", "balls", "3")),
		turn(call("find_in_page", "query", "boil_temperature default"), call("get_page_content", "url", heating)),
		turn(call("cite", "url", heating, "quote", "It boils at ninety degrees, as a rule"), call("cite", "url", heating)),
		turn(call("cite", "url", heating, "quote", "boil_temperature")),
		turn(call("cite", "url", network, "quote", "max_clients")),
		{Text: "DONE"},
		{Text: "It is 100 degrees Celsius by default [1]. The network takes eight clients [2][7]. This is all."},
	}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	script, change := lazily(tenSteps)
	a := newAsking(t, script, change)
	res := a.answered(t)
	require.Equal(t, "It is 100 degrees Celsius by default [1]. The network takes eight clients [2]. This is all.", res.Answer)
	require.Equal(t, []int{1, 2}, res.Cited)
	for k, v := range map[string]any{"languageModel": true, "provider": "openai", "model": "scripted", "promptVersion": prompts.Version, "partial": false,
		"pagesRead": 3, "unsupportedSentences": 1, "invalidMarkers": 1, "evidence": 2} {
		require.Equal(t, v, res.Metadata[k], k)
	}
	require.Greater(t, res.Confidence, 0.5)
	require.Less(t, res.Confidence, 1.0)
	require.Contains(t, a.lastMessage(2), "no such tool")
	require.Contains(t, a.lastMessage(4), `"quotes" is missing`)

	first := a.server.Requests()[0]
	require.Equal(t, []string{agent.ToolSearch, agent.ToolNavigate, agent.ToolChunk, agent.ToolLinks, agent.ToolFind, agent.ToolCite, agent.ToolUncite, agent.ToolNote, toolcalls.Done}, first.Tools())
	require.Contains(t, first.Raw, time.Now().UTC().Format("2006"))
	require.Contains(t, first.Raw, "20 pages, 3 links")
	require.Contains(t, first.Raw, "page-text-")
	last := a.server.Requests()[7]
	require.Empty(t, last.Tools(), "the answer is written from the quotes alone")
	require.Contains(t, last.Raw, "boil_temperature")

	task := a.Finished()
	require.Equal(t, research.Completed, task.Status)
	require.Len(t, task.Citations, 2)
	for _, c := range task.Citations {
		p, err := a.Store.For(research.DefaultAccount).Page(t.Context(), c.PageID)
		require.NoError(t, err)
		require.Equal(t, string([]rune(p.Text)[c.Start:c.End]), c.Excerpt)
	}
	require.Equal(t, 8, task.Usage.ModelCalls)
	require.Positive(t, task.Usage.InputTokens)
}

// TestResume stops each run after it has recorded one step, and continues with the next run. Together the runs make the
// same calls and give the same answer as one undisturbed run.
func TestResume(t *testing.T) {
	t.Parallel()
	script, change := lazily(tenSteps)
	undisturbed := newAsking(t, script, change)
	want := undisturbed.answered(t)
	steps := undisturbed.Recorded
	require.Greater(t, steps, 12)

	for _, before := range []bool{false, true} {
		t.Run(fmt.Sprintf("before=%t", before), func(t *testing.T) {
			t.Parallel()
			script, change := lazily(tenSteps)
			a := newAsking(t, script, change)
			// Each run ends after it has recorded one step.
			a.AfterRecord = func(research.Step) error { return research.ErrFenced }
			runs := 0
			var res research.Result
			for {
				runs++
				var err error
				if res, err = a.run(t.Context()); err == nil {
					break
				}
				require.ErrorIs(t, err, research.ErrFenced)
				require.Less(t, runs, 50)
				if before {
					a.Spent += time.Second
				}
			}
			require.Equal(t, steps+1, runs)
			require.Equal(t, steps, a.Recorded)
			require.Len(t, a.server.Requests(), len(undisturbed.server.Requests()), "no model call is made twice")
			require.Len(t, a.Effects, len(undisturbed.Effects), "no tool call is made twice")
			require.Equal(t, want, res)
			require.Equal(t, messagesOf(undisturbed), messagesOf(a), "a resumed run shows the model the same")
			require.Len(t, a.refusals(), len(undisturbed.refusals()), "what was refused is told once")
		})
	}
}

// secondsLeft matches what the model is told about its time.
var secondsLeft = regexp.MustCompile(`\d+ seconds`)

// today matches a date as prompts write it.
var today = regexp.MustCompile(`(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d+ [A-Z][a-z]+ \d{4}`)

// messagesOf returns the bodies of the requests to the model. Addresses, task ids and the date are replaced, because a
// test may run across midnight.
func messagesOf(a *asking) []string {
	var out []string
	for _, r := range a.server.Requests() {
		s := strings.ReplaceAll(r.Raw, a.site.Host(), "SITE")
		s = secondsLeft.ReplaceAllString(today.ReplaceAllString(s, "TODAY"), "N seconds")
		out = append(out, strings.ReplaceAll(s, prompts.Mark(a.Task.ID), "MARK"))
	}
	return out
}

// refusals returns the stored tool results that do not belong to a tool call.
func (a *asking) refusals() []string {
	a.T.Helper()
	rows, err := a.Store.Pool().Query(a.T.Context(), `SELECT body::text FROM task_events WHERE task_id = $1 AND type = 'agent:tool_result' AND body::jsonb->'metadata' IS NULL`, a.Task.ID)
	require.NoError(a.T, err)
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		require.NoError(a.T, rows.Scan(&s))
		out = append(out, s)
	}
	return out
}

// TestReplyNotJournaled: if a run ends after a model's reply but before the reply is journaled, the next run repeats
// only this model call.
func TestReplyNotJournaled(t *testing.T) {
	t.Parallel()
	var a *asking
	a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		if n < 2 {
			return turn(call("cite", "url", a.site.URL("/index.html"), "quote", "This manual describes the Aurora networked kettle"))
		}
		if len(r.Tools()) > 0 {
			return testsite.Turn{Text: "DONE"}
		}
		return testsite.Turn{Text: "It is a kettle [1]."}
	})
	died := false
	a.BeforeRecord = func(s research.Step) error {
		if s.Kind == research.ModelStep && !died {
			died = true
			return research.ErrFenced
		}
		return nil
	}
	_, err := a.run(t.Context())
	require.ErrorIs(t, err, research.ErrFenced)
	require.Equal(t, "It is a kettle [1].", a.answered(t).Answer)
	require.Len(t, a.server.Requests(), 4)
}

// TestTooLong: if the model refuses a conversation as too long, the conversation is shortened and sent again.
func TestTooLong(t *testing.T) {
	t.Parallel()
	var a *asking
	a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		if len(r.Raw) > 24_000 {
			return testsite.Turn{Status: 400, Code: "context_length_exceeded", Error: "maximum context length"}
		}
		for _, m := range r.Messages() {
			if strings.Contains(fmt.Sprint(m["content"]), "Kept as evidence") {
				return testsite.Turn{Text: "A manual [1]."}
			}
		}
		if len(r.Tools()) == 0 {
			return testsite.Turn{Text: "A manual [1]."}
		}
		if c := strings.Count(r.Raw, `"role":"tool"`); c < 5 {
			return turn(testsite.ToolCall{Name: "get_page_content_chunk", Arguments: fmt.Sprintf(`{"url":%q,"chunk":%d}`, a.site.URL("/manual/long.html"), c+1)})
		}
		return turn(call("cite", "url", a.site.URL("/index.html"), "quote", "This manual describes the Aurora"))
	})
	require.Equal(t, "A manual [1].", a.answered(t).Answer)
}

// TestBudgets: a budget ends the research, and the task still gets an answer.
func TestBudgets(t *testing.T) {
	t.Parallel()
	cite := func(a *asking) testsite.ToolCall {
		return call("cite", "url", a.site.URL("/index.html"), "quote", "This manual describes the Aurora")
	}
	for name, tc := range map[string]struct {
		change func(a *asking, o *research.Options)
		budget string
	}{
		"maxPages":   {func(_ *asking, o *research.Options) { o.MaxPages = 1 }, "maxPages"},
		"maxDepth":   {func(_ *asking, o *research.Options) { o.MaxDepth = 1 }, "maxDepth"},
		"maxTokens":  {func(a *asking, _ *research.Options) { a.limits.MaxTokens = 120 }, "maxTokens"},
		"timeBudget": {func(_ *asking, o *research.Options) { o.TimeBudget = time.Minute }, "timeBudget"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var a *asking
			a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
				switch {
				case len(r.Tools()) == 0:
					return testsite.Turn{Text: "A manual [1]."}
				case n == 0:
					if name == "timeBudget" {
						defer func() { a.Spent = time.Minute }()
					}
					return turn(call("navigate_to", "url", a.site.URL("/manual/a-z.html")), call("navigate_to", "url", a.site.URL("/manual/hidden.html")), cite(a))
				case name == "timeBudget":
					return testsite.Turn{Hang: true}
				}
				return testsite.Turn{Text: "DONE"}
			}, tc.change)
			if name == "timeBudget" { // the second call does not return until the reading time ends
				a.Started = func() time.Time { return time.Now().Add(-28 * time.Second) }
			}
			res := a.answered(t)
			require.Equal(t, "A manual [1].", res.Answer)
			require.Equal(t, tc.budget, res.Metadata["budget"])
			require.Equal(t, true, res.Metadata["partial"])
		})
	}
}

// TestModelFails: a permanent error of the model fails the task, with a message that says what to change. A call with a
// transient error is repeated.
func TestModelFails(t *testing.T) {
	t.Parallel()
	a := newAsking(t, testsite.Play(testsite.Turn{Status: 503, Error: "loading"}, testsite.Turn{Status: 401, Error: "no"}))
	_, err := a.run(t.Context())
	var f *research.Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, research.CodeModelFailed, f.Code)
	require.False(t, f.Transient)
	require.Contains(t, f.Message, "LLM_API_KEY")
	require.Contains(t, strings.Join(a.Thoughts, "\n"), "Trying again", "each try is visible")

	a = newAsking(t, func(int, testsite.ModelRequest) testsite.Turn {
		return testsite.Turn{Status: 429, RetryAfter: "3600", Error: "later"}
	})
	_, err = a.run(t.Context())
	require.ErrorAs(t, err, &f)
	require.True(t, f.Transient)
	a.Fail(f)
}

func TestNothingWritten(t *testing.T) {
	t.Parallel()
	var a *asking
	a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		if n == 0 {
			return turn(call("cite", "url", a.site.URL("/index.html"), "quote", "This manual describes the Aurora"))
		}
		if len(r.Tools()) > 0 {
			return testsite.Turn{Text: "DONE"}
		}
		return testsite.Turn{}
	})
	res := a.answered(t)
	require.Contains(t, res.Answer, "> This manual describes the Aurora")
	require.Equal(t, []int{1}, res.Cited)
}
