package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"legwork/db"
)

// together sends several statements at once, in one implicit transaction and one round trip. What ask calls on its
// Queries is only queued, and returns errQueued; read calls the same methods in the same order on another Queries and
// gets the answers. The arguments that count are ask's.
func (s *Store) together(ctx context.Context, ask func(q *db.Queries), read func(q *db.Queries) error) error {
	b := &pgx.Batch{}
	ask(db.New(queuedStatements{b}))
	conn, err := s.ready.acquire(ctx)
	if err != nil {
		return wrap(err)
	}
	defer conn.Release()
	results := conn.SendBatch(ctx, b)
	err = read(db.New(&queuedResults{asked: b.QueuedQueries, results: results}))
	if closing := results.Close(); err == nil {
		err = closing
	}
	return wrap(err)
}

// errQueued is what a statement returns that waits for the others.
var errQueued = errors.New("the statement is queued; its answer comes with those of the others")

// queuedStatements implements db.DBTX by queueing.
type queuedStatements struct{ batch *pgx.Batch }

// Exec implements db.DBTX.
func (q queuedStatements) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	q.batch.Queue(sql, args...)
	return pgconn.CommandTag{}, errQueued
}

// Query implements db.DBTX.
func (q queuedStatements) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	q.batch.Queue(sql, args...)
	return nil, errQueued
}

// QueryRow implements db.DBTX.
func (q queuedStatements) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	q.batch.Queue(sql, args...)
	return noRow{errQueued}
}

// queuedResults implements db.DBTX on the answers to what was asked.
type queuedResults struct {
	asked   []*pgx.QueuedQuery
	results pgx.BatchResults
}

// next checks that sql is the statement whose answer comes next: a mistake of ours would mix up columns otherwise.
func (a *queuedResults) next(sql string) error {
	if len(a.asked) == 0 || a.asked[0].SQL != sql {
		return fmt.Errorf("a statement reads an answer that was not asked for: %.60s", sql)
	}
	a.asked = a.asked[1:]
	return nil
}

// Exec implements db.DBTX.
func (a *queuedResults) Exec(_ context.Context, sql string, _ ...any) (pgconn.CommandTag, error) {
	if err := a.next(sql); err != nil {
		return pgconn.CommandTag{}, err
	}
	return a.results.Exec()
}

// Query implements db.DBTX.
func (a *queuedResults) Query(_ context.Context, sql string, _ ...any) (pgx.Rows, error) {
	if err := a.next(sql); err != nil {
		return nil, err
	}
	return a.results.Query()
}

// QueryRow implements db.DBTX.
func (a *queuedResults) QueryRow(_ context.Context, sql string, _ ...any) pgx.Row {
	if err := a.next(sql); err != nil {
		return noRow{err}
	}
	return a.results.QueryRow()
}
