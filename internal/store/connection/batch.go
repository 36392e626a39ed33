package connection

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrQueued is returned by a statement that was only added to a batch.
var ErrQueued = errors.New("the statement is only queued; read its result after the batch was sent")

// QueuedStatements implements db.DBTX by adding statements to a batch.
type QueuedStatements struct{ Batch *pgx.Batch }

// Exec implements db.DBTX.
func (q QueuedStatements) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	q.Batch.Queue(sql, args...)
	return pgconn.CommandTag{}, ErrQueued
}

// Query implements db.DBTX.
func (q QueuedStatements) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	q.Batch.Queue(sql, args...)
	return nil, ErrQueued
}

// QueryRow implements db.DBTX.
func (q QueuedStatements) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	q.Batch.Queue(sql, args...)
	return NoRow{Err: ErrQueued}
}

// QueuedResults implements db.DBTX by reading the results of a batch.
type QueuedResults struct {
	Queued  []*pgx.QueuedQuery // the statements whose results have not been read
	Results pgx.BatchResults
}

// next checks that the next result belongs to the statement sql. Without the check, a wrong order of calls would mix up
// columns.
func (a *QueuedResults) next(sql string) error {
	if len(a.Queued) == 0 || a.Queued[0].SQL != sql {
		return fmt.Errorf("the next result of the batch is not of this statement: %.60s", sql)
	}
	a.Queued = a.Queued[1:]
	return nil
}

// Exec implements db.DBTX.
func (a *QueuedResults) Exec(_ context.Context, sql string, _ ...any) (pgconn.CommandTag, error) {
	if err := a.next(sql); err != nil {
		return pgconn.CommandTag{}, err
	}
	return a.Results.Exec()
}

// Query implements db.DBTX.
func (a *QueuedResults) Query(_ context.Context, sql string, _ ...any) (pgx.Rows, error) {
	if err := a.next(sql); err != nil {
		return nil, err
	}
	return a.Results.Query()
}

// QueryRow implements db.DBTX.
func (a *QueuedResults) QueryRow(_ context.Context, sql string, _ ...any) pgx.Row {
	if err := a.next(sql); err != nil {
		return NoRow{Err: err}
	}
	return a.Results.QueryRow()
}
