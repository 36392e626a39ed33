// Package replica reads from a standby of the database what the primary need not be asked for.
//
// Invariants:
//
//   - A connection that Acquire returns sees everything that was committed before Acquire was called, by whichever process. So
//     whoever has submitted a task finds it in the next list.
//   - A replica that is dead, late or no standby of this database costs a request at most the time Config.Wait, and further requests
//     nothing for a while. They are answered by the primary.
package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"legwork/internal/store/connection"
)

const (
	// connectEvery is the pause between tries to connect to a replica that does not answer.
	connectEvery = 5 * time.Second
	// restAfterLate and restAfterError are how long the replica is not asked after it was late, or after an error.
	restAfterLate  = 250 * time.Millisecond
	restAfterError = 2 * time.Second
	// lookEvery is the pause between two looks at the position of a replica that is not far enough.
	lookEvery = 2 * time.Millisecond
)

// notConnected is the state before the first try to connect has ended.
const notConnected = "not connected yet"

// Config configures a Replica.
type Config struct {
	Replica connection.Config // how to connect to the replica
	Primary connection.Pool   // is asked for its position in the log
	Wait    time.Duration     // longest wait for the replica to reach that position
	Logger  *slog.Logger
}

// Replica is a standby of the database. A nil Replica is none.
type Replica struct {
	cfg  Config
	stop context.CancelFunc
	done chan struct{}
	once sync.Once
	told chan struct{} // closed when the first try to connect has ended

	mu    sync.Mutex
	db    *connection.Database // nil while the replica is not connected
	rests time.Time            // until when it is not asked
	state string               // why it is not used; empty while it is
}

// Open returns a replica at once and connects to it in the background, again and again until it answers.
func Open(ctx context.Context, cfg Config) *Replica {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	r := &Replica{cfg: cfg, stop: stop, done: make(chan struct{}), told: make(chan struct{}), state: notConnected}
	go r.connect(ctx)
	return r
}

// connect tries to connect until it succeeds or ctx ends. Later failures are those of single connections.
func (r *Replica) connect(ctx context.Context) {
	defer close(r.done)
	for {
		d, err := r.open(ctx)
		r.mu.Lock()
		r.db = d
		r.note(ctx, err)
		r.mu.Unlock()
		r.once.Do(func() { close(r.told) })
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(connectEvery):
		}
	}
}

// open connects, and checks that the server has the same data as the primary.
func (r *Replica) open(ctx context.Context) (*connection.Database, error) {
	limited, cancel := context.WithTimeout(ctx, 3*connectEvery)
	defer cancel()
	const identity = "SELECT system_identifier FROM pg_control_system()"
	var here, there int64
	if err := r.cfg.Primary.QueryRow(limited, identity).Scan(&here); err != nil {
		return nil, fmt.Errorf("ask the primary who it is: %w", err)
	}
	d, err := connection.Open(limited, r.cfg.Replica)
	if err != nil {
		return nil, fmt.Errorf("the replica does not answer; check DATABASE_REPLICA_URL: %w", err)
	}
	if err := d.Ready().QueryRow(limited, identity).Scan(&there); err != nil {
		d.Close()
		return nil, fmt.Errorf("ask the replica who it is: %w", err)
	}
	if here != there {
		d.Close()
		return nil, errors.New("DATABASE_REPLICA_URL names a server that is no copy of the one of DATABASE_URL; it needs a physical standby (streaming replication)")
	}
	return d, nil
}

// note logs when the replica begins or ceases to be usable. The caller holds mu.
func (r *Replica) note(ctx context.Context, err error) {
	state := ""
	if err != nil {
		state = err.Error()
	}
	known := r.state == "" || r.state == errLate.Error() // what the log said last
	if (state == "") != known || r.state == notConnected {
		if err == nil {
			r.cfg.Logger.InfoContext(ctx, "lists are read from the replica")
		} else if ctx.Err() == nil {
			r.cfg.Logger.WarnContext(ctx, "lists are read from the primary, because the replica cannot be used", "error", err)
		}
	}
	r.state = state
}

// State returns a sentence about why the replica is not used at present; empty if it is used.
func (r *Replica) State() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// Check waits until the first try to connect has ended, and asks the replica how far it is. It returns State then.
func (r *Replica) Check(ctx context.Context) string {
	select {
	case <-ctx.Done():
	case <-r.told:
		if conn := r.Acquire(ctx); conn != nil {
			conn.Release()
		}
	}
	return r.State()
}

var (
	errLate    = errors.New("the replica is behind the primary")
	errPrimary = errors.New("the primary does not say how far it is")
)

// Acquire returns a connection to the replica that sees all that was committed before the call. It returns nil if there is none;
// then the caller must ask the primary. The caller must call Release.
func (r *Replica) Acquire(ctx context.Context) *pgxpool.Conn {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	d, resting := r.db, time.Now().Before(r.rests)
	r.mu.Unlock()
	if d == nil || resting {
		return nil
	}
	conn, err := r.acquire(ctx, d)
	r.result(ctx, err)
	return conn
}

func (r *Replica) acquire(ctx context.Context, d *connection.Database) (*pgxpool.Conn, error) {
	var position string
	if err := r.cfg.Primary.QueryRow(ctx, primaryPosition).Scan(&position); err != nil {
		return nil, errPrimary // the caller asks it, too, and gets the error
	}
	limited, cancel := context.WithTimeout(ctx, r.cfg.Wait)
	defer cancel()
	conn, err := d.Pool().Acquire(limited)
	if err != nil {
		return nil, fmt.Errorf("no connection to the replica within %s: %w", r.cfg.Wait, err)
	}
	for err == nil {
		var there bool
		if err = conn.QueryRow(limited, reached, position).Scan(&there); err == nil && there {
			return conn, nil
		}
		select {
		case <-limited.Done():
			err = errLate
		case <-time.After(lookEvery):
		}
	}
	conn.Release()
	return nil, err
}

// primaryPosition is the end of what the primary has committed. Commits that wait for the disk are below the end of the flushed log.
const primaryPosition = `SELECT (CASE current_setting('synchronous_commit') WHEN 'off' THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn() END)::text`

// reached tells whether a replica has replayed the log to a position. A server that is not a standby has no such position.
const reached = `SELECT pg_is_in_recovery() AND coalesce(pg_last_wal_replay_lsn() >= $1::text::pg_lsn, false)`

// Release gives a connection back. err is the outcome of what was read.
func (r *Replica) Release(ctx context.Context, conn *pgxpool.Conn, err error) {
	conn.Release()
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		r.result(ctx, err)
	}
}

// result lets the replica rest after an error.
func (r *Replica) result(ctx context.Context, err error) {
	if ctx.Err() != nil || errors.Is(err, errPrimary) { // the client has left, or the primary is gone, which says nothing about the replica
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case errors.Is(err, errLate): // it often is, for a moment, so that is not logged
		r.rests, r.state = time.Now().Add(restAfterLate), err.Error()
		return
	case err != nil:
		r.rests = time.Now().Add(restAfterError)
	}
	r.note(ctx, err)
}

// Close ends all connections.
func (r *Replica) Close() {
	if r == nil {
		return
	}
	r.stop()
	<-r.done
	r.mu.Lock()
	d := r.db
	r.db = nil
	r.mu.Unlock()
	if d != nil {
		d.Close()
	}
}
