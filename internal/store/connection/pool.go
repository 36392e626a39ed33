package connection

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"legwork/internal/research"
)

// Pool is a pool with a limit on the wait for a free connection. Without this limit a wait lasts until the context ends,
// which may be a minute for a request. Pool implements db.DBTX.
type Pool struct {
	pool    *pgxpool.Pool
	maxWait time.Duration
}

// Acquire returns a connection, which the caller must release. It returns research.ErrUnavailable when no connection is
// free within maxWait.
func (q Pool) Acquire(ctx context.Context) (*pgxpool.Conn, error) {
	wait, cancel := context.WithTimeout(ctx, q.maxWait)
	defer cancel()
	conn, err := q.pool.Acquire(wait)
	if err != nil && wait.Err() != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("%w: no connection within %s: %w", research.ErrUnavailable, q.maxWait, err)
	}
	return conn, err
}

// Exec implements db.DBTX.
func (q Pool) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	conn, err := q.Acquire(ctx)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	defer conn.Release()
	return conn.Exec(ctx, sql, args...)
}

// Query implements db.DBTX. The connection is released when the rows are closed, which generated code always does.
func (q Pool) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	conn, err := q.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		conn.Release()
		return nil, err
	}
	return &borrowedRows{Rows: rows, release: sync.OnceFunc(conn.Release)}, nil
}

// QueryRow implements db.DBTX. The connection is released by Scan, which generated code always calls.
func (q Pool) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	conn, err := q.Acquire(ctx)
	if err != nil {
		return NoRow{Err: err}
	}
	return borrowedRow{Row: conn.QueryRow(ctx, sql, args...), release: sync.OnceFunc(conn.Release)}
}

type borrowedRows struct {
	pgx.Rows
	release func()
}

// Close implements pgx.Rows.
func (r *borrowedRows) Close() {
	r.Rows.Close()
	r.release()
}

type borrowedRow struct {
	pgx.Row
	release func()
}

// Scan implements pgx.Row.
func (r borrowedRow) Scan(dest ...any) error {
	defer r.release()
	return r.Row.Scan(dest...)
}

// NoRow is a pgx.Row of a statement that failed with Err.
type NoRow struct{ Err error }

// Scan implements pgx.Row.
func (r NoRow) Scan(...any) error { return r.Err }
