package progress

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"legwork/api"
)

// TestReportOnTerminal: on a terminal the headings and strong words of a report are bold, and the text stays Markdown. Data
// and contradictions are printed after it.
func TestReportOnTerminal(t *testing.T) {
	t.Parallel()
	answer := "# Kettles\n\n**Much** water [1].\n\n```\n# not a heading\n```"
	data, newest := json.RawMessage(`{"litres":1.7,"name":"\u001b[31mred"}`), 2
	kind, published := api.CitationKind("news"), api.NewTime(time.Date(2024, 5, 14, 0, 0, 0, 0, time.UTC))
	task := api.Task{Answer: &answer, Data: &data, DataBasis: []api.Basis{{Path: "/litres", Citations: []int{1, 2}}},
		Contradictions: []api.Contradiction{{About: "how much", Citations: []int{1, 2}, Newest: &newest}},
		Citations:      []api.Citation{{URL: "https://example.org/", Title: "T", Kind: &kind, PublishedAt: &published}}}
	var out strings.Builder
	New(&out, true).Answer(task)
	for _, want := range []string{"\x1b[1m# Kettles\x1b[0m\n\n\x1b[1m**Much**\x1b[0m water [1].\n\n```\n# not a heading\n```\n", `"litres": 1.7`,
		"  /litres [1][2]\n", "  [1][2] how much (the newest: [2])\n", "(news, published 2024-05-14)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in %q", want, out.String())
		}
	}
	if strings.Contains(out.String(), "\x1b[31m") {
		t.Errorf("data controls the terminal: %q", out.String())
	}
	var plain strings.Builder
	New(&plain, false).Answer(task)
	if strings.Contains(plain.String(), "\x1b") || !strings.Contains(plain.String(), "# Kettles\n\n**Much** water [1].") {
		t.Errorf("without colours: %q", plain.String())
	}
}
