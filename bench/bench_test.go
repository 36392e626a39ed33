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

	"legwork/bench/measure"
	"legwork/bench/parts"
	"legwork/bench/server"
)

// TestMain runs a server under test if the environment says so, because the parts start the test program as a server.
// Otherwise it runs the tests.
func TestMain(m *testing.M) {
	if spec := os.Getenv(server.EnvConfig); spec != "" {
		os.Exit(server.Main(contextOfMain(), spec))
	}
	if slices.Equal(os.Args[1:], parts.ParserArguments()) {
		os.Exit(parts.ParserMain(contextOfMain()))
	}
	os.Exit(m.Run())
}

// record collects the output of several processes.
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

// TestEveryPartGivesFigures runs all parts with the smallest sizes. It does not check the values.
func TestEveryPartGivesFigures(t *testing.T) {
	t.Chdir("..")
	var log record
	out := t.TempDir()
	s, err := parseFlags([]string{"-quick", "-out", out}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	r, err := measured(t.Context(), s, &log)
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	found := map[string]int{}
	for _, f := range r.Figures {
		found[f.Part]++
		if len(f.Values) == 0 || math.IsNaN(measure.Median(f.Values)) {
			t.Errorf("%s has no value", f.Name)
		}
		if len(f.References) > 0 && !slices.Contains(f.References, 0) && (f.Ratio == nil || math.IsNaN(f.Ratio.Median)) {
			t.Errorf("%s has no ratio", f.Name)
		}
		if _, err := measure.HigherIsBetter(f.Unit); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	for _, p := range []string{"a", "s", "b", "c", "d", "e", "f", "g", "h", "m", "p", "r"} {
		if found[p] == 0 {
			t.Errorf("part %s gave no figure", p)
		}
	}
	if err := r.Save(out, filepath.Join(out, "table.md")); err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	r.Table(&table)
	if lines := strings.Count(table.String(), "\n"); lines < len(r.Figures) {
		t.Errorf("the table has %d lines for %d figures", lines, len(r.Figures))
	}
	if info, err := os.Stat(filepath.Join(out, "results.json")); err != nil || info.Size() == 0 {
		t.Errorf("results.json: %v", err)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-pairs", "0"}, {"-duration", "0s"}, {"more"}, {"-nonsense"}, {"-parts", "nothing"}, {"-only", "("},
		{"-against", ".", "-profiles", "p"}} {
		if _, err := parseFlags(args, io.Discard); err == nil {
			t.Errorf("%v: accepted", args)
		}
	}
	for want, args := range map[string][]string{strings.Join(partNames(), ","): nil, comparedParts: {"-against", "x"}, "step": {"-against", "x", "-parts", "step"}} {
		if s, err := parseFlags(args, io.Discard); err != nil || s.names != want {
			t.Errorf("%v: parts %s, %v", args, s.names, err)
		}
	}
}
