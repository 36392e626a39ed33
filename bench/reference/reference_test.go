package reference

import (
	"slices"
	"strings"
	"testing"
)

func TestStatements(t *testing.T) {
	t.Parallel()
	all, err := LoadStatements()
	if err != nil {
		t.Fatal(err)
	}
	for name, sql := range all {
		if strings.Contains(sql, "sqlc.") || strings.Contains(sql, "--") || sql == "" {
			t.Errorf("%s: %s", name, sql)
		}
	}
	events, steps := AppendScripts(all)
	post, get, list := APIScripts(all)
	for i, s := range []*Script{events, steps, post, get, list, RunScript(all)} {
		if s.err != nil || s.text.Len() == 0 {
			t.Errorf("script %d: %v", i, s.err)
		}
	}
	s := &Script{all: all}
	if s.add("Vanished", ";"); s.err == nil {
		t.Error("a statement that does not exist was taken")
	}
	if _, _, err := all.numbered("Vanished"); err == nil {
		t.Error("a statement that does not exist was numbered")
	}
}

func TestNumbered(t *testing.T) {
	t.Parallel()
	all := Statements{"Move": "UPDATE t SET a = :to::int[], b = ':: x' WHERE id = :id AND a <> :to AND c = ANY(:some_ids::uuid[])"}
	sql, arguments, err := all.numbered("Move")
	want := "UPDATE t SET a = $1::int[], b = ':: x' WHERE id = $2 AND a <> $1 AND c = ANY($3::uuid[])"
	if err != nil || sql != want || !slices.Equal(arguments, []string{"to", "id", "some_ids"}) {
		t.Error(sql, arguments, err)
	}
}
