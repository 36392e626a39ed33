package jobs

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

// lease is this process's row in workers, renewed on a connection of its own, so that a full pool cannot make a live
// process look dead. Its age is measured here, by the monotonic clock, from before the renewing statement was sent.
type lease struct {
	store  store.Worker
	worker research.Worker // ID changes when the row was lost
	onLost func()          // abandons all runs
	log    *slog.Logger

	mu      sync.Mutex
	id      uuid.UUID
	renewed time.Time
	since   time.Time     // since when no renewal came late
	fresh   chan struct{} // closed and replaced at every renewal
}

func newLease(st store.Worker, w research.Worker, onLost func(), log *slog.Logger) *lease {
	return &lease{store: st, worker: w, onLost: onLost, log: log, fresh: make(chan struct{})}
}

// register offers the slots under a new id.
func (l *lease) register(ctx context.Context) error {
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

func (l *lease) renew(id uuid.UUID, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if id != l.id || at.Sub(l.renewed) > l.late() {
		l.since = at
	}
	l.id, l.renewed = id, at
	close(l.fresh)
	l.fresh = make(chan struct{})
}

// late is the gap between two renewals that is an interruption: twice the pause between two. Whoever else was cut off
// from the database for less than it has renewed within the lease time, so nobody's silence means an outage.
func (l *lease) late() time.Duration { return l.store.LeaseTTL() / 2 }

// mayJudge reports whether this process has held its lease for one whole lease time without an interruption. Only then
// is the silence of another worker its own.
func (l *lease) mayJudge() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.renewed) < l.late() && time.Since(l.since) >= l.store.LeaseTTL()
}

// worker id of the moment.
func (l *lease) workerID() uuid.UUID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.id
}

// await returns when the lease is younger than its time to live: at once as a rule, after the next heartbeat when the
// database was away or this process was paused. By then the runs of a process that was given up are cancelled.
func (l *lease) await(ctx context.Context) error {
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

// run heartbeats until ctx ends, a quarter of the lease time apart, reconnecting as needed.
func (l *lease) run(ctx context.Context) {
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
		if err != nil && old { // the connection has ended, which does not mean that the database has
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

// beat renews the lease once. When the row is gone the process was given up: its runs are abandoned, and it registers
// anew.
func (l *lease) beat(ctx context.Context, conn **pgx.Conn) error {
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
	alive, err := l.store.Heartbeat(ctx, *conn, l.workerID())
	if err != nil {
		_ = (*conn).Close(ctx)
		*conn = nil
		return err
	}
	if alive {
		l.renew(l.workerID(), began)
		return nil
	}
	l.log.WarnContext(ctx, "this worker was given up; abandoning its runs", "worker", l.workerID())
	l.onLost()
	return l.register(ctx)
}
