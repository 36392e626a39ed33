package main

import (
	"slices"
	"strings"
	"testing"
)

const manualRoot = "http://127.0.0.1:4711"

func quote(page, excerpt string) Citation {
	return Citation{URL: manualRoot + page, Title: "t", Excerpt: excerpt, Verified: true}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	q := Question{ID: "q", Text: "How many?", Seed: "html/index.html", Pages: []string{"html/a.html", "html/b.html"},
		Accept: []string{"one hundred", "exactly 100"}}
	for _, tt := range []struct {
		name      string
		task      Task
		want      Verdict
		wantPages []string
	}{
		{"page and text", Task{Citations: []Citation{quote("/html/a.html", "It is One  Hundred.")}},
			Verdict{Found: true, RightPage: true, Citations: 1, Verified: 1}, []string{"/html/a.html"}},
		{"the other page and text", Task{Citations: []Citation{quote("/html/b.html", "that is exactly 100")}},
			Verdict{Found: true, RightPage: true, Citations: 1, Verified: 1}, []string{"/html/b.html"}},
		{"fragment and query do not matter", Task{Citations: []Citation{quote("/html/a.html?x=1#GUC-X", "one hundred")}},
			Verdict{Found: true, RightPage: true, Citations: 1, Verified: 1}, []string{"/html/a.html"}},
		{"right page, wrong text", Task{Citations: []Citation{quote("/html/a.html", "a hundred")}},
			Verdict{RightPage: true, Citations: 1, Verified: 1}, []string{"/html/a.html"}},
		{"right text, wrong page", Task{Citations: []Citation{quote("/html/c.html", "one hundred")}},
			Verdict{Citations: 1, Verified: 1}, []string{"/html/c.html"}},
		{"page and text in two citations", Task{Citations: []Citation{
			quote("/html/c.html", "one hundred"), quote("/html/a.html", "no number")}},
			Verdict{RightPage: true, Citations: 2, Verified: 2}, []string{"/html/c.html", "/html/a.html"}},
		{"a path that only ends alike", Task{Citations: []Citation{quote("/old/html/a.html", "one hundred")}},
			Verdict{Citations: 1, Verified: 1}, []string{"/old/html/a.html"}},
		{"an excerpt of 400 characters", Task{Citations: []Citation{
			quote("/html/a.html", "one hundred"+strings.Repeat("é", 389))}},
			Verdict{Found: true, RightPage: true, Citations: 1, Verified: 1}, []string{"/html/a.html"}},
		{"a whole page as excerpt", Task{Citations: []Citation{
			quote("/html/a.html", "one hundred"+strings.Repeat("é", 390))}},
			Verdict{RightPage: true, Citations: 1, Verified: 1, TooLong: 1}, []string{"/html/a.html"}},
		{"only the answer says it", Task{Answer: "It is **one hundred** [1].", Citations: []Citation{quote("/html/c.html", "x")}},
			Verdict{InAnswer: true, Citations: 1, Verified: 1}, []string{"/html/c.html"}},
		{"an unverified citation is counted", Task{Citations: []Citation{{URL: manualRoot + "/html/a.html", Excerpt: "one hundred"}}},
			Verdict{Found: true, RightPage: true, Citations: 1}, []string{"/html/a.html"}},
		{"one page twice is listed once", Task{Citations: []Citation{quote("/html/a.html", "x"), quote("/html/a.html#y", "y")}},
			Verdict{RightPage: true, Citations: 2, Verified: 2}, []string{"/html/a.html"}},
		{"no citation", Task{Usage: Usage{Pages: 7, ToolCalls: 9}, Error: "no sources", Metadata: map[string]any{"partial": true}},
			Verdict{Pages: 7, ToolCalls: 9, Error: "no sources", Partial: true}, []string{}},
		{"a URL that does not parse", Task{Citations: []Citation{{URL: "http://[x", Excerpt: "one hundred"}}},
			Verdict{Citations: 1}, []string{"http://[x"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := judge(q, tt.task, 1.5)
			if !slices.Equal(got.CitedPages, tt.wantPages) {
				t.Errorf("cited pages %q, want %q", got.CitedPages, tt.wantPages)
			}
			if got.ID != "q" || got.Seconds != 1.5 || got.Answer != tt.task.Answer {
				t.Errorf("id %q, seconds %v, answer %q", got.ID, got.Seconds, got.Answer)
			}
			got.ID, got.Question, got.Seconds, got.Answer, got.CitedPages = "", "", 0, "", nil
			if !equal(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// equal compares two verdicts without their lists, which the caller compares.
func equal(a, b Verdict) bool {
	return a.Found == b.Found && a.RightPage == b.RightPage && a.InAnswer == b.InAnswer && a.Citations == b.Citations &&
		a.Verified == b.Verified && a.TooLong == b.TooLong && a.Pages == b.Pages && a.ToolCalls == b.ToolCalls &&
		a.Error == b.Error && a.Partial == b.Partial
}

func TestNormalise(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"  One\n\u00a0second\t(1s) ":                        "one second (1s)",
		"`max_connections` (*integer*)":                     "max_connections (integer)",
		`os.cpu\_count() \+ 4`:                              "os.cpu_count() + 4",
		"a [`VACUUM` page](sql-vacuum.html \"VACUUM\") x":   "a vacuum page x",
		"see [f()](a.html#f(x)) and ![pic](p.png)":          "see f() and pic",
		"| columns per table | 1,600 |":                     "columns per table 1,600",
		"query’s “output” – all":                            `query's "output" - all`,
		"array[1] (not a link)":                             "array[1] (not a link)",
		"**25%** of the memory":                             "25% of the memory",
		"soft\u00adhyphen":                                  "softhyphen",
		"|":                                                 "",
		`C:\dir`:                                            `c:\dir`,
		"[\\[1\\]](#ftn) note":                              "[1] note",
		"number\\=1000000, [*timer*](library/x.html#timer)": "number=1000000, timer",
	} {
		if got := normalise(in); got != want {
			t.Errorf("normalise(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSummarise(t *testing.T) {
	t.Parallel()
	got := summarise([]Verdict{
		{Status: "completed", Found: true, RightPage: true, InAnswer: true, Citations: 3, Verified: 3, Pages: 4, Seconds: 3},
		{Status: "completed", RightPage: true, Citations: 1, Verified: 0, TooLong: 1, Pages: 20, Seconds: 9},
		{Status: "failed", Seconds: 1},
		{Status: "completed", Found: true, RightPage: true, Seconds: 5},
	})
	want := Summary{Questions: 4, Found: 0.5, RightPage: 0.75, InAnswer: 0.25, Completed: 0.75, Verified: 0.75, TooLong: 1,
		Citations: 1, Pages: 6, MedianSeconds: 4, P90Seconds: 9, MaxSeconds: 9}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := summarise(nil); got != (Summary{}) {
		t.Errorf("of nothing: %+v", got)
	}
}
