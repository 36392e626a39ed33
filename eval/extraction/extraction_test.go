package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, found, content string
		precision, recall    float64
	}{
		{"same words in another layout", "One, two!\nThree", "one two three", 1, 1},
		{"noise", "one two share this", "one two", 0.5, 1},
		{"loss", "one", "one two", 1, 0.5},
		{"a word counts as often as it stands", "one one one one", "one one", 0.5, 1},
		{"nothing found", "", "one", 0, 0},
		{"scripts without spaces, letter by letter", "湯の里ああ", "湯の里", 0.6, 1},
		{"marks belong to their letter", "cafe\u0301", "cafe\u0301", 1, 1},
	} {
		got := compare(c.found, c.content)
		if math.Abs(got.precision-c.precision) > 1e-9 || math.Abs(got.recall-c.recall) > 1e-9 {
			t.Errorf("%s: precision %.2f, recall %.2f; want %.2f, %.2f", c.name, got.precision, got.recall, c.precision, c.recall)
		}
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.html", "<html><body><main><h1>Eels</h1><p>Eels swim to the Sargasso Sea, and nobody has seen them spawn there.</p></main></body></html>")
	write("a.txt", "Eels\nEels swim to the Sargasso Sea, and nobody has seen them spawn there.")
	write("unmarked.html", "<p>no gold text: left out</p>")
	var out strings.Builder
	args := []string{"-pages", dir, "-gold", dir, "-other", "itself=" + dir, "-worst", "5"}
	if err := run(append(args, "-min", "0.9"), &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"| legwork | 1 | 1.000 | 1.000 | 1.000 |", "| itself | 1 | 1.000 | 1.000 | 1.000 |", "1.000 a: precision 1.000"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	write("a.txt", "something else altogether")
	for _, bad := range [][]string{append(args, "-min", "0.9"), {"-pages", t.TempDir()}, {"-other", "nofolder"}} {
		if err := run(bad, &out); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
}

// TestExtraction checks that the scores on the annotated pages do not fall below the best ones reached so far.
func TestExtraction(t *testing.T) {
	t.Parallel()
	corpus, err := load("testdata/pages", "testdata/gold")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	results := table(&out, corpus, []reader{{"legwork", legwork}})
	report(&out, results, 15)
	m := mean(scores(results))
	if len(corpus) < 60 || m.f1() < 0.94 || m.recall < 0.98 {
		t.Errorf("worse than it was:\n%s", out.String())
	}
}
