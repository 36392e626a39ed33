package store

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/db"
	"legwork/internal/research"
)

// RegisterWorker inserts the row of a worker process, with its slots.
func (w Worker) RegisterWorker(ctx context.Context, p research.Worker) error {
	return wrap(w.q.RegisterWorker(ctx, db.RegisterWorkerParams{ID: p.ID, Slots: int32(p.Slots), Version: p.Version, Host: p.Host,
		Provider: p.Pin.Provider, Model: p.Pin.Model, PromptVersion: p.Pin.Prompt, Queue: cmp.Or(p.Queue, "research")}))
}

// Heartbeat renews a worker's lease on the given connection. It returns false when other workers have declared the worker
// dead and removed its row.
func (w Worker) Heartbeat(ctx context.Context, conn *pgx.Conn, id uuid.UUID) (bool, error) {
	n, err := db.New(conn).Heartbeat(ctx, id)
	return n == 1, wrap(err)
}

// UnregisterWorker removes the row of a worker process that stops.
func (w Worker) UnregisterWorker(ctx context.Context, id uuid.UUID) error {
	return wrap(w.q.UnregisterWorker(ctx, id))
}

// PruneWorkers removes the rows of workers that have sent no heartbeat for longer than age and hold no task. It returns
// how many it removed.
func (w Worker) PruneWorkers(ctx context.Context, age time.Duration) (int64, error) {
	n, err := w.q.PruneWorkers(ctx, age.Seconds())
	return n, wrap(err)
}

// Workers lists the workers whose lease is valid, without those that work on the question of one legwork ask alone.
func (w Worker) Workers(ctx context.Context) ([]research.Worker, error) {
	rows, err := w.q.LiveWorkers(ctx, w.lease.Seconds())
	if err != nil {
		return nil, wrap(err)
	}
	out := make([]research.Worker, len(rows))
	for i, r := range rows {
		out[i] = research.Worker{
			ID: r.ID, Slots: int(r.Slots), Version: r.Version, Host: r.Host, StartedAt: r.StartedAt, HeartbeatAt: r.HeartbeatAt, Running: int(r.Running)}
	}
	return out, nil
}
