package loop

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"legwork/internal/agent/modelcalls"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

var (
	judgedPair      = regexp.MustCompile(`Pair (\d+)\n<[^>]*>\nSentence: (.*)`)
	rewrittenNumber = regexp.MustCompile(`Sentence (\d+)\n<[^>]*>\nSentence: (.*)`)
)

// judging is a script that judges and rewrites sentences. verdict returns "" for a sentence that is supported, and anew
// the new text of one that is not. All other requests go to the script next.
func judging(next testsite.Script, verdict, anew func(sentence string) string) testsite.Script {
	return func(n int, r testsite.ModelRequest) testsite.Turn {
		ask, _ := r.Messages()[0]["content"].(string)
		var out []map[string]any
		switch {
		case strings.HasPrefix(ask, "For each pair below"):
			for _, m := range judgedPair.FindAllStringSubmatch(ask, -1) {
				v := "supported"
				if verdict(m[2]) != "" {
					v = verdict(m[2])
				}
				number, _ := strconv.Atoi(m[1])
				out = append(out, map[string]any{"pair": number, "verdict": v})
			}
		case strings.HasPrefix(ask, "The quotes of the sentences below"):
			for _, m := range rewrittenNumber.FindAllStringSubmatch(ask, -1) {
				number, _ := strconv.Atoi(m[1])
				out = append(out, map[string]any{"sentence": number, "text": anew(m[2])})
			}
		default:
			return next(n, r)
		}
		raw, _ := json.Marshal(out)
		return testsite.Turn{Text: string(raw)}
	}
}

// newMending returns a task whose model writes a report in which one sentence of the second section cannot be rewritten,
// another one can, and so can the summary.
func newMending(t *testing.T) *asking {
	t.Helper()
	p := &testsite.Reporter{Quotes: 12}
	bad := func(sentence string) string {
		for _, begin := range []string{"Sentence 1 of part 2 ", "Sentence 2 of part 2 ", "The town kept kettles"} {
			if strings.HasPrefix(sentence, begin) {
				return research.Unsupported
			}
		}
		return ""
	}
	anew := func(sentence string) string {
		if strings.HasPrefix(sentence, "Sentence 2 ") {
			return ""
		}
		return "It was written anew: " + sentence[:8]
	}
	return newAsking(t, judging(p.Turn, bad, anew), func(a *asking, o *research.Options) {
		p.Page = a.site.URL("/manual/long.html")
		o.Format, o.Length = research.FormatReport, 1500
		a.limits.Support = true
	})
}

// TestReportIsMended: sentences of a report that their quotes do not support are written anew or removed, and the report
// says so. The summary is written from the sections without them, and is judged in its turn.
func TestReportIsMended(t *testing.T) {
	t.Parallel()
	a := newMending(t)
	res := a.answered(t)
	require.Contains(t, res.Answer, "It was written anew: Sentence [")
	require.Contains(t, res.Answer, "It was written anew: The town [")
	require.NotContains(t, res.Answer, "Sentence 1 of part 2 ")
	require.NotContains(t, res.Answer, "Sentence 2 of part 2 ")
	require.Contains(t, res.Answer, "Sentence 1 of part 1 ")
	require.Contains(t, res.Answer, "- A sentence was removed, because the quotes did not support it.")
	require.Equal(t, map[string]any{"rewritten": 2, "removed": 1}, res.Metadata["unsupported"])
	require.Zero(t, res.Metadata["support"].(map[string]int)[research.Unsupported])
	require.Equal(t, false, res.Metadata["partial"])
	for _, q := range res.Cited {
		require.Equal(t, research.Supported, res.Support[q])
	}
	for _, r := range a.server.Requests() {
		if strings.Contains(r.Raw, "You finish a report") {
			require.NotContains(t, r.Raw, "Sentence 2 of part 2 ", "the summary is written from the mended sections")
		}
	}
	a.Sound(t)
}

// TestMendedReportResumes ends each run after it has recorded one reply. Together the runs make the same calls of the model
// as one undisturbed run, and write the same report.
func TestMendedReportResumes(t *testing.T) {
	t.Parallel()
	undisturbed := newMending(t)
	want := undisturbed.answered(t)
	a := newMending(t)
	a.AfterRecord = func(s research.Step) error {
		if s.Kind == research.ModelStep && modelcalls.PurposeOf(s).Purpose != modelcalls.ForResearch {
			return research.ErrFenced
		}
		return nil
	}
	for runs := 0; ; runs++ {
		require.Less(t, runs, 40)
		res, err := a.run(t.Context())
		if err == nil {
			require.Equal(t, strings.ReplaceAll(want.Answer, undisturbed.site.Host(), "SITE"), strings.ReplaceAll(res.Answer, a.site.Host(), "SITE"))
			require.Equal(t, want.Metadata, res.Metadata)
			break
		}
		require.ErrorIs(t, err, research.ErrFenced)
	}
	require.Len(t, a.server.Requests(), len(undisturbed.server.Requests()), "no call of the model is repeated")
}

// TestUnsupportedReport: if the quotes support nothing of what the model wrote, they serve as the answer.
func TestUnsupportedReport(t *testing.T) {
	t.Parallel()
	p := &testsite.Reporter{Quotes: 8}
	a := newAsking(t, judging(p.Turn, func(string) string { return research.Unsupported }, func(string) string { return "" }), func(a *asking, o *research.Options) {
		p.Page = a.site.URL("/manual/long.html")
		o.Format, o.Length = research.FormatReport, 600
		a.limits.Support = true
	})
	res := a.answered(t)
	require.Equal(t, true, res.Metadata["partial"])
	require.Contains(t, res.Answer, "> In the year ")
	require.Contains(t, res.Metadata["researchEnded"], "the quotes do not support the section")
}

// TestReportersSeeContext: the request for a section has, for each quote, its headings and the words around it, and the notes.
func TestReportersSeeContext(t *testing.T) {
	t.Parallel()
	p := &testsite.Reporter{Quotes: 8}
	noted := false
	a := newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		if len(r.Tools()) > 0 && n == 1 && !noted {
			noted = true
			return turn(call("note", "text", "The chronicle may exaggerate."))
		}
		return p.Turn(n, r)
	}, func(a *asking, o *research.Options) {
		p.Page = a.site.URL("/manual/long.html")
		o.Format, o.Length = research.FormatReport, 600
	})
	a.answered(t)
	seen := false
	for _, r := range a.server.Requests() {
		if testsite.WantedSection(r) == 0 {
			continue
		}
		seen = true
		ask := r.Messages()[1]["content"].(string)
		require.Contains(t, ask, "\nThe history of boiling")
		require.Contains(t, ask, "\n(after) ")
		require.Contains(t, ask, "- The chronicle may exaggerate.")
	}
	require.True(t, seen)
}
