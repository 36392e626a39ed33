// Package schema brings the tables of a database to the version of this program: legwork's own by goose, and River's by
// River's migrator. It holds an advisory lock meanwhile, and never changes a database that is newer than the program.
package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"legwork/internal/store"
	"legwork/internal/store/connection"
	"legwork/migrations"
)

// migrationLock is the key of the advisory lock that a legwork process holds while it migrates: "legwork" in ASCII.
const migrationLock int64 = 0x6c6567776f726b

// minServerVersion is the oldest version of PostgreSQL that has the features that the schema uses (SQL-body functions).
const minServerVersion = 140000

// Migrate brings the schema to this program's version: legwork's tables by goose, then River's tables. It holds an advisory
// lock, so any number of processes may start at once. It changes nothing in a database that is newer than the program.
func Migrate(ctx context.Context, url string, log *slog.Logger) error {
	return MigrateTo(ctx, url, log, 0, 0)
}

// MigrateTo is Migrate to the versions of legwork's and River's tables with these numbers, which a backup of an older program
// has. 0 is the newest version.
func MigrateTo(ctx context.Context, url string, log *slog.Logger, ours int64, river int) error {
	cfg, err := connection.ForSchema(ctx, url)
	if err != nil {
		return store.Wrap(err)
	}
	conn, err := pgx.ConnectConfig(ctx, cfg.ConnConfig)
	if err != nil {
		return store.Wrap(fmt.Errorf("connect to migrate: %w", err))
	}
	// Closing the connection ends the transaction and releases the lock.
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if err := checkVersion(ctx, conn); err != nil {
		return err
	}
	if err := lockSchema(ctx, conn); err != nil {
		return err
	}
	if err := migrateOurs(ctx, cfg.ConnConfig, log, ours); err != nil {
		return err
	}
	return migrateRiver(ctx, cfg, log, river)
}

func checkVersion(ctx context.Context, conn *pgx.Conn) error {
	var version int
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		return store.Wrap(fmt.Errorf("read server version: %w", err))
	}
	if version < minServerVersion {
		return fmt.Errorf("the server is PostgreSQL %d; legwork needs 14 or newer", version/10000)
	}
	return nil
}

// lockSchema begins a transaction, and tries to take the lock in it every 50 ms. The lock belongs to the transaction and not to the
// session, because behind a pooler the next statement may run in another session. It does not wait inside a statement, because
// a waiting statement holds a database snapshot, and CREATE INDEX CONCURRENTLY in the process that holds the lock would wait for
// its end forever. Between statements, the transaction holds no snapshot.
func lockSchema(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0"); err != nil {
		return store.Wrap(fmt.Errorf("lock schema: %w", err))
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var got bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1)", migrationLock).Scan(&got); err != nil {
			return store.Wrap(fmt.Errorf("lock schema: %w", err))
		}
		if got {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("another process is migrating this database and did not finish in time: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

func migrateOurs(ctx context.Context, cfg *pgx.ConnConfig, log *slog.Logger, version int64) (err error) {
	pool := stdlib.OpenDB(*cfg)
	defer func(pool *sql.DB) { err = errors.Join(err, pool.Close()) }(pool)
	provider, err := goose.NewProvider(goose.DialectPostgres, pool, migrations.FS)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	var results []*goose.MigrationResult
	if sources := provider.ListSources(); version > 0 && version > sources[len(sources)-1].Version {
		return fmt.Errorf("the schema's version %d is newer than this program; use a newer legwork", version)
	}
	if version > 0 {
		results, err = provider.UpTo(ctx, version)
	} else {
		results, err = provider.Up(ctx)
	}
	if err != nil {
		return store.Wrap(refused(ctx, pool, err))
	}
	for _, r := range results {
		log.InfoContext(ctx, "migrated", "version", r.Source.Version, "took", r.Duration)
	}
	return nil
}

// refused returns the error of a failed migration. When the migration stopped because workers of an older version are running,
// the error names their hosts and says what to do.
func refused(ctx context.Context, pool *sql.DB, err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42501" { // insufficient_privilege
		return fmt.Errorf("the role of DATABASE_URL may not change the schema; run legwork migrate --grants as the role that owns the tables: %w", err)
	}
	if !errors.As(err, &pg) || pg.Code != "P0001" { // raise_exception: RAISE in one of our migrations
		return fmt.Errorf("migrate: %w", err)
	}
	var hosts sql.NullString
	_ = pool.QueryRowContext(ctx, `SELECT string_agg(DISTINCT format('%s (version %s)', host, version), ', ')
		FROM workers WHERE heartbeat_at > clock_timestamp() - interval '6 seconds'`).Scan(&hosts) // without an answer to this query the message says "all hosts"
	where := "all hosts"
	if hosts.Valid {
		where = hosts.String
	}
	return fmt.Errorf("the database was not changed, because workers of an older legwork use it: stop every legwork process on %s with SIGTERM, "+
		"API processes too, wait until they have ended, and start the new version; the tasks that they hand back go on then: %w", where, err)
}

func migrateRiver(ctx context.Context, cfg *pgxpool.Config, log *slog.Logger, version int) error {
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return store.Wrap(fmt.Errorf("connect to migrate: %w", err))
	}
	defer pool.Close()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("read River's migrations: %w", err)
	}
	res, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, &rivermigrate.MigrateOpts{TargetVersion: version})
	if err != nil {
		return store.Wrap(fmt.Errorf("migrate River's tables: %w", err))
	}
	for _, v := range res.Versions {
		log.InfoContext(ctx, "migrated River's tables", "version", v.Version)
	}
	return nil
}
