//go:build failpoints

package jobs

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"legwork/internal/agent"
	"legwork/internal/research"
)

// TestReportAndData: the data and the contradictions of a result are in the task, in the event that ends it and in
// result.json. A report is in report.md, too. A task without them has neither.
func TestReportAndData(t *testing.T) {
	p := setup(t)
	data := `{"litres":1.7,"colour":null}`
	p.work(func(_ context.Context, env agent.Env) (research.Result, error) {
		res := research.Result{Answer: "# Kettles\n\nThey hold water.", Confidence: 0.5, Metadata: map[string]any{}}
		if env.Task.Options.Format == research.FormatReport {
			res.Data, res.DataBasis = []byte(data), []research.Basis{{Path: "/litres", Citations: []int{1}}}
			res.Contradictions = []research.Contradiction{{About: "how much", Citations: []int{1, 2}, Newest: 2}}
		}
		return res, nil
	})
	schema := `{"type":"object","properties":{"litres":{"type":"number"}}}`
	for _, format := range research.Formats {
		o := research.Options{MaxDepth: 3, MaxPages: 20, TimeBudget: waitLimit, SearchEngine: research.Library, MaxResults: 10, Format: format}
		report := format == research.FormatReport
		if report {
			o.Length, o.OutputSchema, o.Effort = 300, []byte(schema), research.Standard
		}
		task, err := p.Submit(t.Context(), research.DefaultAccount, research.NewTask{Question: "q", Priority: research.Normal, Options: o})
		if err != nil {
			t.Fatal(err)
		}
		got := p.await(task.ID)
		if got.Options.Format != format || got.Options.Effort != research.Standard || report && (got.Options.Length != 300 || string(got.Options.OutputSchema) != schema) {
			t.Errorf("options %+v", got.Options)
		}
		frames := p.frames(task.ID)
		var event map[string]json.RawMessage
		if err := json.Unmarshal([]byte(frames[len(frames)-1]), &event); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"data": data, "dataBasis": `[{"citations":[1],"path":"/litres"}]`,
			"contradictions": `[{"about":"how much","citations":[1,2],"newest":2}]`} {
			if !report {
				want = ""
			}
			if string(event[name]) != want {
				t.Errorf("%s: %s of the event is %s, want %s", format, name, event[name], want)
			}
		}
		if want := map[bool]string{true: data}[report]; string(got.Data) != want || (len(got.DataBasis) > 0) != report || (len(got.Contradictions) > 0) != report {
			t.Errorf("%s: data %s, basis %v, contradictions %v", format, got.Data, got.DataBasis, got.Contradictions)
		}
		if err := p.EnsureArtifacts(t.Context(), got); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(p.dir, task.ID.String(), "report.md"))
		if report != (err == nil) || report && !strings.HasPrefix(string(text), "# Kettles\n") {
			t.Errorf("%s: report.md is %q, %v", format, text, err)
		}
		result, err := os.ReadFile(filepath.Join(p.dir, task.ID.String(), "result.json"))
		if err != nil || strings.Contains(string(result), `"litres": 1.7`) != report {
			t.Errorf("%s: result.json is %s, %v", format, result, err)
		}
	}
}
