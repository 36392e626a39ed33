package questions

import (
	"strings"
	"testing"
)

func TestNormalise(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"  One\n\u00a0second\t(1s) ":                        "one second (1s)",
		"`max_connections` (*integer*)":                     "max_connections (integer)",
		`os.cpu\_count() \+ 4`:                              "os.cpu_count() + 4",
		"a [`VACUUM` page](sql-vacuum.html \"VACUUM\") x":   "a vacuum page x",
		"see [f()](a.html#f(x)) and ![pic](p.png)":          "see f() and pic",
		"| columns per table | 1,600 |":                     "columns per table 1,600",
		"query’s “output” – all":                            `query's "output" - all`,
		"array[1] (not a link)":                             "array[1] (not a link)",
		"**25%** of the memory":                             "25% of the memory",
		"soft\u00adhyphen":                                  "softhyphen",
		"|":                                                 "",
		`C:\dir`:                                            `c:\dir`,
		"[\\[1\\]](#ftn) note":                              "[1] note",
		"number\\=1000000, [*timer*](library/x.html#timer)": "number=1000000, timer",
	} {
		if got := Normalise(in); got != want {
			t.Errorf("Normalise(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestRightPlace(t *testing.T) {
	t.Parallel()
	const text = "Contents: first, second.\n\nSize of first\nIt is **set** at start.\n\nSize of second\nIt is set\nat start.\n\nSize of third\nIt is set at start."
	at := func(s string, n int) int {
		i := 0
		for ; n > 1; n-- {
			i += strings.Index(text[i:], s) + len(s)
		}
		return i + strings.Index(text[i:], s)
	}
	part := Part{Accept: []string{"it is set at start"}, After: "Size of second"}
	for _, tt := range []struct {
		name       string
		start, end int
		right, ok  bool
	}{
		{"the right one", at("It is", 2), at("Size of third", 1), true, true},
		{"the one before", at("It is", 1), at("Size of second", 1), false, true},
		{"the one after", at("It is", 3), len(text), false, true},
		{"two of them", at("It is", 2), len(text), true, true},
		{"none of them", 0, 9, false, false},
		{"outside of the text", 0, len(text) + 1, false, false},
		{"a negative start", -1, 5, false, false},
	} {
		if right, ok := RightPlace(text, tt.start, tt.end, part); right != tt.right || ok != tt.ok {
			t.Errorf("%s: %v, %v", tt.name, right, ok)
		}
	}
	if _, ok := RightPlace(text, 0, len(text), Part{Accept: part.Accept}); ok {
		t.Error("a part without a place has one")
	}
	if _, ok := RightPlace(text, 0, len(text), Part{Accept: part.Accept, After: "Size of fourth"}); ok {
		t.Error("the text before the place is not there")
	}
}
