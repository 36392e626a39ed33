package reports_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
)

var update = flag.Bool("update", false, "write docs/reference/views.md")

const manual = "../../../docs/"

type column struct{ View, ViewComment, Name, Type, Comment string }

func columns(t *testing.T, conn *pgx.Conn) []column {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT c.relname::text AS view, coalesce(obj_description(c.oid), '') AS viewcomment, a.attname::text AS name,
			format_type(a.atttypid, a.atttypmod) AS type, coalesce(col_description(c.oid, a.attnum), '') AS comment
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
		WHERE c.relnamespace = 'report'::regnamespace ORDER BY c.relname, a.attnum`)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByName[column])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestEveryColumnIsDescribed checks the comments and names of all views and columns, and that the reference in docs is what they give.
func TestEveryColumnIsDescribed(t *testing.T) {
	t.Parallel()
	conn := connect(t, dbtest.URL(t))
	page := "# Report views\n\nAll views of the schema `report`, from the comments in the database. [reporting.md](../reporting.md) says how to use them. A column may be NULL only if its\n" +
		"description says what that means.\n"
	last := ""
	units := regexp.MustCompile(`_(seconds|usd|bytes|tokens|percent)$|_seconds$|^tokens_per_answer$|^confidence$`)
	names := views(t, conn)
	for _, c := range columns(t, conn) {
		if c.View != last {
			last = c.View
			if c.ViewComment == "" {
				t.Errorf("report.%s has no comment", c.View)
			}
			page += fmt.Sprintf("\n## report.%s\n\n%s\n\n| column | type | |\n|---|---|---|\n", c.View, c.ViewComment)
		}
		page += fmt.Sprintf("| `%s` | %s | %s |\n", c.Name, c.Type, c.Comment)
		switch {
		case !strings.HasSuffix(c.Comment, "."):
			t.Errorf("report.%s.%s has no comment of whole sentences: %q", c.View, c.Name, c.Comment)
		case (c.Type == "double precision" || c.Type == "numeric") && !units.MatchString(c.Name):
			t.Errorf("report.%s.%s has no unit in its name", c.View, c.Name)
		case strings.HasPrefix(c.Type, "timestamp") && (c.Type != "timestamp with time zone" || !strings.HasSuffix(c.Name, "_at")):
			t.Errorf("report.%s.%s is a %s", c.View, c.Name, c.Type)
		}
		for _, m := range regexp.MustCompile(`report\.([a-z_]+)(?:\.([a-z_]+))?`).FindAllStringSubmatch(c.Comment, -1) {
			if !slices.Contains(names, m[1]) {
				t.Errorf("the comment of report.%s.%s names %s, which does not exist", c.View, c.Name, m[0])
			}
			if m[2] != "" && !slices.ContainsFunc(columns(t, conn), func(o column) bool { return o.View == m[1] && o.Name == m[2] }) {
				t.Errorf("the comment of report.%s.%s names %s, which does not exist", c.View, c.Name, m[0])
			}
		}
	}
	if n := number(t, conn, `SELECT count(*) FROM pg_class WHERE relnamespace = 'report'::regnamespace AND NOT coalesce(reloptions, '{}') @> '{security_barrier=true}'`); n != 0 {
		t.Errorf("%d views have no security_barrier", n)
	}
	const file = manual + "reference/views.md"
	if *update {
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != page {
		t.Errorf("%s is not what the database's comments give; run go test ./internal/store/reports -update (%v)", file, err)
	}
}

// TestQuestions runs each query of docs/reporting.md as a reader of reports. Each must give rows, but for the one whose answer is none.
func TestQuestions(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(manual + "reporting.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)\n### (\\d+)\\. ([^\n]+)\n\n```sql\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(found) != 20 {
		t.Fatalf("there are %d questions", len(found))
	}
	conn, st := filled(t, 400)
	asker := reader(t, conn.Config().ConnString(), "default", "other")
	for range 2 { // before and after the summary
		for i, m := range found {
			if m[1] != strconv.Itoa(i+1) {
				t.Errorf("question %s is number %d", m[1], i+1)
			}
			rows, err := asker.Query(t.Context(), m[3])
			if err != nil {
				t.Fatal(err)
			}
			got, err := pgx.CollectRows(rows, pgx.RowToMap)
			if err != nil {
				t.Errorf("%s %s: %v", m[1], m[2], err)
			}
			if len(got) == 0 {
				t.Errorf("%s %s: no rows", m[1], m[2])
			}
			if m[1] == "16" && got[0]["unverifiable"] != int64(0) {
				t.Errorf("unverifiable: %v", got)
			}
		}
		summarise(t, st)
	}
}

// TestEveryFailureHasAClass checks that report.failures knows all codes and outcomes of package research.
func TestEveryFailureHasAClass(t *testing.T) {
	t.Parallel()
	conn := connect(t, dbtest.URL(t))
	var definition string
	if err := conn.QueryRow(t.Context(), "SELECT pg_get_viewdef('report.failures'::regclass)").Scan(&definition); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, file := range []string{"errors.go", "limits.go", "evidence.go"} {
		tree, err := parser.ParseFile(token.NewFileSet(), "../../research/"+file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || len(v.Values) != 1 || v.Names[0].Name == "CodeNotFound" || v.Names[0].Name == "OutcomeOK" {
				return true
			}
			value, ok := v.Values[0].(*ast.BasicLit)
			if name := v.Names[0].Name; ok && (strings.HasPrefix(name, "Code") || strings.HasPrefix(name, "Outcome")) {
				checked++
				if text, _ := strconv.Unquote(value.Value); !strings.Contains(definition, "'"+text+"'::text") {
					t.Errorf("report.failures has no class for %s (%s)", text, name)
				}
			}
			return true
		})
	}
	if checked < 20 {
		t.Errorf("only %d codes were found", checked)
	}
}
