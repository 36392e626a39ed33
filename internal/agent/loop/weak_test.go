package loop

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"legwork/internal/agent/agenttest"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// TestWeakModels: the task gets the same answer whichever mistake the model makes in its calls.
func TestWeakModels(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(url string) testsite.Turn{
		"proper": func(u string) testsite.Turn {
			return turn(call("cite", "url", u, "quote", "This manual describes the Aurora"))
		},
		"tag":          text(`<tool_call>{"name":"cite","arguments":{"url":"%s","quote":"This manual describes the Aurora"}}</tool_call>`),
		"open tag":     text(`<think>I should cite.</think><tool_call>{"name":"cite","arguments":{"url":"%s","quote":"This manual describes the Aurora"}}`),
		"fence":        text("I will cite now:\n```json\n{\"tool\": \"cite\", \"args\": {\"url\": \"%s\", \"quote\": \"This manual describes the Aurora\"}}\n```"),
		"bare":         text(`{"name": "cite", "parameters": {"url": "%s", "quote": "This manual describes the Aurora"}}`),
		"in prose":     text(`Sure! {"action": "cite", "action_input": {"url": "%s", "quote": "This manual describes the Aurora"}}`),
		"openai's own": text(`{"tool_calls":[{"type":"function","function":{"name":"cite","arguments":"{\"url\":\"%s\",\"quote\":\"This manual describes the Aurora\"}"}}]}`),
		"name as key":  text(`{"cite": {"url": "%s", "quote": "This manual describes the Aurora"}}`),
		"flat":         text(`{"tool": "cite", "url": "%s", "quote": "This manual describes the Aurora"}`),
		"two tags": text(`<tool_call>{"name":"find_in_page","arguments":{"query":"kettle"}}</tool_call>
<tool_call>{"name":"cite","arguments":{"url":"%s","quote":"This manual describes the Aurora"}}</tool_call>`),
		"two, one unknown": text("```json\n[{\"name\":\"juggle\",\"arguments\":{}},{\"name\":\"cite\",\"arguments\":{\"url\":\"%s\",\"quote\":\"This manual describes the Aurora\"}}]\n```"),
		"single quotes":    text(`<tool_call>{'name': 'cite', 'arguments': {'url': '%s', 'quote': 'This manual describes the Aurora',}}</tool_call>`),
		"function tag":     text("<function=cite>\n<parameter=url>\n%s\n</parameter>\n<parameter=quote>\nThis manual describes the Aurora\n</parameter>\n</function>"),
		"python":           text(`cite(url="%s", quote="This manual describes the Aurora")`),
		"python places":    text(`cite("%s", "This manual describes the Aurora")`),
		"other names":      text(`{"name": "functions.Cite-Source", "arguments": {"link": "%s", "excerpt": "This manual describes the Aurora"}}`),
		"lost thinking":    text(`I must cite this.</think>{"name": "cite", "arguments": {"url": "%s", "quote": "This manual describes the Aurora"}}`),
		"cut off":          text(`{"name": "cite", "arguments": {"url": "%s", "quote": "This manual describes the Aurora"`),
		"Mistral":          text(`[TOOL_CALLS][{"name": "cite", "arguments": {"url": "%s", "quote": "This manual describes the Aurora"}}]</s>`),
		"Mistral, newer":   text(`[TOOL_CALLS]find_in_page[ARGS]{"query": "kettle"}[TOOL_CALLS]cite[ARGS]{"url": "%s", "quote": "This manual describes the Aurora"}</s>`),
		"Llama":            text(`<|python_tag|>{"name": "cite", "parameters": {"url": "%s", "quote": "This manual describes the Aurora"}}<|eom_id|>`),
		"Llama, as Python": text(`<|python_tag|>cite.call(url="%s", quote="This manual describes the Aurora")`),
		"invoke":           text(`<function_calls><invoke name="cite"><parameter name="url">%s</parameter><parameter name="quote">This manual describes the Aurora</parameter></invoke></function_calls>`),
		"DeepSeek":         text("<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>cite\n```json\n{\"url\": \"%s\", \"quote\": \"This manual describes the Aurora\"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>"),
		"DeepSeek, newer":  text(`<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>cite<｜tool▁sep｜>{"url": "%s", "quote": "This manual describes the Aurora"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>`),
		"Harmony":          text(`<|channel|>analysis<|message|>I must cite.<|end|><|start|>assistant<|channel|>commentary to=functions.cite <|constrain|>json<|message|>{"url": "%s", "quote": "This manual describes the Aurora"}<|call|>`),
		"broken arguments": func(u string) testsite.Turn {
			return turn(testsite.ToolCall{Name: "cite", Arguments: `{url: '` + u + `', quote: "This manual describes the Aurora`})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var a *asking
			a = newAsking(t, func(n int, _ testsite.ModelRequest) testsite.Turn {
				return testsite.Play(write(a.site.URL("/index.html")), testsite.Turn{Text: "DONE"}, testsite.Turn{Text: "<think>Well.</think>It is a manual 【1】."})(n, testsite.ModelRequest{})
			})
			res := a.answered(t)
			require.Equal(t, "It is a manual [1].", res.Answer)
			require.NotContains(t, res.Metadata, "researchEnded")
			require.Equal(t, "This manual describes the Aurora", a.Finished().Citations[0].Excerpt)
		})
	}
}

func text(format string) func(string) testsite.Turn {
	return func(u string) testsite.Turn { return testsite.Turn{Text: fmt.Sprintf(format, u)} }
}

// TestModelsThatNeverCite: if a model never cites, research ends after a few replies, and the reader chooses the
// evidence.
func TestModelsThatNeverCite(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		turn  testsite.Turn
		why   string
		most  int
		noise bool
	}{
		"empty":       {turn: testsite.Turn{}, why: "called no tools", most: 5},
		"chatter":     {turn: testsite.Turn{Text: "I think it is a hundred."}, why: "called no tools", most: 5},
		"only thinks": {turn: testsite.Turn{Text: "<think>Hm, what now"}, why: "called no tools", most: 5},
		"repeats":     {turn: turn(call("find_in_page", "query", "kettle")), why: "no progress", most: 8},
		"unknown":     {turn: turn(call("juggle")), why: "no progress", most: 8},
		"wrong quote": {turn: turn(call("cite", "url", "x", "quote", "It was the best of times")), why: "no progress", most: 8},
		"bad JSON":    {turn: turn(testsite.ToolCall{Name: "cite", Arguments: `]]>#`}), why: "no progress", most: 8},
		"bad text":    {turn: testsite.Turn{Text: `<tool_call>{{"cite" ]]</tool_call>`}, why: "called no tools", most: 5},
		"no argument": {turn: turn(call("cite", "url", "x")), why: "no progress", most: 8},
		"filtered":    {turn: testsite.Turn{Stop: "content_filter"}, why: "called no tools", most: 5},
		"many calls":  {turn: turn(many(30)...), why: "no progress", most: 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAsking(t, func(_ int, r testsite.ModelRequest) testsite.Turn {
				if len(r.Tools()) == 0 {
					return testsite.Turn{Text: "The default is 100 [1]."}
				}
				return tc.turn
			})
			res := a.answered(t)
			require.Equal(t, "The default is 100 [1].", res.Answer)
			require.Contains(t, res.Metadata["researchEnded"], tc.why)
			require.LessOrEqual(t, len(a.server.Requests()), tc.most)
			require.NotEmpty(t, a.Finished().Citations)
		})
	}
}

func many(n int) (out []testsite.ToolCall) {
	for range n {
		out = append(out, call("juggle"))
	}
	return out
}

// TestReaderOpensPages: if the model opens no page and there is no start page, the built-in reader opens pages.
func TestReaderOpensPages(t *testing.T) {
	t.Parallel()
	a := newAsking(t, func(_ int, r testsite.ModelRequest) testsite.Turn {
		if len(r.Tools()) == 0 {
			return testsite.Turn{Text: "It is 100 [1]."}
		}
		return testsite.Turn{Text: "I do not browse."}
	}, func(_ *asking, o *research.Options) { o.SeedURL = "" })
	o := agenttest.Options()
	o.SeedURL = a.site.URL("/index.html")
	_, err := a.Submit(kettle, o).Run(t.Context()) // this task stores pages that the next task's search can find
	require.NoError(t, err)
	require.Equal(t, "It is 100 [1].", a.answered(t).Answer)
	require.Contains(t, a.Finished().Citations[0].Excerpt, "100 degrees")
}

// TestNothingToRead: if no page could be read, the task fails, and the model is not asked for an answer.
func TestNothingToRead(t *testing.T) {
	t.Parallel()
	a := newAsking(t, testsite.Play(testsite.Turn{Text: "Hm."}, testsite.Turn{Text: "Hm."}, testsite.Turn{Text: "Hm."}),
		func(a *asking, o *research.Options) { o.SeedURL = a.site.URL("/status/404") })
	_, err := a.run(t.Context())
	var f *research.Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, research.CodeNoSources, f.Code)
	require.Contains(t, a.lastMessage(0), "could not be read")
}

// TestNoTools: if a server refuses tools, the request is repeated without them, and the model writes its calls as text.
func TestNoTools(t *testing.T) {
	t.Parallel()
	var a *asking
	n := 0
	a = newAsking(t, func(_ int, r testsite.ModelRequest) testsite.Turn {
		if len(r.Tools()) > 0 {
			return testsite.Turn{Status: 400, Error: "registry.ollama.ai/library/gemma:2b does not support tools"}
		}
		n++
		return testsite.Play(testsite.Turn{Text: `{"name":"cite","arguments":{"url":"` + a.site.URL("/index.html") + `","quote":"This manual describes the Aurora"}}`},
			testsite.Turn{Text: "DONE"}, testsite.Turn{Text: "A manual [1]."})(n-1, r)
	})
	require.Equal(t, "A manual [1].", a.answered(t).Answer)
	require.Contains(t, a.server.Requests()[1].Raw, "write nothing but one JSON object")
}

// TestNoToolsNoCalls: if a model neither supports tools nor writes calls, it answers from the reader's evidence.
func TestNoToolsNoCalls(t *testing.T) {
	t.Parallel()
	a := newAsking(t, func(_ int, r testsite.ModelRequest) testsite.Turn {
		switch {
		case len(r.Tools()) > 0:
			return testsite.Turn{Status: 400, Error: "gemma:2b does not support tools"}
		case strings.Contains(r.Raw, "write nothing but one JSON object"):
			return testsite.Turn{Text: "I cannot browse."}
		}
		return testsite.Turn{Text: "The default is 100 [1]."}
	})
	res := a.answered(t)
	require.Equal(t, "The default is 100 [1].", res.Answer)
	require.Contains(t, res.Metadata["researchEnded"], "called no tools")
	require.NotEmpty(t, a.Finished().Citations)
	require.LessOrEqual(t, len(a.server.Requests()), 6)
}

// TestToolsIgnored: some servers ignore tools without an error. After two replies without a call, the model is asked to
// write its calls as text.
func TestToolsIgnored(t *testing.T) {
	t.Parallel()
	var a *asking
	a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		if len(r.Tools()) > 0 {
			return testsite.Turn{Text: "I would open the page now."}
		}
		return testsite.Play(testsite.Turn{Text: `{"name":"cite","arguments":{"url":"` + a.site.URL("/index.html") + `","quote":"This manual describes the Aurora"}}`},
			testsite.Turn{Text: "DONE"}, testsite.Turn{Text: "A manual [1]."})(n-2, r)
	})
	res := a.answered(t)
	require.Equal(t, "A manual [1].", res.Answer)
	require.NotContains(t, res.Metadata, "researchEnded")
	require.Contains(t, a.server.Requests()[2].Raw, "write nothing but one JSON object")
}
