// Package connection opens connections to PostgreSQL that do not outlive their server. When the machine of a server dies, or
// a network drops its packets, no connection is closed. Without care, a statement on such a connection waits for minutes,
// and its cancellation too. Poolers such as PgBouncer are recognised, and what they cannot do is avoided.
//
// Invariants, for every connection of the program (the pool, LISTEN, the heartbeat, River's):
//
//   - A server whose kernel does not answer is noticed by the kernel of this machine within silence (on Linux).
//   - A server that does not answer a ping within silence, for instance because it is frozen, loses all connections that were
//     opened before the ping. So statements that wait for it fail.
//   - Every statement has a deadline in this process, besides the one on the server.
//   - A cancelled statement never waits for the server, and its connection leaves the pool soon.
//   - Waiting for a free connection is bounded.
package connection

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/multitracer"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"
)

const (
	// connectTimeout bounds a connection attempt to one host, and the look-up of its name.
	connectTimeout = 3 * time.Second
	// silence is how long a server may not answer before it counts as dead.
	silence = 5 * time.Second
	// pingEvery is the pause between two pings.
	pingEvery = time.Second
	// farewell bounds how long the end of a cancelled statement may keep its connection.
	farewell = 2 * time.Second
	// ownMargin is how much later than the server this process ends a statement. So normally the server does it, and the
	// connection stays usable.
	ownMargin = 5 * time.Second
)

// Config configures a Database.
type Config struct {
	URL              string          // postgres:// URL or keyword/value string; it may name several hosts
	DirectURL        string          // the same database without the pooler that URL leads to, for LISTEN; empty if there is none
	PollOnly         bool            // never LISTEN
	MaxConns         int32           // connections of the pool
	StatementTimeout time.Duration   // longest time of a statement
	AcquireTimeout   time.Duration   // longest wait for a free connection of the pool
	Tracer           pgx.QueryTracer // follows every statement; nil: nothing does
	Logger           *slog.Logger
}

// Database is the pool of connections, and what is known about the server. Use Open to make one.
type Database struct {
	cfg       Config
	pool      *pgxpool.Pool
	listening *pgxpool.Pool // for River's LISTEN; the same as pool without a DirectURL
	outside   *pgx.ConnConfig
	direct    *pgx.ConnConfig // for LISTEN
	sockets   *sockets
	pooler    string // a sentence about the pooler; empty without one

	room     room
	readOnly atomic.Bool
	refused  chan struct{} // receives a value when the server has refused a write because it is read-only
	stop     context.CancelFunc
	watched  chan struct{} // closed when watch has ended
}

// Open connects and checks that the database answers.
func Open(ctx context.Context, cfg Config) (*Database, error) {
	d := &Database{cfg: cfg, sockets: newSockets(), refused: make(chan struct{}, 1), watched: make(chan struct{})}
	pc, err := d.parse(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL is not a PostgreSQL connection string: %w", err)
	}
	pc.MaxConns = cfg.MaxConns
	first, err := d.look(ctx, pc.ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("the database does not answer; check DATABASE_URL: %w", err)
	}
	readOnly, _, err := state(ctx, first)
	if err != nil {
		end(first)
		return nil, fmt.Errorf("the database does not answer; check DATABASE_URL: %w", err)
	}
	d.readOnly.Store(readOnly)
	d.outside, d.direct = pc.ConnConfig.Copy(), pc.ConnConfig.Copy()
	if d.pool, err = pgxpool.NewWithConfig(ctx, pc); err != nil {
		end(first)
		return nil, fmt.Errorf("open pool: %w", err)
	}
	d.listening = d.pool
	if cfg.DirectURL != "" {
		if err := d.openDirect(ctx); err != nil {
			end(first)
			d.pool.Close()
			return nil, err
		}
	}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	d.stop = stop
	go d.watch(watching, first)
	return d, nil
}

// openDirect prepares the connections for LISTEN that DirectURL names.
func (d *Database) openDirect(ctx context.Context) error {
	pc, err := d.parse(d.cfg.DirectURL)
	if err != nil {
		return fmt.Errorf("DATABASE_DIRECT_URL is not a PostgreSQL connection string: %w", err)
	}
	pc.MaxConns = 2 // River takes one, and may open the next before the last one is closed
	d.direct = pc.ConnConfig.Copy()
	conn, err := pgx.ConnectConfig(ctx, d.direct)
	if err != nil {
		return fmt.Errorf("the database does not answer; check DATABASE_DIRECT_URL: %w", err)
	}
	_ = conn.Close(ctx)
	if d.listening, err = pgxpool.NewWithConfig(ctx, pc); err != nil {
		return fmt.Errorf("open pool of DATABASE_DIRECT_URL: %w", err)
	}
	return nil
}

// parse returns the configuration of connections to url. Besides what url says, it has all that the invariants need.
func (d *Database) parse(url string) (*pgxpool.Config, error) {
	pc, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	c := pc.ConnConfig
	d.sockets.prepare(c)
	c.OnPgError = d.onError
	own := deadlines{limit: d.cfg.StatementTimeout + ownMargin}
	c.Tracer = own
	if d.cfg.Tracer != nil {
		c.Tracer = multitracer.New(own, d.cfg.Tracer)
	}
	timeout := d.cfg.StatementTimeout
	c.RuntimeParams["application_name"] = "legwork"
	c.RuntimeParams["timezone"] = "UTC"
	c.RuntimeParams["statement_timeout"] = millis(timeout)
	c.RuntimeParams["lock_timeout"] = millis(timeout / 2)
	c.RuntimeParams["idle_in_transaction_session_timeout"] = millis(timeout)
	pc.PingTimeout = d.cfg.AcquireTimeout // pgxpool pings a connection that was idle for a second before it hands it out
	pc.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		// Without this registration, pgx encodes each uuid through driver.Valuer and text, which takes a fifth of a
		// statement's CPU time here.
		pgxuuid.Register(conn.TypeMap())
		return nil
	}
	return pc, nil
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// onError is pgconn.Config.OnPgError. It closes a connection to a server that is read-only, because a later connection may
// lead to one that is not, and a connection whose session has ended.
func (d *Database) onError(_ *pgconn.PgConn, err *pgconn.PgError) bool {
	if err.Code == readOnlyTransaction {
		select {
		case d.refused <- struct{}{}:
		default:
		}
		return false
	}
	if err.Code == noRoom {
		d.room.note()
	}
	return !strings.EqualFold(err.Severity, "FATAL")
}

// Close waits until no connection is in use, and closes all.
func (d *Database) Close() {
	d.stop()
	<-d.watched
	d.pool.Close()
	if d.listening != d.pool {
		d.listening.Close()
	}
}

// URL returns the connection string, for code that needs a connection without the timeouts of this package.
func (d *Database) URL() string { return d.cfg.URL }

// Pool returns the pool, for River's driver.
func (d *Database) Pool() *pgxpool.Pool { return d.pool }

// Ready returns the pool with its limit on the wait for a connection.
func (d *Database) Ready() Pool { return Pool{pool: d.pool, maxWait: d.cfg.AcquireTimeout} }

// Connect opens a connection outside the pool. name is its application_name in pg_stat_activity. The caller must close it.
func (d *Database) Connect(ctx context.Context, name string) (*pgx.Conn, error) {
	return connect(ctx, d.outside, name)
}

// ConnectToListen opens a connection that may LISTEN. Call it only if PollOnly returns false. The caller must close it.
func (d *Database) ConnectToListen(ctx context.Context) (*pgx.Conn, error) {
	return connect(ctx, d.direct, "legwork listener")
}

func connect(ctx context.Context, cfg *pgx.ConnConfig, name string) (*pgx.Conn, error) {
	cfg = cfg.Copy()
	cfg.RuntimeParams["application_name"] = name
	return pgx.ConnectConfig(ctx, cfg)
}

// ReadOnly reports whether the server accepted no writes at the last ping, at most some seconds ago.
func (d *Database) ReadOnly() bool { return d.readOnly.Load() }

// Pooler returns a sentence about the pooler between this process and the server, or nothing without one.
func (d *Database) Pooler() string { return d.pooler }

// PollOnly reports whether nothing in this process may LISTEN, because it is configured so, or because of a pooler.
func (d *Database) PollOnly() bool {
	return d.cfg.PollOnly || d.pooler != "" && d.cfg.DirectURL == ""
}

// TxOptions returns the options of a transaction. Through a pooler, sessions have no timeouts of their own, so each
// transaction sets them, in the same round trip as BEGIN.
func (d *Database) TxOptions() pgx.TxOptions {
	if d.pooler == "" {
		return pgx.TxOptions{}
	}
	timeout := d.cfg.StatementTimeout
	return pgx.TxOptions{BeginQuery: fmt.Sprintf("begin; set local statement_timeout = %s; set local lock_timeout = %s; set local idle_in_transaction_session_timeout = %s",
		millis(timeout), millis(timeout/2), millis(timeout))}
}

// ForSchema returns the configuration of connections that change the schema: without deadlines, because a migration of a large
// database takes long, and without prepared statements if url leads to a pooler.
func ForSchema(ctx context.Context, url string) (*pgxpool.Config, error) {
	pc, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL is not a PostgreSQL connection string: %w", err)
	}
	newSockets().prepare(pc.ConnConfig)
	d := &Database{cfg: Config{URL: url}}
	conn, err := d.look(ctx, pc.ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("connect to migrate: %w", err)
	}
	_ = conn.Close(ctx)
	pc.MaxConns = 2
	return pc, nil
}

// prepare makes connections of cfg use these sockets.
func (s *sockets) prepare(cfg *pgx.ConnConfig) {
	cfg.DialFunc = s.dial
	cfg.AfterNetConnect = s.established
	cfg.ConnectTimeout = min(cmp.Or(cfg.ConnectTimeout, connectTimeout), connectTimeout)
	hosts := map[string]bool{net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port))): true}
	for _, f := range cfg.Fallbacks {
		hosts[net.JoinHostPort(f.Host, strconv.Itoa(int(f.Port)))] = true
	}
	s.several = len(hosts) > 1
	resolve := cfg.LookupFunc
	cfg.LookupFunc = func(ctx context.Context, host string) ([]string, error) {
		ctx, cancel := context.WithTimeout(ctx, connectTimeout)
		defer cancel()
		return resolve(ctx, host)
	}
}
