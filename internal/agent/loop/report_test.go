package loop

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"legwork/internal/agent/agenttest"
	"legwork/internal/agent/modelcalls"
	"legwork/internal/agent/report"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// newReporting returns a task whose model writes a report about the site's long page.
func newReporting(t *testing.T, p *testsite.Reporter, words int, change ...func(a *asking, o *research.Options)) *asking {
	t.Helper()
	return newAsking(t, p.Turn, append(change, func(a *asking, o *research.Options) {
		p.Page = a.site.URL("/manual/long.html")
		o.Format, o.Length = research.FormatReport, words
	})...)
}

// requireCited requires that each marker of a report points at the citation that its sentence is about.
func requireCited(t *testing.T, a *asking, answer string) (cited int) {
	t.Helper()
	citations := a.Sound(t).Citations
	for i, c := range citations {
		require.Equal(t, i+1, c.Marker)
	}
	seen := map[string]bool{}
	for _, m := range testsite.ReportedYear.FindAllStringSubmatch(answer, -1) {
		n, err := strconv.Atoi(strings.Trim(m[2], "[]"))
		require.NoError(t, err)
		require.Contains(t, citations[n-1].Excerpt, "In the year "+m[1]+",")
		seen[m[2]] = true
	}
	return len(seen)
}

// TestReport writes a report of 5,000 words from 40 quotes: one section after the other, one of them continued after the
// limit of length, then the summary. The text is published while it is written, and once more when the summary is
// there.
func TestReport(t *testing.T) {
	t.Parallel()
	a := newReporting(t, &testsite.Reporter{Quotes: 40, Cut: 2}, 5000)
	h := &agenttest.Listener{T: t}
	a.publish = h.Emit
	res := a.answered(t)
	require.Equal(t, res.Answer, string(h.Text))
	require.Equal(t, 2, h.Began, "the sections are never taken back; only the summary begins the text anew")
	require.InEpsilon(t, 5000, report.Words(res.Answer), 0.2)
	require.Equal(t, 40, requireCited(t, a, res.Answer))
	require.Len(t, res.Cited, 40)
	require.Equal(t, false, res.Metadata["partial"])
	require.Equal(t, 0, res.Metadata["unsupportedSentences"])
	var headings []string
	for line := range strings.Lines(res.Answer) {
		if strings.HasPrefix(line, "#") {
			headings = append(headings, strings.TrimSpace(line))
		}
	}
	sections := res.Metadata["sections"].(int)
	require.Greater(t, sections, 8)
	require.Len(t, headings, sections+5)
	require.Equal(t, []string{"# The kettles of Lower Boiling", "## Summary", "## Part A of the chronicle"}, headings[:3])
	require.Equal(t, []string{"## Open questions", "## Limits", "## Sources"}, headings[len(headings)-3:])
	require.Equal(t, 1, strings.Count(res.Answer, "<"+a.site.URL("/manual/long.html")+">"), "each page is one source")
	for _, q := range res.Cited {
		require.Equal(t, 1, res.Sources[q])
	}
}

// TestReportResumes ends each run after it has recorded one step. Together the runs make the same calls of the model and
// write the same report as one undisturbed run.
func TestReportResumes(t *testing.T) {
	t.Parallel()
	undisturbed := newReporting(t, &testsite.Reporter{Quotes: 40, Cut: 3}, 5000)
	undisturbed.publish = func(int, string) {}
	want := undisturbed.answered(t)
	a := newReporting(t, &testsite.Reporter{Quotes: 40, Cut: 3}, 5000)
	a.AfterRecord = func(s research.Step) error {
		if s.Kind == research.ModelStep && modelcalls.PurposeOf(s).Purpose != modelcalls.ForResearch {
			return research.ErrFenced
		}
		return nil
	}
	h := &agenttest.Listener{T: t}
	a.publish = h.Emit
	var res research.Result
	for runs := 0; ; runs++ {
		require.Less(t, runs, 40)
		var err error
		if res, err = a.run(t.Context()); err == nil {
			require.Greater(t, runs, 10)
			break
		}
		require.ErrorIs(t, err, research.ErrFenced)
	}
	first, second := messagesOf(undisturbed), messagesOf(a)
	for i := range min(len(first), len(second)) {
		at := 0
		for at < min(len(first[i]), len(second[i])) && first[i][at] == second[i][at] {
			at++
		}
		require.Equal(t, research.Truncate(first[i][at:], 200), research.Truncate(second[i][at:], 200), "call %d", i)
	}
	require.Len(t, second, len(first), "no call of the model is repeated")
	require.Equal(t, strings.ReplaceAll(want.Answer, undisturbed.site.Host(), "SITE"), strings.ReplaceAll(res.Answer, a.site.Host(), "SITE"))
	require.Equal(t, res.Answer, string(h.Text))
	require.Equal(t, want.Metadata, res.Metadata)
}

// TestReportLength: the length that was asked for is kept, though the model always writes fewer or more words than it is
// asked for.
func TestReportLength(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		words int
		bias  float64
	}{{1000, 1}, {3000, 0.6}, {3000, 1.7}, {6000, 0.5}} {
		t.Run(fmt.Sprint(tc), func(t *testing.T) {
			t.Parallel()
			a := newReporting(t, &testsite.Reporter{Quotes: 24, Bias: tc.bias}, tc.words)
			res := a.answered(t)
			text, _, _ := strings.Cut(res.Answer, "\n## Sources\n")
			require.InEpsilon(t, tc.words, report.Words(text), 0.2)
		})
	}
}

// TestPartOfReport: if the model fails for good, or a budget is used up, the sections that are written remain, and the
// report says what is missing.
func TestPartOfReport(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reporter testsite.Reporter
		change   func(a *asking, o *research.Options)
		sections int
		says     string
		budget   any
	}{
		"model":  {testsite.Reporter{Broken: 3}, func(*asking, *research.Options) {}, 2, "LLM_API_KEY", nil},
		"tokens": {testsite.Reporter{Tokens: 250}, func(a *asking, _ *research.Options) { a.limits.MaxTokens = 2200 }, 0, "the budget ended", "maxTokens"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := tc.reporter
			p.Quotes = 16
			a := newReporting(t, &p, 3000, tc.change)
			h := &agenttest.Listener{T: t}
			a.publish = h.Emit
			res := a.answered(t)
			require.Equal(t, res.Answer, string(h.Text))
			require.Equal(t, true, res.Metadata["partial"])
			require.Contains(t, res.Metadata["researchEnded"], tc.says)
			require.Equal(t, tc.budget, res.Metadata["budget"])
			require.Contains(t, res.Answer, "This report is incomplete")
			require.Contains(t, res.Answer, "was planned and is missing")
			written := res.Metadata["sections"].(int)
			if tc.sections > 0 {
				require.Equal(t, tc.sections, written)
			}
			require.Less(t, written, res.Metadata["sectionsPlanned"])
			require.Positive(t, requireCited(t, a, res.Answer))
		})
	}
}

// TestReportTime: the time budget holds for the whole report. A section that does not end in time is left out.
func TestReportTime(t *testing.T) {
	t.Parallel()
	a := newReporting(t, &testsite.Reporter{Quotes: 16, Hang: 3}, 3000, func(_ *asking, o *research.Options) { o.TimeBudget = time.Minute })
	stopped := false
	a.AfterRecord = func(s research.Step) error {
		if p := modelcalls.PurposeOf(s); !stopped && p.Purpose == report.ForSection && p.Number == 2 {
			stopped, a.Spent = true, 52*time.Second // the next run has eight seconds; six of them are kept for the summary
			return research.ErrFenced
		}
		return nil
	}
	_, err := a.run(t.Context())
	require.ErrorIs(t, err, research.ErrFenced)
	res := a.answered(t)
	require.Equal(t, "timeBudget", res.Metadata["budget"])
	require.Equal(t, 2, res.Metadata["sections"])
	require.Contains(t, res.Answer, "## Summary\n\nThe town kept kettles", "the summary has its own time")
	require.Contains(t, res.Answer, "was planned and is missing")
}

// TestContradictions: a model names contradictions after an answer, and in the last pass of a report. The result has
// both quotes, and names the newer one by the dates of the pages. The names of the parts are not published.
func TestContradictions(t *testing.T) {
	t.Parallel()
	for _, format := range research.Formats {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			var a *asking
			a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
				old, recent := a.site.URL("/old.html"), a.site.URL("/news/recent.html")
				rules := fmt.Sprint(r.Messages()[0]["content"])
				switch {
				case n == 0:
					return turn(call("navigate_to", "url", old), call("navigate_to", "url", recent))
				case n == 1:
					return turn(call("cite", "url", old, "quote", "The kettle boils at ninety degrees."), call("cite", "url", recent, "quote", "The kettle boils at a hundred degrees."))
				case len(r.Tools()) > 0:
					return testsite.Turn{Text: "DONE"}
				case strings.HasPrefix(rules, "You plan"):
					return testsite.Turn{Text: `{"title":"Boiling","sections":[{"heading":"Heat","quotes":[1,2]}]}`}
				case strings.HasPrefix(rules, "You write one section"):
					return testsite.Turn{Text: "## Heat\n\nIt boils at ninety degrees [1]. It boils at a hundred [2]."}
				case strings.HasPrefix(rules, "You finish"):
					return testsite.Turn{Text: "SUMMARY\nSources disagree [1][2].\nCONTRADICTIONS\n- [1] vs. [2] the temperature\nCORRECTIONS\n- OLD: It boils at a hundred [2].\n  NEW: It boils at a hundred degrees [2].\n- OLD: It boils at ninety degrees [1].\n  NEW: It boils at ten [2].\n"}
				}
				return testsite.Turn{Text: "One source says ninety [1], the newer one a hundred [2].\n\nCONTRADICTIONS\n- [1] [2]: the temperature\n"}
			}, func(a *asking, o *research.Options) {
				a.site.Page("/index.html", `<p>See <a href="/old.html">old</a> and <a href="/news/recent.html">recent</a>.</p>`)
				a.site.Page("/old.html", `<head><meta name="date" content="2020-01-02"></head><p>The kettle boils at ninety degrees. It is old.</p>`)
				a.site.Page("/news/recent.html", `<head><meta name="date" content="2024-03-04"></head><p>The kettle boils at a hundred degrees. It is new.</p>`)
				o.Format = format
			})
			h := &agenttest.Listener{T: t}
			a.publish = h.Emit
			res := a.answered(t)
			require.Equal(t, []research.Contradiction{{About: "the temperature", Citations: []int{1, 2}, Newest: 2}}, res.Contradictions)
			require.Equal(t, res.Answer, string(h.Text))
			task := a.Sound(t)
			require.Equal(t, res.Contradictions, task.Contradictions)
			require.Equal(t, []int{1, 2}, []int{task.Citations[0].Source, task.Citations[1].Source})
			require.Equal(t, research.SourceNews, task.Citations[1].Kind)
			last := a.server.Requests()[len(a.server.Requests())-1]
			require.Contains(t, last.Raw, "published 2020-01-02", "the writer is told the dates")
			if format == research.FormatAnswer {
				require.Equal(t, "One source says ninety [1], the newer one a hundred [2].", res.Answer)
				require.Equal(t, 1, h.Began)
				return
			}
			require.Contains(t, res.Answer, "## Contradictions\n\n- the temperature\n  - “The kettle boils at ninety degrees.” (")
			require.Contains(t, res.Answer, "news, published 2024-03-04, the newest) [2]")
			require.Contains(t, res.Answer, "## Heat\n\nIt boils at ninety degrees [1]. It boils at a hundred degrees [2].", "a correction may not change the quote")
		})
	}
}

// TestOutputSchema: the answer is also given as data. A value that no quote carries is null, and the basis of each value
// is a citation, though the answer does not cite it.
func TestOutputSchema(t *testing.T) {
	t.Parallel()
	const schema = `{"type":"object","required":["celsius","minutes","clients","colour"],"properties":{
		"celsius":{"type":"integer"},"minutes":{"type":"integer"},"clients":{"type":"integer"},"colour":{"type":"string"},
		"settings":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"}}}}}}`
	var a *asking
	asked := 0
	script := func(n int, r testsite.ModelRequest) testsite.Turn {
		heating := a.site.URL("/manual/settings-heating.html")
		switch {
		case n == 0:
			return turn(call("navigate_to", "url", heating))
		case n == 1:
			return turn(call("cite", "url", heating, "quote", "The default is 100 degrees."), call("cite", "url", heating, "quote", "The default is 25 minutes"))
		case len(r.Tools()) > 0:
			return testsite.Turn{Text: "DONE"}
		case !strings.Contains(fmt.Sprint(r.Messages()[0]["content"]), "JSON Schema"):
			return testsite.Turn{Text: "It is 100 degrees [1]."}
		}
		if asked++; asked == 1 {
			return testsite.Turn{Text: `{"data": {"celsius": "hot"}, "basis": {}}`}
		}
		return testsite.Turn{Text: "```json\n" + `{"data": {"celsius": 100, "minutes": 25, "clients": 8, "colour": "red", "settings": [{"name": "none"}, {"name": "boil_temperature"}]},
			"basis": {"/celsius": [1], "/minutes": [2], "/clients": [2], "/colour": [9], "/settings/1": [1]}}` + "\n```"}
	}
	a = newAsking(t, script, func(_ *asking, o *research.Options) { o.OutputSchema = []byte(schema) })
	res := a.answered(t)
	require.JSONEq(t, `{"celsius":100,"minutes":25,"clients":null,"colour":null,"settings":[{"name":"boil_temperature"}]}`, string(res.Data))
	require.Equal(t, []research.Basis{{Path: "/celsius", Citations: []int{1}}, {Path: "/minutes", Citations: []int{2}}, {Path: "/settings/0/name", Citations: []int{1}}}, res.DataBasis)
	require.Equal(t, []int{1, 2}, res.Cited)
	require.Contains(t, res.Metadata["dataProblem"], "/clients")
	task := a.Sound(t)
	require.JSONEq(t, string(res.Data), string(task.Data))
	require.Equal(t, res.DataBasis, task.DataBasis)
	require.Contains(t, a.lastMessage(len(a.server.Requests())-1), "/celsius", "the model is told what does not fit")
}

// TestQuick: with the effort quick, the built-in reader finds the quotes, and the model is asked once.
func TestQuick(t *testing.T) {
	t.Parallel()
	a := newAsking(t, testsite.Play(testsite.Turn{Text: "It takes 20 grams [1]."}))
	a.Fail(&research.Failure{Code: research.CodeCancelled, Message: "Another task is asked in its place."})
	o := agenttest.Seeded(a.site, "/index.html")
	o.Effort, o.MaxPages, o.MaxDepth, o.TimeBudget = research.Quick, 4, 2, 30*time.Second
	a.Work = a.Submit("How many grams of citric acid does descaling the kettle take?", o)
	res := a.answered(t)
	require.Equal(t, "It takes 20 grams [1].", res.Answer)
	require.Equal(t, false, res.Metadata["partial"])
	require.LessOrEqual(t, len(a.Opens()), 4)
	require.Len(t, a.server.Requests(), 1)
	require.Contains(t, a.Sound(t).Citations[0].Excerpt, "20 grams of citric acid")
	parent := a.Finished()

	a.Work = a.Follow(&parent, "And how often is that?", o)
	a.server.Follow(testsite.Play(testsite.Turn{}, testsite.Turn{Text: "Once a month [1]."}))
	require.Equal(t, "Once a month [1].", a.answered(t).Answer)
	require.Len(t, a.server.Requests(), 2)
	require.Contains(t, a.server.Requests()[1].Raw, "How many grams of citric acid", "the quotes of the earlier task are there")
}

// TestCopies: pages with the same text count as one source.
func TestCopies(t *testing.T) {
	t.Parallel()
	const text = "The Aurora kettle was recalled in all countries because its lid may open by itself."
	var a *asking
	a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		var opens, cites []testsite.ToolCall
		for _, path := range []string{"/a.html", "/b.html", "/c.html"} {
			opens = append(opens, call("navigate_to", "url", a.site.URL(path)))
		}
		cites = append(cites, call("cite", "url", a.site.URL("/a.html"), "quote", text), call("cite", "url", a.site.URL("/b.html"), "quote", strings.ToUpper(text[:1])+text[1:]+" Said B."),
			call("cite", "url", a.site.URL("/c.html"), "quote", "Nobody knows how many kettles are meant by it."))
		switch {
		case n == 0:
			return turn(opens...)
		case n == 1:
			return turn(cites...)
		case len(r.Tools()) > 0:
			return testsite.Turn{Text: "DONE"}
		}
		return testsite.Turn{Text: "It was recalled [1][2]. How many is not known [3]."}
	}, func(a *asking, _ *research.Options) {
		a.site.Page("/index.html", `<p><a href="/a.html">a</a> <a href="/b.html">b</a> <a href="/c.html">c</a></p>`)
		a.site.Page("/a.html", "<p>"+text+" So A.</p>")
		a.site.Page("/b.html", "<p>"+text+" Said B.</p>")
		a.site.Page("/c.html", "<p>Nobody knows how many kettles are meant by it.</p>")
	})
	a.answered(t)
	var groups []int
	for _, c := range a.Sound(t).Citations {
		groups = append(groups, c.Source)
	}
	require.Equal(t, []int{1, 1, 3}, groups)
	var sources int
	require.NoError(t, a.Store.Pool().QueryRow(t.Context(), "SELECT count(*) FROM task_sources WHERE task_id = $1", a.Task.ID).Scan(&sources))
	require.Equal(t, 2, sources)
}
