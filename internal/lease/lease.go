package lease

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/goroutine"
	"legwork/internal/research"
	"legwork/internal/store"
)

// Lease is this process's row in the table workers. A heartbeat renews the lease on a connection outside the pool, so
// that a full pool does not make a live process look dead. The process measures the age of its lease by its own
// monotonic clock, from the moment before it sends the renewing statement.
type Lease struct {
	store  store.Worker
	worker research.Worker // its ID is set by Register
	onLost func()          // stops all runs of this process
	log    *slog.Logger

	mu      sync.Mutex
	id      uuid.UUID     // of the row; Register makes a new one
	renewed time.Time     // the last renewal
	since   time.Time     // the first renewal after the last interruption
	fresh   chan struct{} // closed and replaced at every renewal
}

// New returns the lease of a worker. onLost is called when other workers have declared this process dead; it must stop all
// runs of the process.
func New(st store.Worker, w research.Worker, onLost func(), log *slog.Logger) *Lease {
	return &Lease{store: st, worker: w, onLost: onLost, log: log, fresh: make(chan struct{})}
}

// Register inserts this process's row under a new id.
func (l *Lease) Register(ctx context.Context) error {
	w := l.worker
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make worker id: %w", err)
	}
	w.ID = id
	began := time.Now()
	if err := l.store.RegisterWorker(ctx, w); err != nil {
		return fmt.Errorf("register worker: %w", err)
	}
	l.renew(id, began)
	return nil
}

func (l *Lease) renew(id uuid.UUID, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if id != l.id || at.Sub(l.renewed) > l.late() {
		l.since = at
	}
	l.id, l.renewed = id, at
	close(l.fresh)
	l.fresh = make(chan struct{})
}

// late returns the longest gap between two renewals that is not an interruption. It is half the lease time, which is
// twice the normal gap. A worker that an outage cuts off for a shorter time still renews its lease before the lease
// ends.
func (l *Lease) late() time.Duration { return l.store.LeaseTTL() / 2 }

// MayReconcile reports whether this process has renewed its lease for one whole lease time without an interruption. Only then
// does a missing heartbeat of another worker show that the worker is lost: the database was reachable all the time.
func (l *Lease) MayReconcile() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.renewed) < l.late() && time.Since(l.since) >= l.store.LeaseTTL()
}

// Assume sets the time of the first renewal after the last interruption, and that of the last renewal. A zero time changes
// nothing. It is for tests.
func (l *Lease) Assume(since, renewed time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !since.IsZero() {
		l.since = since
	}
	if !renewed.IsZero() {
		l.renewed = renewed
	}
}

// RenewAt renews the lease as a heartbeat does that was sent at a time. It is for tests.
func (l *Lease) RenewAt(at time.Time) { l.renew(l.WorkerID(), at) }

// WorkerID returns the present id of this worker.
func (l *Lease) WorkerID() uuid.UUID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.id
}

// Age returns the time since the last renewal.
func (l *Lease) Age() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.renewed)
}

// Await returns when the lease is valid. Normally it returns at once. After an outage of the database or a pause of this
// process it waits for the next heartbeat. If other workers have declared this process dead, that heartbeat stops the
// runs of this process first.
func (l *Lease) Await(ctx context.Context) error {
	for {
		l.mu.Lock()
		age, fresh := time.Since(l.renewed), l.fresh
		l.mu.Unlock()
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if age < l.store.LeaseTTL() {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-fresh:
		}
	}
}

// Run renews the lease every quarter of the lease time until ctx ends. It connects again when the connection is lost.
func (l *Lease) Run(ctx context.Context) {
	var conn *pgx.Conn
	defer func() {
		if conn != nil {
			_ = conn.Close(context.WithoutCancel(ctx))
		}
	}()
	for {
		every := l.store.LeaseTTL() / 4
		old := conn != nil
		beat := func() error { return l.beat(ctx, &conn) }
		err := goroutine.Catch(ctx, beat)
		if err != nil && old { // the database may have closed this connection only: try a new one at once
			err = goroutine.Catch(ctx, beat)
		}
		if err != nil && ctx.Err() == nil {
			l.log.WarnContext(ctx, "heartbeat failed; runs pause before their next step", "error", err)
			every = min(every, 200*time.Millisecond+rand.N(200*time.Millisecond))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
	}
}

// beat renews the lease once. When the row is gone, other workers have declared this process dead. Then beat stops the
// runs of this process and registers the process again.
func (l *Lease) beat(ctx context.Context, conn **pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, l.store.LeaseTTL()/2)
	defer cancel()
	if *conn == nil || (*conn).IsClosed() {
		c, err := l.store.Connect(ctx, "legwork heartbeat")
		if err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		*conn = c
	}
	began := time.Now()
	alive, err := l.store.Heartbeat(ctx, *conn, l.WorkerID())
	if err != nil {
		_ = (*conn).Close(ctx)
		*conn = nil
		return err
	}
	if alive {
		l.renew(l.WorkerID(), began)
		return nil
	}
	l.log.WarnContext(ctx, "this worker's lease had ended, so other workers took over its tasks; its runs stop", "worker", l.WorkerID())
	l.onLost()
	return l.Register(ctx)
}
