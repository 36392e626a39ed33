package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/research"
)

func TestWorkersAndFreeSlots(t *testing.T) {
	b := setup(t)
	w := research.Worker{ID: uuid.New(), Slots: 2, Version: "v", Host: "h"}
	if err := b.RegisterWorker(b.ctx, w); err != nil {
		t.Fatal(err)
	}
	for i, want := range []research.Status{research.Created, research.Created, research.Queued} {
		if task := b.task("default", question("q")); task.Status != want {
			t.Errorf("task %d with two slots is %s, want %s", i+1, task.Status, want)
		}
	}
	conn, err := pgx.Connect(b.ctx, b.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(b.ctx)) }()
	if alive, err := b.Heartbeat(b.ctx, conn, w.ID); err != nil || !alive {
		t.Errorf("heartbeat: %v, %v", alive, err)
	}
	if live, err := b.Workers(b.ctx); err != nil || len(live) != 1 || live[0].Slots != 2 || live[0].Running != 0 {
		t.Errorf("workers: %+v, %v", live, err)
	}
	// The slots of a worker whose lease has ended are not counted.
	if _, err := b.Pool().Exec(b.ctx, "UPDATE workers SET heartbeat_at = now() - interval '7 seconds'"); err != nil {
		t.Fatal(err)
	}
	if live, err := b.Workers(b.ctx); err != nil || len(live) != 0 {
		t.Errorf("dead workers: %+v, %v", live, err)
	}
	if n, err := b.PruneWorkers(b.ctx, time.Minute); err != nil || n != 0 {
		t.Errorf("pruned %d young ones, %v", n, err)
	}
	if n, err := b.PruneWorkers(b.ctx, time.Second); err != nil || n != 1 {
		t.Errorf("pruned %d, %v", n, err)
	}
	if alive, err := b.Heartbeat(b.ctx, conn, w.ID); err != nil || alive {
		t.Errorf("heartbeat of a worker that was declared dead: %v, %v", alive, err)
	}
	if err := b.UnregisterWorker(b.ctx, w.ID); err != nil {
		t.Error(err)
	}
}

func TestErrorsAreTranslated(t *testing.T) {
	b := setup(t)
	for sql, want := range map[string]error{
		"SELECT pg_terminate_backend(pg_backend_pid())":               research.ErrUnavailable,
		"SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)":         research.ErrUnavailable,
		"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$": research.ErrUnavailable,
	} {
		err := b.InTx(b.ctx, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, sql)
			return err
		})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", sql, err, want)
		}
	}
	err := b.InTx(b.ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "SELECT 1/0")
		return err
	})
	if err == nil || errors.Is(err, research.ErrUnavailable) {
		t.Errorf("a defect is no outage: %v", err)
	}
	gone, cancel := context.WithCancel(b.ctx)
	cancel()
	if err := b.InTx(gone, func(context.Context, pgx.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := b.Notify(b.ctx, "c", "p"); err != nil {
		t.Error(err)
	}
	if err := b.Ping(b.ctx); err != nil {
		t.Error(err)
	}
	if active, total, err := b.Counts(b.ctx); err != nil || active != 0 || total != 0 {
		t.Errorf("counts: %d %d %v", active, total, err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = b.InTx(b.ctx, func(ctx context.Context, tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "INSERT INTO accounts (id) VALUES ('ghost')"); err != nil {
				return err
			}
			panic("in the middle")
		})
	}()
	var n int
	if err := b.Pool().QueryRow(b.ctx, "SELECT count(*) FROM accounts WHERE id = 'ghost'").Scan(&n); err != nil || n != 0 {
		t.Errorf("a panicking transaction left %d rows (%v)", n, err)
	}
}
