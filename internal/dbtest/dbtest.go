// Package dbtest gives each test its own PostgreSQL database: a clone of a template with the migrated schema. When
// the test ends, store.Worker.Audit checks the contents of the database, and each of its findings fails the test.
// Then the database is dropped. The package is for tests only.
package dbtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/store/schema"
	"legwork/migrations"
)

// setupTimeout bounds creating a database before a test, and auditing and dropping it afterwards.
const setupTimeout = 60 * time.Second

// New returns an open store on a new database. When the test ends, the database is audited: each finding fails the
// test.
func New(t testing.TB) *store.Store {
	t.Helper()
	return Open(t, URL(t))
}

// Open opens another store on a database that URL created, as a second process would.
func Open(t testing.TB, url string) *store.Store {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	s, err := store.Open(ctx, store.Config{URL: url, MaxConns: 10, AcquireTimeout: setupTimeout, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

// URL creates a new migrated database and returns its connection string. When the test ends, the database is audited
// and then dropped, even if connections to it are open.
func URL(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	admin, _, err := Server(ctx)
	if err != nil {
		t.Fatalf("no PostgreSQL for tests: %v", err)
	}
	template, err := ensureTemplate(ctx, admin)
	if err != nil {
		t.Fatalf("template database: %v", err)
	}
	dsn := create(ctx, t, admin, fmt.Sprintf("TEMPLATE %s %s", template, strategy(ctx, admin)))
	t.Cleanup(func() { // runs before the database is dropped
		ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
		defer cancel()
		audit(ctx, t, dsn)
	})
	return dsn
}

// Empty creates a database without a schema and returns its connection string, for tests of migrations.
func Empty(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	admin, _, err := Server(ctx)
	if err != nil {
		t.Fatalf("no PostgreSQL for tests: %v", err)
	}
	return create(ctx, t, admin, "")
}

// create makes a database with the options of CREATE DATABASE, and drops it at the end of the test.
func create(ctx context.Context, t testing.TB, admin, options string) string {
	t.Helper()
	name := "t_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if err := execute(ctx, admin, "CREATE DATABASE "+name+" "+options); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
		defer cancel()
		if err := execute(ctx, admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return withDatabase(admin, name)
}

func audit(ctx context.Context, t testing.TB, dsn string) {
	t.Helper()
	s, err := store.Open(ctx, store.Config{URL: dsn, MaxConns: 1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Errorf("audit: %v", err)
		return
	}
	defer s.Close()
	findings, err := s.Worker().Audit(ctx)
	if err != nil {
		t.Errorf("audit: %v", err)
	}
	for _, f := range findings {
		t.Errorf("audit: %s: %s: %s", f.Rule, f.Subject, f.Detail)
	}
}

// ensureTemplate creates the template database, if no test process has created it on this server yet. The name of the
// template is a hash of the migrations, so a changed migration leads to a new template.
func ensureTemplate(ctx context.Context, admin string) (string, error) {
	name, err := templateName()
	if err != nil {
		return "", err
	}
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var ready bool
	const isReady = "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate)"
	if err := conn.QueryRow(ctx, isReady, name).Scan(&ready); err != nil || ready {
		return name, err
	}
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(7263)"); err != nil {
		return "", err
	}
	if err := conn.QueryRow(ctx, isReady, name).Scan(&ready); err != nil || ready {
		return name, err
	}
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + name + " WITH (FORCE)", "CREATE DATABASE " + name} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return "", err
		}
	}
	if err := schema.Migrate(ctx, withDatabase(admin, name), slog.New(slog.DiscardHandler)); err != nil {
		return "", err
	}
	_, err = conn.Exec(ctx, "ALTER DATABASE "+name+" IS_TEMPLATE true")
	return name, err
}

// templateName returns a name with a hash of our migrations and of River's version.
func templateName() (string, error) {
	h := sha256.New()
	err := fs.WalkDir(migrations.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := migrations.FS.ReadFile(path)
		h.Write([]byte(path))
		h.Write(b)
		return err
	})
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/riverqueue/river" {
				h.Write([]byte(m.Version))
			}
		}
	}
	return "legwork_template_" + hex.EncodeToString(h.Sum(nil))[:12], err
}

// strategy returns the option for the fastest way to clone a database, if the server offers a choice (PostgreSQL 15
// and newer).
func strategy(ctx context.Context, admin string) string {
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return ""
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var version int
	if conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version) != nil || version < 150000 {
		return ""
	}
	return "STRATEGY FILE_COPY"
}

func execute(ctx context.Context, dsn, sql string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

// withDatabase replaces the database name in a postgres:// URL.
func withDatabase(dsn, name string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return dsn
	}
	u.Path = "/" + name
	return u.String()
}

// FirstEvent makes the first event of a task that a test creates.
func FirstEvent(research.Status) research.Event { return research.Thinking("submitted", nil) }

// EndTask ends a task in tx as the service does, but without a job and without files. If f is nil, the task completes
// with the answer of res. Otherwise the task fails with f, or is cancelled if this is the code of f. EndTask returns
// the terminal event.
func EndTask(ctx context.Context, s *store.Store, tx pgx.Tx, id uuid.UUID, epoch int, res research.Result, f *research.Failure) (research.Event, error) {
	w := s.Worker()
	head, err := w.LockHead(ctx, tx, id)
	if err != nil {
		return research.Event{}, err
	}
	end := store.TaskEnd{At: head.At, Result: res, Failure: f, Metadata: res.Metadata}
	if f == nil {
		citations, err := w.Cite(ctx, tx, id, res)
		if err != nil {
			return research.Event{}, err
		}
		end.Status, end.Event = research.Completed, func(seconds float64) research.Event {
			return research.Complete(res.Answer, make([]struct{}, len(citations)), res.Confidence, seconds, res.Metadata)
		}
		return w.EndTask(ctx, tx, id, epoch, end)
	}
	end.Status, end.Event = research.Failed, func(float64) research.Event { return research.ErrorEvent(f.Code, f.Message, false, nil) }
	if f.Code == research.CodeCancelled {
		end.Status = research.Cancelled
	}
	return w.EndTask(ctx, tx, id, epoch, end)
}
