package words

import (
	"math"
	"strings"
	"testing"
)

// TestBM25AgreesWithReference compares scores with those of the library bm25s 0.3.16 (PyPI), which computes what Lucene
// computes: BM25(method="lucene", k1=1.2, b=0.75) over the same texts, split at spaces.
func TestBM25AgreesWithReference(t *testing.T) {
	t.Parallel()
	corpus := []string{
		"a kettle boils water", "kettle kettle kettle", "water is wet and water is cold here",
		"a long passage about nothing that mentions a kettle once near its end", "boiling",
		"the cold kettle boils cold water slowly and the water is cold", "unrelated words stand here", "kettle water",
	}
	df, total := map[string]float64{}, 0.0
	for _, text := range corpus {
		seen := map[string]bool{}
		for _, w := range strings.Fields(text) {
			total++
			if !seen[w] {
				seen[w] = true
				df[w]++
			}
		}
	}
	n := float64(len(corpus))
	for question, want := range map[string][]float64{
		"kettle water":      {0.619848, 0.392978, 0.393216, 0.149621, 0, 0.491916, 0, 0.73807},
		"cold":              {0, 0, 0.507194, 0, 0, 0.747874, 0, 0},
		"boils kettle cold": {0.927144, 0.392978, 0.507194, 0.149621, 0, 1.312961, 0, 0.306575},
		"none kettle":       {0.257468, 0.392978, 0, 0.149621, 0, 0.156925, 0, 0.306575},
	} {
		for i, text := range corpus {
			fields := strings.Fields(text)
			got := 0.0
			for _, w := range strings.Fields(question) {
				c := Counts{}
				for _, f := range fields {
					if f == w {
						c.Text++
					}
				}
				got += Weigh(df[w], n) * Score(c, float64(len(fields)), total/n)
			}
			if math.Abs(got-want[i]) > 1e-6 {
				t.Errorf("%q in %q: %.6f, want %.6f", question, text, got, want[i])
			}
		}
	}
}

// TestFieldsCount checks that a word in the title or a heading counts, but less than in the text, and that a word in all
// of them counts most.
func TestFieldsCount(t *testing.T) {
	t.Parallel()
	score := func(c Counts) float64 { return Score(c, 100, 100) }
	text, heading, title := score(Counts{Text: 1}), score(Counts{Heading: 1}), score(Counts{Title: 1})
	if all := score(Counts{1, 1, 1}); !(all > text && text > heading && heading > title && title > 0) || all >= 1 {
		t.Errorf("all %.3f, text %.3f, heading %.3f, title %.3f", all, text, heading, title)
	}
	if Weigh(1, 100) <= Weigh(50, 100) || Weigh(100, 100) < 0 {
		t.Error("rare words must weigh more, and none less than nothing")
	}
}
