package main

import (
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestMain(m *testing.M) {
	if spec := os.Getenv(asServer); spec != "" {
		os.Exit(serverMain(contextOfMain(), spec))
	}
	os.Exit(m.Run())
}

// record keeps what several processes print at once.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// TestEveryPartGivesFigures runs everything once, as briefly as it goes, and does not look at the values.
func TestEveryPartGivesFigures(t *testing.T) {
	t.Chdir("..")
	var log record
	out := t.TempDir()
	s, err := parseFlags([]string{"-quick", "-out", out}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	r, err := measure(t.Context(), s, &log)
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	found := map[string]int{}
	for _, f := range r.Figures {
		found[f.Part]++
		if len(f.Values) == 0 || math.IsNaN(median(f.Values)) {
			t.Errorf("%s has no value", f.Name)
		}
		if len(f.References) > 0 && !slices.Contains(f.References, 0) && (f.Ratio == nil || math.IsNaN(f.Ratio.Median)) {
			t.Errorf("%s has no ratio", f.Name)
		}
	}
	for _, p := range []string{"a", "s", "b", "c", "d", "e", "f", "g", "h"} {
		if found[p] == 0 {
			t.Errorf("part %s gave no figure", p)
		}
	}
	if err := r.save(out, filepath.Join(out, "table.md")); err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	r.table(&table)
	if lines := strings.Count(table.String(), "\n"); lines < len(r.Figures) {
		t.Errorf("the table has %d lines for %d figures", lines, len(r.Figures))
	}
	if info, err := os.Stat(filepath.Join(out, "results.json")); err != nil || info.Size() == 0 {
		t.Errorf("results.json: %v", err)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-pairs", "0"}, {"-duration", "0s"}, {"more"}, {"-nonsense"}} {
		if _, err := parseFlags(args, io.Discard); err == nil {
			t.Errorf("%v: accepted", args)
		}
	}
	if _, err := measure(t.Context(), settings{parts: "nothing"}, io.Discard); err == nil {
		t.Error("an unknown part was accepted")
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	got := compare([]float64{80, 90, 100, 90, 80, 95, 85, 90, 100, 90}, []float64{100, 100, 100, 100, 100, 100, 100, 100, 100, 100})
	if got.Median != 0.9 || got.Low < 0.8 || got.Low > 0.9 || got.High < 0.9 || got.High > 1 {
		t.Errorf("compare = %+v", got)
	}
	if again := compare([]float64{1, 2, 3}, []float64{2, 2, 2}); again != compare([]float64{1, 2, 3}, []float64{2, 2, 2}) {
		t.Error("two comparisons of the same values differ")
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	f := figure{Values: []float64{8, 10, 12}, Ratio: &ratio{Median: 0.9, Low: 0.8, High: 1.1}}
	for _, c := range []struct {
		target target
		holds  bool
	}{
		{target{Of: "value", AtMost: 10}, true}, {target{Of: "value", AtMost: 9}, false}, {target{Of: "value", AtLeast: 11}, false},
		{target{Of: "ratio", AtLeast: 0.85}, true}, {target{Of: "bound", AtLeast: 0.85}, false},
		{target{Of: "ratio", AtMost: 1}, true}, {target{Of: "bound", AtMost: 1}, false},
	} {
		if got := c.target.holds(f); got != c.holds {
			t.Errorf("%s: %v", c.target, got)
		}
	}
}

// A reference of 0 gives no ratio: the figure stands alone and can be written.
func TestReferenceOfNothing(t *testing.T) {
	t.Parallel()
	var r report
	r.add(figure{Part: "d", Name: "kernel", Values: []float64{0, 3}, Reference: "bare", References: []float64{0, 1}, Target: &target{Of: "ratio", AtMost: 2}})
	if f := r.Figures[0]; f.Ratio != nil || f.Holds != nil || median(f.Values) != 1.5 {
		t.Errorf("figure = %+v", f)
	}
	var table bytes.Buffer
	if r.table(&table); !strings.Contains(table.String(), "no ratio") {
		t.Error(table.String())
	}
	if err := r.save(t.TempDir(), ""); err != nil {
		t.Error(err)
	}
}

func TestStatements(t *testing.T) {
	t.Parallel()
	all, err := loadStatements()
	if err != nil {
		t.Fatal(err)
	}
	for name, sql := range all {
		if strings.Contains(sql, "sqlc.") || strings.Contains(sql, "--") || sql == "" {
			t.Errorf("%s: %s", name, sql)
		}
	}
	events, steps, err := appendScripts()
	if err != nil || events.err != nil || steps.err != nil || runScript(all).err != nil {
		t.Error(err, events.err, steps.err, runScript(all).err)
	}
	s := &script{all: all}
	if s.add("Vanished", ";"); s.err == nil {
		t.Error("a statement that does not exist was taken")
	}
}
