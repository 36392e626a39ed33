//go:build failpoints

package jobs

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
	"legwork/internal/research"
)

// TestRestoredBackup takes a backup while tasks run, and restores it into another database. A new process there must finish
// every open task from its journal, and the tasks of the first database must not be affected.
func TestRestoredBackup(t *testing.T) {
	p := setup(t)
	const tasks = 8
	arrived, release := make(chan struct{}, 2*tasks), make(chan struct{})
	first := &script{steps: 3, effect: func(ctx context.Context, turn int) error {
		if turn < 2 {
			return nil
		}
		arrived <- struct{}{}
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
	p.work(first.run) // the worker has five slots, so five tasks run and three wait
	var all []research.Task
	for range tasks {
		all = append(all, p.submit("q"))
	}
	for range 5 {
		<-arrived
	}
	copied := dbtest.URL(t)
	backup(t, p.url, copied)
	close(release)
	restored := start(t, copied, t.TempDir())
	second := &script{steps: 3}
	restored.work(second.run)
	for _, task := range all {
		if got := restored.await(task.ID); got.Status != research.Completed || got.Try != 1 {
			t.Errorf("in the restored database task %s ended %s at try %d", task.ID, got.Status, got.Try)
		}
		if got := p.await(task.ID); got.Status != research.Completed {
			t.Errorf("in the first database task %s ended %s", task.ID, got.Status)
		}
	}
	if n := second.count(1); n != tasks-5 {
		t.Errorf("the first step was made %d times after the restore, want %d: five tasks had it in their journals", n, tasks-5)
	}
}

// backup copies all rows in one snapshot, as pg_dump and pg_restore would. Those programs are not installed everywhere.
func backup(t *testing.T, from, to string) {
	t.Helper()
	ctx := t.Context()
	source, err := pgx.Connect(ctx, from)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = source.Close(ctx) }()
	target, err := pgx.Connect(ctx, to)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = target.Close(ctx) }()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	tx, err := source.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	must(err)
	rows, err := tx.Query(ctx, `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'public' AND c.relkind = 'r'`)
	must(err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(err)
	_, err = target.Exec(ctx, "SET session_replication_role = replica") // switches foreign keys off, because the tables are copied one by one
	must(err)
	_, err = target.Exec(ctx, "TRUNCATE "+strings.Join(tables, ", "))
	must(err)
	for _, table := range tables {
		var b bytes.Buffer
		_, err := source.PgConn().CopyTo(ctx, &b, fmt.Sprintf("COPY %s TO STDOUT", table))
		must(err)
		_, err = target.PgConn().CopyFrom(ctx, &b, fmt.Sprintf("COPY %s FROM STDIN", table))
		must(err)
	}
	_, err = target.Exec(ctx, "SELECT setval('river_job_id_seq', (SELECT max(id) FROM river_job))")
	must(err)
	must(tx.Rollback(ctx))
}
