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
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"

	"legwork/db"
	"legwork/internal/research"
)

// Config configures a Store.
type Config struct {
	URL              string               // postgres:// URL or keyword/value string
	MaxConns         int32                // connections of the pool; 0 means 20. River's listener, the stream's listener and the heartbeat use three more
	LeaseTTL         time.Duration        // age of a heartbeat at which its worker counts as dead; 0 means 6 s
	StatementTimeout time.Duration        // 0 means 30 s
	AcquireTimeout   time.Duration        // longest wait for a free connection; 0 means 2 s
	Limits           research.UsageLimits // limits of accounts that have none of their own
	Logger           *slog.Logger         // nil means slog.Default()
}

// Store holds the pool. Use Open to make one per process.
type Store struct {
	pool  *pgxpool.Pool
	ready boundedPool
	q     *db.Queries
	url   string
	lease time.Duration
	log   *slog.Logger

	limits research.UsageLimits // of accounts that have none of their own
}

// Open connects and checks that the database answers. Call Migrate first, because Open does not create the schema.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	pc, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL is not a PostgreSQL connection string: %w", err)
	}
	pc.MaxConns = 20
	if cfg.MaxConns > 0 {
		pc.MaxConns = cfg.MaxConns
	}
	if cfg.StatementTimeout <= 0 {
		cfg.StatementTimeout = 30 * time.Second
	}
	if cfg.AcquireTimeout <= 0 {
		cfg.AcquireTimeout = 2 * time.Second
	}
	if cfg.LeaseTTL <= 0 {
		cfg.LeaseTTL = 6 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	timeout := cfg.StatementTimeout
	params := pc.ConnConfig.RuntimeParams
	params["application_name"] = "legwork"
	params["timezone"] = "UTC"
	params["statement_timeout"] = millis(timeout)
	params["lock_timeout"] = millis(timeout / 2)
	params["idle_in_transaction_session_timeout"] = millis(timeout)
	pc.ConnConfig.ConnectTimeout = 5 * time.Second
	pc.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		// Without this registration, pgx encodes each uuid through driver.Valuer and text, which takes a fifth of a
		// statement's CPU time here.
		pgxuuid.Register(conn.TypeMap())
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, fmt.Errorf("open pool: %w", err)
	}
	ready := boundedPool{pool: pool, maxWait: cfg.AcquireTimeout}
	s := &Store{pool: pool, ready: ready, q: db.New(ready), url: cfg.URL, lease: cfg.LeaseTTL, log: cfg.Logger, limits: cfg.Limits}
	if err := s.ping(ctx, 15*time.Second); err != nil {
		pool.Close()
		return nil, fmt.Errorf("the database does not answer; check DATABASE_URL: %w", err)
	}
	return s, nil
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// Close waits until no connection is in use, and closes the pool.
func (s *Store) Close() { s.pool.Close() }

// Pool returns the pool, for River's driver.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// Connect opens a connection outside the pool. name is its application_name in pg_stat_activity. The caller must close
// the connection.
func (s *Store) Connect(ctx context.Context, name string) (*pgx.Conn, error) {
	cfg := s.pool.Config().ConnConfig
	cfg.RuntimeParams["application_name"] = name
	return pgx.ConnectConfig(ctx, cfg)
}

// URL returns the connection string, for code that connects by itself, as the listener does.
func (s *Store) URL() string { return s.url }

// Limits returns the limits of accounts that have none of their own.
func (s *Store) Limits() research.UsageLimits { return s.limits }

// LeaseTTL returns the age of a heartbeat from which on its worker is treated as dead.
func (s *Store) LeaseTTL() time.Duration { return s.lease }

// Ping checks that the database answers within two seconds.
func (s *Store) Ping(ctx context.Context) error { return s.ping(ctx, 2*time.Second) }

func (s *Store) ping(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return wrap(s.pool.Ping(ctx))
}

// rollbackTimeout bounds a rollback. A rollback also runs when the caller's context has ended, because the pool would
// otherwise have to close the connection.
const rollbackTimeout = 5 * time.Second

// InTx runs fn in one transaction. It commits when fn returns nil, and rolls back otherwise. After an error of COMMIT
// the transaction may or may not be committed. To find out which, a caller must read the rows.
func (s *Store) InTx(ctx context.Context, fn func(ctx context.Context, tx pgx.Tx) error) error {
	conn, err := s.ready.acquire(ctx)
	if err != nil {
		return wrap(fmt.Errorf("begin: %w", err))
	}
	defer conn.Release()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return wrap(fmt.Errorf("begin: %w", err))
	}
	// This runs when fn panics, too. After a commit it does nothing.
	defer func() {
		rctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		if rerr := tx.Rollback(rctx); rerr != nil && !errors.Is(rerr, pgx.ErrTxClosed) {
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
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		if unavailable(pg.Code) {
			return fmt.Errorf("%w: %w", research.ErrUnavailable, err)
		}
		return err
	}
	if isConnection(err) {
		return fmt.Errorf("%w: %w", research.ErrUnavailable, err)
	}
	return err
}

// isConnection reports whether err is about the connection to the server, for instance because it was refused, closed or
// timed out.
func isConnection(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "conn closed")
}

// isStatementTimeout reports whether the server ended a statement at statement_timeout, or after a cancel request.
func isStatementTimeout(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "57014"
}

// unavailable reports whether the same statement may succeed later. code is an SQLSTATE (PostgreSQL's manual, Appendix
// A).
func unavailable(code string) bool {
	switch code {
	case "57P01", "57P02", "57P03", "57P05", // shutdown, crash, starting up, idle session timeout
		"53300", "53200", "53100", "53400", // too many connections, out of memory, disk full, configured limit
		"57014", "55P03", "40P01", "40001", // statement timeout, lock timeout, deadlock, serialization
		"25P03", "25P04": // idle in transaction, transaction timeout
		return true
	}
	return len(code) == 5 && code[:2] == "08"
}

// DB returns the pool with its limit on the wait for a connection. It is for the packages below this one, such as
// internal/store/identities, which import db, too.
func (s *Store) DB() db.DBTX { return s.ready }

// Translate maps PostgreSQL's errors to the errors of package research and keeps the cause.
func Translate(err error) error { return wrap(err) }
