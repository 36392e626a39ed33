// Package store reads and writes the PostgreSQL database. It has the connection pool, transactions and migrations. It
// turns rows into the types of package research, and PostgreSQL's errors into the errors of package research. Only this
// package and the packages below it import db, the code that sqlc generates.
//
// Invariants:
//
//   - A transaction that writes to a task locks the task's head first. The order of locks is: heads, tasks, River's rows,
//     pages by id.
//   - Each write of a run names the run's epoch. When the task has a newer epoch, the write changes nothing and returns
//     research.ErrFenced.
//   - The transaction that inserts events also reserves their seqs in the head. So a log has no gaps. The times of events
//     are read from the database's clock under the head's lock. So they never decrease within a log.
//   - A transaction that changes data never sends a NOTIFY (see internal/stream).
//   - No function waits for anything but the database. The wait for a free connection ends after AcquireTimeout with
//     research.ErrUnavailable.
package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"legwork/db"
	"legwork/internal/research"
	"legwork/internal/store/connection"
	"legwork/internal/store/replica"
)

// Config configures a Store.
type Config struct {
	URL              string               // postgres:// URL or keyword/value string; it may name several hosts
	DirectURL        string               // the same database without the pooler that URL leads to; empty if there is none
	PollOnly         bool                 // no connection may LISTEN
	ReplicaURL       string               // a standby of the database, from which lists are read; empty if there is none
	ReplicaWait      time.Duration        // longest wait for the replica to have what a request must see; 0 means 50 ms
	MaxConns         int32                // connections of the pool; 0 means 20. The two listeners, the heartbeat and the ping use four more
	LeaseTTL         time.Duration        // age of a heartbeat at which its worker counts as dead; 0 means 6 s
	StatementTimeout time.Duration        // 0 means 30 s
	AcquireTimeout   time.Duration        // longest wait for a free connection; 0 means 2 s
	Limits           research.UsageLimits // limits of accounts that have none of their own
	Tracer           pgx.QueryTracer      // follows every statement; nil: nothing does
	Logger           *slog.Logger         // nil means slog.Default()
}

// Store holds the pool. Use Open to make one per process.
type Store struct {
	*connection.Database // the pool, and what is known about the server
	ready                connection.Pool
	q                    *db.Queries
	lease                time.Duration
	log                  *slog.Logger

	limits research.UsageLimits // of accounts that have none of their own

	replica *replica.Replica // nil if there is none
	only    *pgxpool.Conn    // the connection that all batches use; nil: one of the pool
}

// Open connects and checks that the database answers. Call Migrate first, because Open does not create the schema.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	cfg.MaxConns = cmp.Or(max(cfg.MaxConns, 0), 20)
	cfg.StatementTimeout = cmp.Or(max(cfg.StatementTimeout, 0), 30*time.Second)
	cfg.AcquireTimeout = cmp.Or(max(cfg.AcquireTimeout, 0), 2*time.Second)
	cfg.LeaseTTL = cmp.Or(max(cfg.LeaseTTL, 0), 6*time.Second)
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	opening, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	d, err := connection.Open(opening, connection.Config{URL: cfg.URL, DirectURL: cfg.DirectURL, PollOnly: cfg.PollOnly, MaxConns: cfg.MaxConns,
		StatementTimeout: cfg.StatementTimeout, AcquireTimeout: cfg.AcquireTimeout, Tracer: cfg.Tracer, Logger: cfg.Logger})
	if err != nil {
		return nil, wrap(err)
	}
	ready := d.Ready()
	s := &Store{Database: d, ready: ready, q: db.New(ready), lease: cfg.LeaseTTL, log: cfg.Logger, limits: cfg.Limits}
	if cfg.ReplicaURL != "" {
		s.replica = replica.Open(ctx, replica.Config{Primary: ready, Wait: cmp.Or(cfg.ReplicaWait, 50*time.Millisecond), Logger: cfg.Logger,
			Replica: connection.Config{URL: cfg.ReplicaURL, PollOnly: true, MaxConns: cfg.MaxConns, StatementTimeout: cfg.StatementTimeout,
				AcquireTimeout: cfg.AcquireTimeout, Logger: cfg.Logger}})
	}
	return s, nil
}

// Close waits until no connection is in use, and closes all.
func (s *Store) Close() {
	s.replica.Close()
	s.Database.Close()
}

// CheckReplica returns whether there is a replica, and a sentence about why lists are not read from it at present; empty if they are.
func (s *Store) CheckReplica(ctx context.Context) (configured bool, state string) {
	if s.replica == nil {
		return false, ""
	}
	return true, s.replica.Check(ctx)
}

// fromReplica calls read with a store whose batches go to the replica, if that has all that was committed before the call.
// Otherwise, and when reading from the replica fails, it calls read with s.
func fromReplica[T any](ctx context.Context, s *Store, read func(*Store) (T, error)) (T, error) {
	if conn := s.replica.Acquire(ctx); conn != nil {
		copied := *s
		copied.only = conn
		out, err := read(&copied)
		s.replica.Release(ctx, conn, err)
		if err == nil || ctx.Err() != nil || errors.Is(err, research.ErrTooSlow) {
			return out, err
		}
	}
	return read(s)
}

// Limits returns the limits of accounts that have none of their own.
func (s *Store) Limits() research.UsageLimits { return s.limits }

// LeaseTTL returns the age of a heartbeat from which on its worker is treated as dead.
func (s *Store) LeaseTTL() time.Duration { return s.lease }

// Ping checks that the database answers within two seconds.
func (s *Store) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := s.ready.Acquire(ctx)
	if err != nil {
		return wrap(err)
	}
	defer conn.Release()
	return wrap(conn.Ping(ctx))
}

// rollbackTimeout bounds a rollback. A rollback also runs when the caller's context has ended, because the pool would
// otherwise have to close the connection.
const rollbackTimeout = 5 * time.Second

// InTx runs fn in one transaction. It commits when fn returns nil, and rolls back otherwise. After an error of COMMIT
// the transaction may or may not be committed. To find out which, a caller must read the rows.
func (s *Store) InTx(ctx context.Context, fn func(ctx context.Context, tx pgx.Tx) error) error {
	conn, err := s.ready.Acquire(ctx)
	if err != nil {
		return wrap(fmt.Errorf("begin: %w", err))
	}
	defer conn.Release()
	tx, err := conn.BeginTx(ctx, s.TxOptions())
	if err != nil {
		return wrap(fmt.Errorf("begin: %w", err))
	}
	// This runs when fn panics, too. After a commit it does nothing.
	defer func() {
		rctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		if rerr := tx.Rollback(rctx); rerr != nil && !errors.Is(rerr, pgx.ErrTxClosed) && !conn.Conn().IsClosed() {
			s.log.WarnContext(ctx, "rollback failed", "error", rerr)
		}
	}()
	if err := fn(ctx, tx); err != nil {
		return wrap(err)
	}
	if err := tx.Commit(ctx); err != nil {
		return wrap(fmt.Errorf("commit: %w", err))
	}
	return nil
}

// Wrap is wrap for the packages that use the same database, such as schema.
func Wrap(err error) error { return wrap(err) }

// wrap adds the matching error of package research to an error of PostgreSQL or of the connection, and keeps the cause.
func wrap(err error) error {
	if err == nil {
		return nil
	}
	for _, sentinel := range []error{research.ErrNotFound, research.ErrConflict, research.ErrFenced, research.ErrTooSlow, research.ErrUnavailable} {
		if errors.Is(err, sentinel) {
			return err
		}
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("%w: %w", research.ErrNotFound, err)
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	if connection.Unavailable(err) {
		return fmt.Errorf("%w: %w", research.ErrUnavailable, err)
	}
	return err
}

// DB returns the pool with its limit on the wait for a connection. It is for the packages below this one, such as
// internal/store/identities, which import db, too.
func (s *Store) DB() db.DBTX { return s.ready }

// Translate maps PostgreSQL's errors to the errors of package research and keeps the cause.
func Translate(err error) error { return wrap(err) }
