package loop

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"legwork/internal/agent/conversation"
	"legwork/internal/llm"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// TestWhatTheModelIsTold checks what the model sees of its budgets and of pages.
func TestWhatTheModelIsTold(t *testing.T) {
	t.Parallel()
	var a *asking
	a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		return testsite.Play(turn(call("navigate_to", "url", a.site.URL("/long")), call("navigate_to", "url", a.site.URL("/short"))),
			turn(call("navigate_to", "url", a.site.URL("/long#part-7"))),
			turn(call("navigate_to", "url", "⟨target.html⟩"), call("find_in_page", "query", "number like any other"), call("search_for_question", "query", "kettle")),
			turn(quoteCall(a.site.URL("/short"), "The whole text of ⟨target.html⟩ this page is short.")),
			testsite.Turn{Text: "DONE"}, testsite.Turn{Text: "It is short [1]."})(n, r)
	}, func(a *asking, o *research.Options) {
		contents := strings.Builder{}
		for i := range 5 {
			fmt.Fprintf(&contents, `<a href="#part-%d">Part %d</a> `, i*7, i*7)
		}
		a.site.Page("/long", strings.Replace(longPage(4000), "<h1>", contents.String()+"<h1>", 1))
		a.site.Page("/short", `<!DOCTYPE html><title>Short</title><main><h1>Short</h1><p>`+strings.Repeat("Words to fill the page. ", 200)+
			`</p><p>The <a href="/target.html">whole text of</a> this page is short.</p></main>`)
		a.site.Page("/target.html", `<!DOCTYPE html><title>Target</title><p>This is the page that the link names, and it has some words.</p>`)
		o.SearchEngine = research.Google
	})
	a.answered(t)
	first := a.server.Requests()[0]
	for _, want := range []string{"Limits: 20 pages, 3 links in a row", "300 seconds", "at most 8 are made"} {
		require.Contains(t, first.Raw, want)
	}
	messages := a.server.Requests()[1].Messages()
	long, short := fmt.Sprint(messages[len(messages)-2]["content"]), fmt.Sprint(messages[len(messages)-1]["content"])
	require.Regexp(t, `chunks, \d+ links\), the beginning:`, long)
	require.Contains(t, long, "Headings, each with the number of its chunk:")
	require.Regexp(t, `\n\d+  Part 7 #part-7\n`, long)
	require.Regexp(t, `\n\d\d  Part 8\n`, long)
	require.Contains(t, short, "the whole text:")
	require.Contains(t, short, "The whole text of ⟨target.html⟩ this page is short.")
	require.Regexp(t, `Left: 17 pages, \d+ seconds\. Quotes: 0\.$`, short)
	require.Regexp(t, `#part-7, in chunk \d+:\n<page-text-\w+>\nLong\n\n## Part 7\n`, a.lastMessage(2))
	require.Equal(t, "/target.html", strings.TrimPrefix(a.Opens()[3], a.site.URL("")))
	require.Regexp(t, `(?i)search engine google was asked for`, a.lastMessage(3))
	require.Regexp(t, `Quotes: 1\.$`, a.lastMessage(4))
}

// TestEndlessReading: a model that reads on and on, and neither opens a page nor keeps a quote, is told so, and is
// stopped in the end. A model that varies the words of its search without new passages is stopped earlier.
func TestEndlessReading(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		next func(a *asking, n int) testsite.ToolCall
		most int
		why  string
		told bool
	}{
		"chunks": {func(a *asking, n int) testsite.ToolCall {
			return call("get_page_content_chunk", "url", a.site.URL("/long"), "chunk", fmt.Sprint(n+1))
		}, maxBarren + 1, "neither opened a page nor kept a quote in 12 replies", true},
		"words": {func(_ *asking, n int) testsite.ToolCall {
			return call("find_in_page", "query", strings.Repeat("number ", n+1)+"like any other")
		}, maxBarren, "no progress", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var a *asking
			a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
				if len(r.Tools()) == 0 {
					return testsite.Turn{Text: "It is a number [1]."}
				}
				return turn(tc.next(a, n))
			}, func(a *asking, o *research.Options) {
				a.site.Page("/long", longPage(2000))
				o.SeedURL = a.site.URL("/long")
			})
			res := a.answered(t)
			require.Contains(t, res.Metadata["researchEnded"], tc.why)
			require.LessOrEqual(t, len(a.server.Requests()), tc.most)
			if tc.told {
				require.Contains(t, a.lastMessage(warnBarren), "You neither opened a page nor kept a quote in 6 turns.")
			}
		})
	}
}

// TestCompaction: when a conversation is too long, texts of pages are left out of its older half at once. Between two such
// steps each request begins with the one before it. The quotes are listed afterwards. A chunk that was quoted is left out as
// soon as the model moves on.
func TestCompaction(t *testing.T) {
	t.Parallel()
	var a *asking
	const turns = 40
	a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		switch {
		case len(r.Tools()) == 0:
			return testsite.Turn{Text: "It is so [1]."}
		case n == turns:
			return testsite.Turn{Text: "DONE"}
		}
		reply := turn(call("get_page_content_chunk", "url", a.site.URL("/long"), "chunk", fmt.Sprint(n+1)))
		line := 3000 + n // which is in no chunk that is shown
		if n < 2 {
			line = n // in the first chunk
		}
		reply.Calls = append(reply.Calls, quoteCall(a.site.URL("/long"), fmt.Sprintf("Line %d of the long page", line)))
		return reply
	}, func(a *asking, o *research.Options) {
		a.site.Page("/long", longPage(4000))
		o.SeedURL = a.site.URL("/long")
	})
	a.answered(t)
	quoted := []int{0, 1, 3} // by number of the request: the message that was read and quoted before it
	changes := 0
	var before []map[string]any
	for i, r := range a.server.Requests()[:turns+1] {
		now := r.Messages()
		size := 0
		for k, m := range now {
			text, _ := m["content"].(string)
			size += len(text)
			if k < len(before) && fmt.Sprint(m) != fmt.Sprint(before[k]) {
				if i < len(quoted) {
					require.Equal(t, quoted[i], k, "only what was quoted is left out")
					break
				}
				changes++
				require.Contains(t, a.lastMessage(i), "These quotes and notes are kept:")
				require.Contains(t, a.lastMessage(i), "Line 0 of the long page")
				break
			}
		}
		require.LessOrEqual(t, size, conversation.Max+2000)
		before = now
	}
	require.Positive(t, changes)
	require.LessOrEqual(t, changes, turns*7000/(conversation.Max/2)+1, "in large steps")
}

// TestSmallWindow: the size of the requests follows the window of the model.
func TestSmallWindow(t *testing.T) {
	t.Parallel()
	var a *asking
	a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		if len(r.Tools()) > 0 && n < 6 {
			return turn(call("get_page_content_chunk", "url", a.site.URL("/long"), "chunk", fmt.Sprint(n+1)), quoteCall(a.site.URL("/long"), fmt.Sprintf("Line %d of the long page", n)))
		}
		return testsite.Play(testsite.Turn{Text: "DONE"}, testsite.Turn{Text: "It is so [1]."})(n-6, r)
	}, func(a *asking, o *research.Options) {
		a.site.Page("/long", longPage(2000))
		o.SeedURL = a.site.URL("/long")
	})
	var err error
	a.model, err = llm.Open(t.Context(), llm.Config{Provider: llm.OpenAI, BaseURL: a.server.BaseURL(), Model: "scripted", Window: 8192})
	require.NoError(t, err)
	a.answered(t)
	for _, r := range a.server.Requests() {
		require.Less(t, len(r.Raw), (8192-2048)*4)
		most, _ := r.Body["max_tokens"].(float64)
		require.LessOrEqual(t, int(most), 2048)
	}
}

// TestSamePrefix: the tools, and the system message but for its end, are the same for all tasks, so that providers can
// cache them.
func TestSamePrefix(t *testing.T) {
	t.Parallel()
	var seen []string
	for i := range 2 {
		a := newAsking(t, testsite.Play(testsite.Turn{Text: "NOT FOUND"}, testsite.Turn{Text: "NOT FOUND"}), func(_ *asking, o *research.Options) { o.MaxPages += i })
		a.answered(t)
		r := a.server.Requests()[0]
		system, _ := r.Messages()[0]["content"].(string)
		common, own, ok := strings.Cut(system, "The tags are <page-text-")
		require.True(t, ok)
		require.Less(t, len(own), 120)
		seen = append(seen, common+fmt.Sprint(r.Body["tools"]))
	}
	require.Equal(t, seen[0], seen[1])
}

// TestWriterSees: the request for the answer has, for each quote, its headings, the words around it, the date of its page
// and the part of the question that it serves. It also has the notes.
func TestWriterSees(t *testing.T) {
	t.Parallel()
	var a *asking
	a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		cite := testsite.ToolCall{Name: "cite", Arguments: fmt.Sprintf(`{"url":%q,"quotes":["It takes forty seconds."],"for":"how long it takes"}`, a.site.URL("/dated"))}
		return testsite.Play(turn(call("note", "text", "Two versions\n differ.")), turn(cite), testsite.Turn{Text: "DONE"}, testsite.Turn{Text: "Forty seconds [1]."})(n, r)
	}, func(a *asking, o *research.Options) {
		a.site.Page("/dated", `<!DOCTYPE html><html><head><title>Guide</title><meta property="article:published_time" content="2024-05-14T09:30:00Z"></head><body><main><h1>Kettle</h1>
<h2>Boiling</h2><p>Water is boiled by the heater. It takes forty seconds. Older kettles need a minute.</p><h2>Cooling</h2><p>It cools in an hour, if nobody touches it at all.</p></main></body></html>`)
		o.SeedURL = a.site.URL("/dated")
	})
	a.answered(t)
	asked := a.lastMessage(3)
	for _, want := range []string{"- Two versions differ.", "published 2024-05-14), for: how long it takes", "Guide › Kettle › Boiling", "(before) Water is boiled by the heater.", "\nIt takes forty seconds.\n",
		"(after) Older kettles need a minute."} {
		require.Contains(t, asked, want)
	}
	require.NotContains(t, asked, "cools in an hour")
	require.Contains(t, a.lastMessage(0), "published 2024-05-14), the whole text:")
}
