// Package store is the only door to PostgreSQL: the pool, transactions, the schema's migrations, and the translation
// of rows to the domain and of PostgreSQL's errors to the domain's sentinels.
//
// Invariants:
//
//   - Every write to a task locks its head first; the order of locks is heads, tasks, River, pages by id.
//   - A run's writes name its epoch. When the head has moved on they change nothing and return research.ErrFenced.
//   - Seqs are reserved on the head and inserted in the same transaction, so logs are gapless; their times come from
//     the database's clock, read under that lock, so they do not run backwards.
//   - NOTIFY never rides in a data transaction (see internal/stream).
//   - No function here waits for anything but the database, and for a connection to it only AcquireTimeout: when the pool
//     is exhausted callers hear research.ErrUnavailable soon, instead of all hanging.
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

// Config says how to reach the database.
type Config struct {
	URL              string        // postgres:// URL or keyword/value string
	MaxConns         int32         // size of the pool for queries; 0: 20. River's listener, ours and the heartbeat come on top
	LeaseTTL         time.Duration // age of a heartbeat at which its worker counts as dead; 0: 6 s
	StatementTimeout time.Duration // 0: 30 s
	AcquireTimeout   time.Duration // longest wait for a connection of the pool, then research.ErrUnavailable; 0: 2 s
	Logger           *slog.Logger  // nil: slog.Default()
}

// Store holds the pool. Make one per process with Open.
type Store struct {
	pool  *pgxpool.Pool
	ready boundedPool
	q     *db.Queries
	url   string
	lease time.Duration
	log   *slog.Logger
}

// Open connects and checks that the database answers. The schema must be there already: see Migrate.
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
		// Without it pgx finds its way to each uuid through driver.Valuer and text, at a fifth of what a statement costs us.
		pgxuuid.Register(conn.TypeMap())
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, fmt.Errorf("open pool: %w", err)
	}
	ready := boundedPool{pool: pool, maxWait: cfg.AcquireTimeout}
	s := &Store{pool: pool, ready: ready, q: db.New(ready), url: cfg.URL, lease: cfg.LeaseTTL, log: cfg.Logger}
	if err := s.ping(ctx, 15*time.Second); err != nil {
		pool.Close()
		return nil, fmt.Errorf("the database does not answer; check DATABASE_URL: %w", err)
	}
	return s, nil
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// Close waits for connections in use and closes the pool.
func (s *Store) Close() { s.pool.Close() }

// Pool gives the pool to River's driver.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// Connect opens a connection outside the pool, which shows under that name in pg_stat_activity. Close it.
func (s *Store) Connect(ctx context.Context, name string) (*pgx.Conn, error) {
	cfg := s.pool.Config().ConnConfig
	cfg.RuntimeParams["application_name"] = name
	return pgx.ConnectConfig(ctx, cfg)
}

// URL is the connection string, for connections of their own (LISTEN, heartbeat).
func (s *Store) URL() string { return s.url }

// LeaseTTL is the age of a heartbeat at which its worker counts as dead.
func (s *Store) LeaseTTL() time.Duration { return s.lease }

// Ping reports whether the database answers, within two seconds.
func (s *Store) Ping(ctx context.Context) error { return s.ping(ctx, 2*time.Second) }

func (s *Store) ping(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return wrap(s.pool.Ping(ctx))
}

// rollbackTimeout bounds a rollback, which runs even when the caller's context is over: otherwise the connection
// would be closed instead of returned.
const rollbackTimeout = 5 * time.Second

// InTx runs fn in one transaction: committed when fn returns nil, rolled back otherwise. An error of COMMIT itself
// leaves open whether it happened; callers that must know read back what they wrote.
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
	// Also when fn panics; after a commit it does nothing.
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

// wrap maps PostgreSQL's errors to the domain's sentinels and keeps the cause.
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

// isConnection reports whether err is about the way to the server: refused, cut or timed out.
func isConnection(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "conn closed")
}

// isStatementTimeout reports whether the server ended a statement because of its timeout, or because somebody cancelled it.
func isStatementTimeout(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "57014"
}

// unavailable lists the SQLSTATEs (PostgreSQL Appendix A) after which the same statement may succeed later.
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

// DB is the pool with its bound on the wait for a connection, for internal/store/identities, which alone may import db besides
// this package.
func (s *Store) DB() db.DBTX { return s.ready }

// Translate maps PostgreSQL's errors to the domain's sentinels and keeps the cause.
func Translate(err error) error { return wrap(err) }
