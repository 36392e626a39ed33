package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"legwork/db"
	"legwork/internal/store/connection"
)

// batch sends several statements in one implicit transaction and one round trip. First it calls queue with Queries whose
// methods only add their statements to the batch, and return errQueued. Then it calls read with Queries whose methods
// return the results. read must call the same methods in the same order as queue. The arguments of read's calls are
// ignored.
func (s *Store) batch(ctx context.Context, queue func(q *db.Queries), read func(q *db.Queries) error) error {
	conn := s.only
	if conn == nil {
		var err error
		if conn, err = s.ready.Acquire(ctx); err != nil {
			return wrap(err)
		}
		defer conn.Release()
	}
	return batchOn(ctx, conn, queue, read)
}

// batchOn is batch on a connection or in a transaction. In a transaction, the statements after one that returned no row are
// executed, too, so the caller must roll back.
func batchOn(ctx context.Context, on interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}, queue func(q *db.Queries), read func(q *db.Queries) error) error {
	b := &pgx.Batch{}
	queue(db.New(queuedStatements{b}))
	results := on.SendBatch(ctx, b)
	err := read(db.New(&queuedResults{queued: b.QueuedQueries, results: results}))
	if closing := results.Close(); err == nil {
		err = closing
	}
	return wrap(err)
}

// errQueued is returned by a statement that was only added to a batch.
var errQueued = errors.New("the statement is only queued; read its result after the batch was sent")

// queuedStatements implements db.DBTX by adding statements to a batch.
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
	return connection.NoRow{Err: errQueued}
}

// queuedResults implements db.DBTX by reading the results of a batch.
type queuedResults struct {
	queued  []*pgx.QueuedQuery
	results pgx.BatchResults
}

// next checks that the next result belongs to the statement sql. Without the check, a wrong order of calls would mix up
// columns.
func (a *queuedResults) next(sql string) error {
	if len(a.queued) == 0 || a.queued[0].SQL != sql {
		return fmt.Errorf("the next result of the batch is not of this statement: %.60s", sql)
	}
	a.queued = a.queued[1:]
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
		return connection.NoRow{Err: err}
	}
	return a.results.QueryRow()
}
