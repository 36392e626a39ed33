package store_test

import (
	"context"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"

	"legwork/internal/research"
	"legwork/internal/store"
)

// TestUnscopedReadsDoNotCompile type-checks small programs that read a caller's data. They must compile with an account,
// and must not compile without one. The test covers the methods of Store and Account, which are the types that the API
// uses.
func TestUnscopedReadsDoNotCompile(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", exports(t, "legwork/internal/store"))
	check := func(statement string) error {
		file, err := parser.ParseFile(fset, "x.go", `package x
import (
	"context"
	"github.com/google/uuid"
	"legwork/internal/store"
)
func f(ctx context.Context, id uuid.UUID, s *store.Store, a store.Account) { `+statement+` }
var _ = uuid.Nil
`, 0)
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		_, err = (&types.Config{Importer: imports}).Check("x", fset, []*ast.File{file}, nil)
		return err
	}
	for _, statement := range []string{
		`_, _ = s.For("a").Task(ctx, id)`,
		`_, _ = s.For("a").Tasks(ctx, store.TaskFilter{})`,
		`_, _ = s.For("a").Events(ctx, id, 0, 1)`,
		`_, _ = a.PageVisits(ctx, id)`,
		`_, _ = s.Worker().Events(ctx, id, 0, 1)`,
	} {
		if err := check(statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
	for _, statement := range []string{
		`_, _ = s.Task(ctx, id)`, `_, _ = s.Tasks(ctx, store.TaskFilter{})`, `_, _ = s.Events(ctx, id, 0, 1)`,
		`_, _ = s.LogStates(ctx, nil)`, `_, _ = s.Journal(ctx, id)`, `_, _ = s.Artifacts(ctx, id)`, `_, _ = s.Page(ctx, "")`,
		`_, _ = s.SearchLibrary(ctx, "", 1)`, `_, _, _ = s.Counts(ctx)`, `_, _, _ = s.TaskForRun(ctx, id)`,
		`_, _ = a.LogStates(ctx, nil)`, `_, _ = a.Journal(ctx, id)`, `_, _, _ = a.TaskForRun(ctx, id)`, `_, _, _ = a.Counts(ctx)`,
		`_, _ = a.Worker().Events(ctx, id, 0, 1)`,
		`_, _ = store.Account{}, store.TaskFilter{Account: "other"}`,
	} {
		err := check(statement)
		if err == nil {
			t.Errorf("%s compiles", statement)
		} else if !strings.Contains(err.Error(), "undefined") && !strings.Contains(err.Error(), "unknown field") {
			t.Errorf("%s is refused for another reason: %v", statement, err)
		}
	}
}

// exports returns a lookup of the compiled export data of a package and of its imports.
func exports(t *testing.T, path string) importer.Lookup {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-export", "-f", "{{.ImportPath}} {{.Export}}", path).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[name] = file
	}
	return func(path string) (io.ReadCloser, error) { return os.Open(files[path]) }
}

// TestStoreHasNoReads checks that Store itself has no method that reads a task.
func TestStoreHasNoReads(t *testing.T) {
	t.Parallel()
	var methods []string
	for m := range reflect.TypeFor[*store.Store]().Methods() {
		methods = append(methods, m.Name)
	}
	if got, want := strings.Join(methods, " "), "CheckReplica Close Connect ConnectToListen DB For InTx LeaseTTL Limits NoRoom Notify Ping PollOnly Pool Pooler ProbeRoom ReadOnly Ready River TxOptions URL Worker"; got != want {
		t.Errorf("methods of a Store: %s; want %s; what reads a caller's data belongs to Account, the rest to Worker", got, want)
	}
}

// TestAccountsDoNotSeeEachOther calls every method that takes an id with an id of another account.
func TestAccountsDoNotSeeEachOther(t *testing.T) {
	b := setup(t)
	if _, err := b.Pool().Exec(b.ctx, "INSERT INTO accounts (id) VALUES ('other')"); err != nil {
		t.Fatal(err)
	}
	task := b.task("other", question("How many kettles boil?"))
	b.claim(task.ID, 1)
	v := visit("http://a.example/kettles", snapshot("Kettles", "en", "Twelve kettles are boiling at once."))
	v.Links = []research.Link{}
	if _, _, err := b.record(task.ID, 1, 1, v); err != nil {
		t.Fatal(err)
	}
	if _, err := b.AddArtifacts(b.ctx, task.ID, research.Artifact{Name: "result.json", Kind: "result", ContentType: "application/json"}); err != nil {
		t.Fatal(err)
	}
	reads := map[string]func(ctx context.Context, a store.Account, id uuid.UUID) (int, error){
		"task": func(ctx context.Context, a store.Account, id uuid.UUID) (int, error) {
			_, err := a.Task(ctx, id)
			return 1, err
		},
		"tasks": func(ctx context.Context, a store.Account, _ uuid.UUID) (int, error) {
			list, err := a.Tasks(ctx, store.TaskFilter{})
			return len(list.Tasks) + int(list.Total), err
		},
		"events": func(ctx context.Context, a store.Account, id uuid.UUID) (int, error) {
			events, err := a.Events(ctx, id, 0, 10)
			return len(events), err
		},
		"owner": func(ctx context.Context, a store.Account, id uuid.UUID) (int, error) {
			return 1, b.CheckOwner(ctx, a.ID(), id)
		},
		"visits": func(ctx context.Context, a store.Account, id uuid.UUID) (int, error) {
			visits, err := a.Visits(ctx, id)
			return len(visits), err
		},
		"page visits": func(ctx context.Context, a store.Account, id uuid.UUID) (int, error) {
			visits, err := a.PageVisits(ctx, id)
			return len(visits), err
		},
		"snapshot": func(ctx context.Context, a store.Account, id uuid.UUID) (int, error) {
			_, _, err := a.Snapshot(ctx, id, v.Page.ID)
			return 1, err
		},
		"page": func(ctx context.Context, a store.Account, _ uuid.UUID) (int, error) {
			_, err := a.Page(ctx, v.Page.ID)
			return 1, err
		},
		"stored visit": func(ctx context.Context, a store.Account, _ uuid.UUID) (int, error) {
			_, err := a.StoredVisit(ctx, store.AnyAge, v.URL)
			return 1, err
		},
		"library": func(ctx context.Context, a store.Account, _ uuid.UUID) (int, error) {
			hits, err := a.SearchLibrary(ctx, "boiling kettles", 10)
			return len(hits), err
		},
		"artifacts": func(ctx context.Context, a store.Account, id uuid.UUID) (int, error) {
			files, err := a.Artifacts(ctx, id)
			return len(files), err
		},
		"artifact": func(ctx context.Context, a store.Account, id uuid.UUID) (int, error) {
			_, err := a.Artifact(ctx, id, "result.json")
			return 1, err
		},
	}
	for name, read := range reads {
		if n, err := read(b.ctx, b.For("other"), task.ID); n == 0 || err != nil {
			t.Errorf("%s of the owner: %d, %v", name, n, err)
		}
		if n, err := read(b.ctx, b.For("default"), task.ID); n != 0 && !errors.Is(err, research.ErrNotFound) {
			t.Errorf("%s of another account: %d, %v", name, n, err)
		}
	}
}
