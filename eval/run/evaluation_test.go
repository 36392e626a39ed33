package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCountSentences(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string][2]int{
		"":                       {0, 0},
		"It is 100 degrees [1].": {1, 1},
		"It is 100 degrees. [1] Ports are open. Yes.":                                                       {2, 1},
		"# A heading of it\n\nThese are the values:\n\n- one is first [1]\n- two is second":                 {2, 1},
		"What was found:\n\n> The default is\n> one second.\n\n[1] Locks\n\n> Nobody knows it.\n\nThe end.": {2, 1},
		"Use this one [2].\n```\nnot a sentence at all.\n```":                                               {1, 1},
	} {
		if all, cited := countSentences(answer); all != want[0] || cited != want[1] {
			t.Errorf("%q: %d of %d, want %v", answer, cited, all, want)
		}
	}
}

// TestTwoCorpora runs one evaluation with two manuals. It must apply a bound to each, print a total, and compare the
// result with an earlier evaluation.
func TestTwoCorpora(t *testing.T) {
	t.Parallel()
	api := newFakeAPI(t)
	first, one := manual(t, "right", "failing")
	second, two := manual(t, "right too")
	other := filepath.Join(t.TempDir(), "other.jsonl")
	raw, err := os.ReadFile(two)
	if err == nil {
		err = os.WriteFile(other, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	report := filepath.Join(t.TempDir(), "out.json")
	args := []string{"--api", api.URL, "--docs", first + "," + second, "--questions", one + "," + other, "--poll", "1ms", "--json", report}
	var out bytes.Buffer
	if err := run(t.Context(), append(args, "--min", "0.5,1"), &out, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	e, err := readEvaluation(report)
	if err != nil || len(e.Corpora) != 2 || e.Total.Questions != 3 || e.Corpora[0].Summary.Found != 0.5 || e.Corpora[1].Summary.Found != 1 {
		t.Errorf("%v: %+v", err, e)
	}
	if !strings.Contains(out.String(), "total") || !strings.Contains(out.String(), "66.7 %") {
		t.Errorf("no total:\n%s", out.String())
	}
	if err := run(t.Context(), append(args, "--min", "0.6,1"), &out, &out); err == nil || !strings.Contains(err.Error(), "50.0 % found") {
		t.Errorf("a corpus below its bound: %v", err)
	}
	for i := range e.Corpora[0].Verdicts {
		v := &e.Corpora[0].Verdicts[i]
		v.Found = !v.Found
	}
	e.Corpora[0].Summary.Pages = 9
	old := filepath.Join(t.TempDir(), "old.json")
	if raw, err = json.Marshal(e); err == nil {
		err = os.WriteFile(old, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := run(t.Context(), append(args, "--compare", old), &out, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	folded := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{"pages opened 9.0 2.0 -7.0", "found now 1 q1", "found before 1 q2"} {
		if !strings.Contains(folded, want) {
			t.Errorf("the comparison lacks %q:\n%s", want, out.String())
		}
	}
	if err := run(t.Context(), append(args, "--compare", other), &out, &out); err == nil {
		t.Error("compared with what is no report")
	}
}
