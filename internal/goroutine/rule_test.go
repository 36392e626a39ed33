package goroutine_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// research are the folders whose code must start goroutines only by package goroutine.
var research = []string{"agent", "runenv", "page", "search", "ingest", "jobs", "llm"}

// forbidden has the functions that start a goroutine, by import path and name, and the function to use instead.
var forbidden = map[string]string{
	"context.AfterFunc": "goroutine.AfterFunc",
	"time.AfterFunc":    "goroutine.AfterDelay",
}

// TestResearchStartsGoroutinesHere checks that the packages that take part in a run start goroutines only by package
// goroutine, because a panic in any other goroutine would end the process.
func TestResearchStartsGoroutinesHere(t *testing.T) {
	files := 0
	for _, folder := range research {
		err := filepath.WalkDir(filepath.Join("..", folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files++
			source, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, problem := range bareGoroutines(t, path, source) {
				t.Error(problem)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 50 {
		t.Errorf("only %d files were checked", files)
	}
}

func TestRuleFindsThem(t *testing.T) {
	for body, want := range map[string]int{
		`go f()`:                              1,
		`var wg sync.WaitGroup; wg.Go(f)`:     1,
		`var g errgroup.Group; g.Go(nil)`:     1,
		`context.AfterFunc(ctx, f)`:           1,
		`time.AfterFunc(1, f); wait.Do(1)`:    1,
		`var wg sync.WaitGroup; wg.Add(1)`:    0,
		`var g goroutine.Group; g.Go(ctx, f)`: 0,
		`goroutine.Go(ctx, f)`:                0,
	} {
		source := `package p
import ("context"; "sync"; "time"; "golang.org/x/sync/errgroup"; "legwork/internal/goroutine")
func _() { ` + body + ` }`
		if got := bareGoroutines(t, "p.go", []byte(source)); len(got) != want {
			t.Errorf("%s: %q", body, got)
		}
	}
	renamed := `package p
import s "context"
func _() { s.AfterFunc(ctx, f) }`
	if got := bareGoroutines(t, "p.go", []byte(renamed)); len(got) != 1 {
		t.Errorf("a renamed import: %q", got)
	}
}

// bareGoroutines lists the places in a file that start a goroutine without this package.
func bareGoroutines(t *testing.T, path string, source []byte) (problems []string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	imports := map[string]string{} // the name that the file uses → import path
	for _, spec := range file.Imports {
		from, _ := strconv.Unquote(spec.Path.Value)
		name := from[strings.LastIndexByte(from, '/')+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imports[name] = from
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			problems = append(problems, set.Position(n.Pos()).String()+": a go statement; use goroutine.Go")
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if !ok {
				return true
			}
			if instead := forbidden[imports[x.Name]+"."+n.Sel.Name]; instead != "" {
				problems = append(problems, set.Position(n.Pos()).String()+": "+imports[x.Name]+"."+n.Sel.Name+"; use "+instead)
			}
		case *ast.CallExpr: // the method Go of a sync.WaitGroup or an errgroup.Group; the method Go of this package has a context as an additional argument
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && (f.Sel.Name == "Go" || f.Sel.Name == "TryGo") && len(n.Args) == 1 {
				problems = append(problems, set.Position(n.Pos()).String()+": Go of a group that recovers nothing; use goroutine.Group or goroutine.ErrGroup")
			}
		}
		return true
	})
	return problems
}
