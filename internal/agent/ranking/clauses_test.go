package ranking

import (
	"slices"
	"testing"
)

func TestClauses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		question string
		want     []string
	}{
		{"What is the default of max_connections?", nil},
		{"How are roles and privileges granted?", nil},
		{"How long is the cable, and how long does the guarantee last?", []string{"How long is the cable", "how long does the guarantee last?"}},
		{"What is a lock and who holds it; when is it released?", []string{"What is a lock", "who holds it", "when is it released?"}},
		{"Does it boil, and is it hot?", []string{"Does it boil", "is it hot?"}},
		{"How do json and jsonb differ?", []string{"How do json differ?", "How do jsonb differ?"}},
		{"Compare the ranges of smallint and bigint.", []string{"Compare the ranges of smallint.", "Compare the ranges of bigint."}},
		{"Wie lang ist das Kabel, und wie lange gilt die Garantie?", []string{"Wie lang ist das Kabel", "wie lange gilt die Garantie?"}},
		{"and how?", nil},
		{"", nil},
	} {
		if got := Clauses(tt.question); !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q", tt.question, got)
		}
	}
}

func FuzzClauses(f *testing.F) {
	f.Add("A and how B and C differ; what?")
	f.Fuzz(func(t *testing.T, s string) {
		if got := Clauses(s); len(got) > maxClauses || len(got) == 1 {
			t.Fatalf("%q: %q", s, got)
		}
	})
}
