package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"legwork/internal/testsite"
)

// manualFiles are a manual and a question about it, in the form that the evaluation reads.
var manualFiles = map[string]string{
	"html/index.html": `<!doctype html><title>The lock manual</title><h1>The lock manual</h1><p>All about locks and how long they are waited for.</p><p><a href="locks.html">Locks</a></p>`,
	"html/locks.html": `<!doctype html><title>Locks</title><h1>Locks</h1><p>The server waits for a lock before it looks for a deadlock. The default is one second (1s).</p>`,
	"questions.jsonl": `{"id":"deadlock","question":"How long does the server wait before it looks for a deadlock?","seed":"html/index.html",` +
		`"pages":["html/locks.html"],"accept":["default is one second (1s)"]}` + "\n",
}

// TestEvaluation runs the evaluation against a server whose language model speaks one of the supported protocols. The
// numbers in the report must match what the scripted model did.
func TestEvaluation(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "evaluate")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../eval/run").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	index := regexp.MustCompile(`http://[0-9.:]+/html/index\.html`)
	script := func(_ int, r testsite.ModelRequest) testsite.Turn {
		page := strings.Replace(index.FindString(r.Raw), "index.html", "locks.html", 1)
		arguments := func(v map[string]string) string { b, _ := json.Marshal(v); return string(b) }
		switch {
		case len(r.Tools()) == 0:
			return testsite.Turn{Text: "It waits one second [1]. The default is one second (1s) [1]. Nobody says why.", In: 1000, Out: 50}
		case strings.Contains(r.Raw, "Kept as evidence"):
			return testsite.Turn{Text: "DONE", In: 1000, Out: 50}
		case strings.Contains(r.Raw, "looks for a deadlock. The default"):
			return testsite.Turn{In: 1000, Out: 50, Calls: []testsite.ToolCall{{Name: "cite", Arguments: arguments(map[string]string{"url": page, "quote": "The default is one second (1s)."})}}}
		}
		return testsite.Turn{In: 1000, Out: 50, Calls: []testsite.ToolCall{{Name: "navigate_to", Arguments: arguments(map[string]string{"url": page})}}}
	}
	for provider, start := range map[string]func(testing.TB, testsite.Script) *testsite.LLM{"openai": testsite.OpenAI, "anthropic": testsite.Anthropic} {
		t.Run(provider, func(t *testing.T) {
			w := newWorld(t)
			for name, text := range manualFiles {
				file := filepath.Join(w.dir, "manual", name)
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			server := start(t, script)
			c := w.serve(roleAll, "LLM_PROVIDER="+provider, "LLM_BASE_URL="+server.BaseURL(), "LLM_MODEL=scripted", "LLM_API_KEY=sk-test")
			report := filepath.Join(w.dir, "report.json")
			cmd := exec.CommandContext(w.ctx(), program, "--api", c.base, "--docs", filepath.Join(w.dir, "manual"),
				"--questions", filepath.Join(w.dir, "manual", "questions.jsonl"), "--json", report, "--min", "1")
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			raw, err := os.ReadFile(report)
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				AnsweredBy string             `json:"answeredBy"`
				Total      map[string]float64 `json:"total"`
			}
			if err := json.Unmarshal(raw, &got); err != nil {
				t.Fatal(err)
			}
			if got.AnsweredBy != provider+" scripted" {
				t.Errorf("answered by %q", got.AnsweredBy)
			}
			for k, want := range map[string]float64{"questions": 1, "found": 1, "rightPage": 1, "inAnswer": 1, "completed": 1, "verified": 1,
				"citations": 1, "pages": 2, "steps": 8} {
				if got.Total[k] != want {
					t.Errorf("%s = %v, want %v", k, got.Total[k], want)
				}
			}
			if s := got.Total["citedSentences"]; s < 0.66 || s > 0.67 {
				t.Errorf("%.3f of the sentences are cited, want 2 of 3", s)
			}
			if got.Total["inputTokens"] < 3000 || got.Total["outputTokens"] < 150 || got.Total["p90Seconds"] <= 0 {
				t.Errorf("totals %v", got.Total)
			}
		})
	}
}
