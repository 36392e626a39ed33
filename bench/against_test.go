package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"legwork/bench/measure"
)

func TestReadFigures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, raw, fails string }{
		{"a version without later fields", `{"pairs":1,"figures":[{"part":"a","name":"append","unit":"events/s","values":[10,20,30]}]}`, ""},
		{"fields that this version does not know", `{"new":1,"figures":[{"part":"a","name":"append","unit":"events/s","values":[10,20,30],"more":{}}]}`, ""},
		{"not JSON", `| part | figure |`, "not what this version reads"},
		{"another shape", `{"figures":{"append":[1]}}`, "not what this version reads"},
		{"nothing", `{}`, "no figures"},
		{"no values", `{"figures":[{"part":"a","name":"append","unit":"s","values":[]}]}`, `"a" "append"`},
		{"no name", `{"figures":[{"part":"a","unit":"s","values":[1]}]}`, `"a" ""`},
	} {
		got, err := readFigures([]byte(c.raw))
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		want := []measure.Figure{{Part: "a", Name: "append", Unit: "events/s", Values: []float64{10, 20, 30}}}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v %v", c.name, got, err)
		}
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	ten, twenty := []float64{9, 10, 10, 10, 10, 11}, []float64{18, 20, 20, 20, 20, 22}
	wide := []float64{5, 8, 9.9, 9.9, 12, 20}
	for _, c := range []struct {
		name, unit  string
		before, now []float64
		ratio       float64 // 0 means that there is no ratio
		verdict     string
		holds       bool
	}{
		{"a rate that doubled", "runs/s", ten, twenty, 2, "better", true},
		{"a rate that halved", "runs/s", twenty, ten, 0.5, "worse", false},
		{"a time that halved", "ms", twenty, ten, 2, "better", true},
		{"a time that doubled", "µs", ten, twenty, 0.5, "worse", false},
		{"less than the noise", "runs/s", ten, wide, 0.99, "no difference shown", true},
		{"two pairs", "runs/s", ten[:2], twenty[:2], 2, "fewer than 5 pairs", true},
		{"a value of 0", "% of one", []float64{0, 1, 1, 1, 1, 1}, ten, 0, "no ratio: a value is 0", false},
	} {
		got, err := judge(figureKey{"x", c.name, c.unit}, c.before, c.now)
		if err != nil || got.Verdict != c.verdict {
			t.Errorf("%s: %q, %v", c.name, got.Verdict, err)
		}
		if c.ratio == 0 {
			if got.Ratio != nil || got.Holds != nil {
				t.Errorf("%s: %+v", c.name, got)
			}
			continue
		}
		if got.Ratio == nil || got.Ratio.Median != c.ratio || got.Ratio.Low > c.ratio || got.Ratio.High < c.ratio || *got.Holds != c.holds {
			t.Errorf("%s: %+v", c.name, got.Ratio)
		}
	}
	if _, err := judge(figureKey{"x", "length", "furlongs"}, ten, ten); err == nil {
		t.Error("a unit without a direction was judged")
	}
}

func TestPairUp(t *testing.T) {
	t.Parallel()
	figure := func(name string, values ...float64) measure.Figure {
		return measure.Figure{Part: "c", Name: name, Unit: "runs/s", Values: values}
	}
	before := [][]measure.Figure{{figure("runs", 8, 10, 12), figure("gone", 1)}, {figure("runs", 20), figure("gone", 1)}}
	now := [][]measure.Figure{{figure("new", 1), figure("runs", 10), figure("runs", 10)}, {figure("new", 1), figure("runs", 30), figure("runs", 30)}}
	pairs, onlyOne, err := pairUp(before, now)
	if err != nil || len(pairs) != 1 || pairs[0].Name != "runs" {
		t.Fatal(pairs, err)
	}
	if p := pairs[0]; !reflect.DeepEqual(p.Before, []float64{10, 20}) || !reflect.DeepEqual(p.Now, []float64{10, 30}) {
		t.Errorf("values of each run: %v, %v", p.Before, p.Now)
	}
	if want := []string{"c: new (runs/s), only now", "c: gone (runs/s), only before"}; !reflect.DeepEqual(onlyOne, want) {
		t.Errorf("only one has %v", onlyOne)
	}
	if _, _, err := pairUp(before, [][]measure.Figure{{figure("runs", 1)}, {figure("new", 1)}}); err == nil {
		t.Error("a figure that one run left out was compared")
	}
	v := versions{Figures: pairs, OnlyOne: onlyOne}
	var table bytes.Buffer
	v.table(&table)
	for _, line := range []string{"runs/s, more is better", "20.0 (10.0–30.0)", "0 of 1 figures are below 0.95", "- c: gone (runs/s), only before"} {
		if !strings.Contains(table.String(), line) {
			t.Errorf("%q is missing in\n%s", line, &table)
		}
	}
}

// TestAgainstItself builds this version twice and compares it with itself, with the smallest sizes.
func TestAgainstItself(t *testing.T) {
	if testing.Short() {
		t.Skip("builds two programs")
	}
	t.Chdir("..")
	out := t.TempDir()
	s, err := parseFlags([]string{"-against", ".", "-parts", "step", "-quick", "-duration", "100ms", "-out", out, "-markdown", filepath.Join(out, "table.md")}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var log record
	if err := run(t.Context(), s, io.Discard, &log); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	raw, err := os.ReadFile(filepath.Join(out, "against.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v versions
	if err := json.Unmarshal(raw, &v); err != nil || len(v.Figures) != 1 || len(v.OnlyOne) != 0 || v.Figures[0].Ratio == nil {
		t.Errorf("%v\n%s", err, raw)
	}
	table, err := os.ReadFile(filepath.Join(out, "table.md"))
	if err != nil || !strings.Contains(string(table), "less is better") {
		t.Errorf("%v\n%s", err, table)
	}
	s.against = out
	if err := run(t.Context(), s, io.Discard, &log); err == nil || !strings.Contains(err.Error(), "must be a checkout of legwork") {
		t.Errorf("a folder without a checkout: %v", err)
	}
}
