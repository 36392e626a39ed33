package loop

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"legwork/internal/agent"
	"legwork/internal/agent/pagetext"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// quoteCall returns a cite call with several quotes.
func quoteCall(url string, quotes ...string) testsite.ToolCall {
	args, _ := research.EncodeJSON(map[string]any{"url": url, "quotes": quotes})
	return testsite.ToolCall{Name: "cite", Arguments: string(args)}
}

// repeatedPage has the same sentence under each of sixteen headings, spread over several chunks.
func repeatedPage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, "<html><head><title>Options</title></head><body><main><h1>Options</h1>")
	for i := 1; i <= 16; i++ {
		fmt.Fprintf(w, "<h2>Option %c</h2><p>The default is forty seconds.</p>", 'A'+i-1)
		for j := range 12 {
			fmt.Fprintf(w, "<p>Paragraph %d of option %c tells at some length what else there is to know about it, and why it exists.</p>", j, 'A'+i-1)
		}
	}
	fmt.Fprint(w, "<ul><li>Fill it with water</li><li>Switch it on</li></ul><p>Use &lt;b&gt; &amp; wait for the bell.</p></main></body></html>")
}

// newCiting returns a task with repeatedPage as its start page. The model opens the page other in its first reply, and
// then gives the replies that turns returns.
func newCiting(t *testing.T, turns func(page, other string) []testsite.Turn) *asking {
	t.Helper()
	var script testsite.Script
	a := newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn { return script(n, r) }, func(a *asking, o *research.Options) {
		a.site.Handle("/options", repeatedPage)
		o.SeedURL = a.site.URL("/options")
	})
	page, other := a.site.URL("/options"), a.site.URL("/index.html")
	script = testsite.Play(append(append([]testsite.Turn{turn(call("navigate_to", "url", other))}, turns(page, other)...),
		testsite.Turn{Text: "DONE"}, testsite.Turn{Text: "It is so [1]."})...)
	return a
}

// TestOccurrenceShown: a sentence occurs sixteen times on a page, and the model cites it. The occurrence that was
// shown to the model last becomes the evidence, and the result of the tool cite says which occurrence was kept.
func TestOccurrenceShown(t *testing.T) {
	t.Parallel()
	const quote = "The default is forty seconds."
	a := newCiting(t, func(page, _ string) []testsite.Turn {
		return []testsite.Turn{
			turn(call("get_page_content_chunk", "url", page, "chunk", "3"), call("cite", "url", page, "quote", quote)), // chunk 3 is not seen yet: the one in the passages that fit the question is cited
			turn(call("cite", "url", page, "quote", quote)),                                                            // chunk 3 was seen: the occurrence there is cited
			turn(call("uncite", "evidence", "1")),
		}
	})
	a.answered(t)
	require.Contains(t, a.lastMessage(2), "Under: Options › Option B\n\n"+quote)
	require.Contains(t, a.lastMessage(2), "These words stand 16 times on the page; number 2 was kept.")
	require.Contains(t, a.lastMessage(2), "Options › Option C")
	require.Contains(t, a.lastMessage(3), "Kept as evidence 2")
	require.NotRegexp(t, "Under: Options › Option [AB]\n", a.lastMessage(3))
	require.Contains(t, a.lastMessage(4), "Evidence 1 was taken back.")
	c := a.Sound(t).Citations
	require.Len(t, c, 1)
	require.Equal(t, quote, c[0].Excerpt)
	p, err := a.Store.For(research.DefaultAccount).Page(t.Context(), c[0].PageID)
	require.NoError(t, err)
	require.Equal(t, 3, pagetext.New(p).ChunkAt(c[0].Start))
}

// TestCiteWell checks for each kind of quote what the reply to cite says, and which evidence is stored.
func TestCiteWell(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		call func(page, other string) testsite.ToolCall
		says []string
		kept []string
	}{
		"several in one call": {func(p, _ string) testsite.ToolCall { return quoteCall(p, "Fill it with water", "Switch it on") },
			[]string{"evidence 1", "evidence 2", "Quotes: 2."}, []string{"Fill it with water", "Switch it on"}},
		"ellipsis": {func(p, _ string) testsite.ToolCall { return quoteCall(p, "Fill it with water … wait for the bell.") },
			[]string{"kept as 2 quotes"}, []string{"Fill it with water", "wait for the bell."}},
		"parts in the wrong order": {func(p, _ string) testsite.ToolCall { return quoteCall(p, "wait for the bell … Fill it with water") },
			[]string{"Not kept"}, nil},
		"bullets dropped": {func(p, _ string) testsite.ToolCall { return quoteCall(p, "Fill it with water Switch it on") },
			[]string{"Kept as evidence 1", "differ from yours"}, []string{"Fill it with water\n- Switch it on"}},
		"entities": {func(p, _ string) testsite.ToolCall { return quoteCall(p, "Use &lt;b&gt; &amp; wait for the bell.") },
			[]string{"Kept as evidence 1"}, []string{"Use <b> & wait for the bell."}},
		"too long": {func(p, _ string) testsite.ToolCall {
			var b strings.Builder
			for j := range 5 {
				fmt.Fprintf(&b, "Paragraph %d of option B tells at some length what else there is to know about it, and why it exists. ", j)
			}
			return quoteCall(p, b.String())
		}, []string{"a quote may have at most 400", "Nothing was kept"}, nil},
		"another page": {func(_, o string) testsite.ToolCall { return quoteCall(o, "Fill it with water") },
			[]string{"Kept as evidence 1, from", "/options (these words are on this page, not on the one you named)"}, []string{"Fill it with water"}},
		"page not open": {func(string, string) testsite.ToolCall {
			return quoteCall("https://example.org/closed", "It was the best of times")
		},
			[]string{"Not kept", "https://example.org/closed is not open"}, nil},
		"too many": {func(p, _ string) testsite.ToolCall {
			return quoteCall(p, strings.Split("Fill it with water|a|b|c|d|e|f|g|h", "|")...)
		},
			[]string{"at most 8 quotes"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newCiting(t, func(page, other string) []testsite.Turn {
				return []testsite.Turn{turn(tc.call(page, other)), turn(quoteCall(page, "the bell."))} // a further quote, so that every task has an answer
			})
			a.answered(t)
			for _, s := range tc.says {
				require.Contains(t, a.lastMessage(2), s)
			}
			journal, err := a.Store.Worker().Journal(t.Context(), a.Task.ID)
			require.NoError(t, err)
			var kept []string
			for _, s := range journal {
				if s.Tool == agent.ToolCite && s.Success {
					kept = append(kept, string(s.Result))
				}
			}
			require.Len(t, kept, len(tc.kept)+1)
			a.Sound(t)
			for i, text := range tc.kept {
				require.Contains(t, a.lastMessage(2), text, i)
			}
		})
	}
}
