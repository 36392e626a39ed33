package research_test

import (
	"testing"

	"legwork/internal/research"
)

// TestCutter: pieces are cut by code points, from the beginning of the text to its end.
func TestCutter(t *testing.T) {
	t.Parallel()
	c := research.NewCutter("zwölf Mühlen 水車 end")
	for _, tt := range []struct {
		start, end int
		want       string
		ok         bool
	}{
		{0, 5, "zwölf", true}, {5, 5, "", true}, {6, 12, "Mühlen", true}, {13, 15, "水車", true}, {0, 3, "", false}, {16, 15, "", false}, {16, 19, "end", true}, {19, 20, "", false},
	} {
		if got, ok := c.Cut(tt.start, tt.end); got != tt.want || ok != tt.ok {
			t.Errorf("%d..%d: %q, %v", tt.start, tt.end, got, ok)
		}
	}
}
