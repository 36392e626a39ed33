package store_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"legwork/internal/dbtest"
	"legwork/internal/research"
	"legwork/internal/store"
)

// TestTimeoutsOfThePool checks that the server ends a slow statement, a long wait for a lock, and an idle transaction, and that
// each error is research.ErrUnavailable.
func TestTimeoutsOfThePool(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	b := bundle{Worker: dbtest.Open(t, url).Worker(), t: t, ctx: t.Context()}
	task := b.task(research.DefaultAccount, question("q"))
	shortTimeout, err := store.Open(t.Context(), store.Config{
		URL: url, MaxConns: 2, StatementTimeout: 400 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(shortTimeout.Close)
	// Without the timeouts the cases would end with this context, or not at all.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for name, tc := range map[string]struct {
		state string
		run   func(ctx context.Context, tx pgx.Tx) error
	}{
		"statement": {"57014", func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "SELECT pg_sleep(600)")
			return err
		}},
		"lock": {"55P03", func(ctx context.Context, tx pgx.Tx) error {
			return b.InTx(ctx, func(held context.Context, holder pgx.Tx) error {
				if _, err := b.LockHead(held, holder, task.ID); err != nil {
					return err
				}
				_, err := shortTimeout.Worker().LockHead(ctx, tx, task.ID)
				return err
			})
		}},
		"idle transaction": {"25P03", func(ctx context.Context, tx pgx.Tx) error {
			if _, err := b.Pool().Exec(ctx, "SELECT pg_sleep(0.8)"); err != nil { // tx is idle meanwhile
				return err
			}
			_, err := tx.Exec(ctx, "SELECT 1")
			return err
		}},
	} {
		err := shortTimeout.InTx(ctx, tc.run)
		var pg *pgconn.PgError
		if !errors.Is(err, research.ErrUnavailable) || ctx.Err() != nil || errors.As(err, &pg) && pg.Code != tc.state {
			t.Errorf("%s: %v, want SQLSTATE %s", name, err, tc.state)
		}
		if pg == nil && name != "idle transaction" { // the server may close the connection before the error is read
			t.Errorf("%s: %v, want an error of the server", name, err)
		}
	}
	// Connections outside the pool have the same timeouts.
	conn, err := shortTimeout.Connect(ctx, "a test")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var name, timeout string
	err = conn.QueryRow(ctx, "SELECT current_setting('application_name'), current_setting('statement_timeout')").Scan(&name, &timeout)
	if err != nil || name != "a test" || timeout != "400ms" {
		t.Errorf("%q with a statement timeout of %s, %v", name, timeout, err)
	}
}

// TestSlowSearchIsNotRepeated checks that a search that reaches the statement timeout returns research.ErrTooSlow and is not
// repeated, and that other reads are repeated three times at most.
func TestSlowSearchIsNotRepeated(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	b := bundle{Worker: dbtest.Open(t, url).Worker(), t: t, ctx: t.Context()}
	task := b.task("default", question("How many kettles?"))
	b.claim(task.ID, 1)
	if _, _, err := b.record(task.ID, 1, 1, visit("http://a.example/", snapshot("T", "en", "Twelve kettles."))); err != nil {
		t.Fatal(err)
	}
	// Views with the tables' names, in a schema that comes first in search_path, make the queries slow.
	if _, err := b.Pool().Exec(b.ctx, `CREATE SCHEMA slow; CREATE VIEW slow.passages AS SELECT p.* FROM public.passages p, pg_sleep(600);
		CREATE VIEW slow.task_heads AS SELECT h.* FROM public.task_heads h, pg_sleep(600)`); err != nil {
		t.Fatal(err)
	}
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	shortTimeout, err := store.Open(t.Context(), store.Config{URL: url + separator + "search_path=slow,public", MaxConns: 2,
		StatementTimeout: 300 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(shortTimeout.Close)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for name, search := range map[string]func() error{
		"library": func() error { _, err := shortTimeout.For("default").SearchLibrary(ctx, "kettles", 5); return err },
		"list": func() error {
			_, err := shortTimeout.For("default").Tasks(ctx, store.TaskFilter{Query: "kettles"})
			return err
		},
	} {
		tries := 0
		err := store.UntilAvailable(ctx, func() error { tries++; return search() })
		if !errors.Is(err, research.ErrTooSlow) || errors.Is(err, research.ErrUnavailable) || tries != 1 {
			t.Errorf("%s: %v after %d tries", name, err, tries)
		}
	}
	tries := 0
	err = store.UntilAvailable(ctx, func() error {
		tries++
		_, _, err := shortTimeout.Worker().TaskForRun(ctx, task.ID)
		return err
	})
	if !errors.Is(err, research.ErrUnavailable) || tries != 3 || ctx.Err() != nil {
		t.Errorf("a read that times out each time: %v after %d tries", err, tries)
	}
}
