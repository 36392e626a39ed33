package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/db"
	"legwork/internal/research"
)

// RegisterWorker offers a process's slots.
func (s *Store) RegisterWorker(ctx context.Context, w research.Worker) error {
	return wrap(s.q.RegisterWorker(ctx, db.RegisterWorkerParams{ID: w.ID, Slots: int32(w.Slots), Version: w.Version, Host: w.Host,
		Provider: w.Pin.Provider, Model: w.Pin.Model, PromptVersion: w.Pin.Prompt}))
}

// Heartbeat renews a worker's lease on a connection of the caller's. False: the worker was given up.
func (s *Store) Heartbeat(ctx context.Context, conn *pgx.Conn, id uuid.UUID) (bool, error) {
	n, err := db.New(conn).Heartbeat(ctx, id)
	return n == 1, wrap(err)
}

// UnregisterWorker takes a process's slots back.
func (s *Store) UnregisterWorker(ctx context.Context, id uuid.UUID) error {
	return wrap(s.q.UnregisterWorker(ctx, id))
}

// PruneWorkers forgets processes without a heartbeat for longer than age that hold no task.
func (s *Store) PruneWorkers(ctx context.Context, age time.Duration) (int64, error) {
	n, err := s.q.PruneWorkers(ctx, age.Seconds())
	return n, wrap(err)
}

// Workers lists the processes whose lease holds.
func (s *Store) Workers(ctx context.Context) ([]research.Worker, error) {
	rows, err := s.q.LiveWorkers(ctx, s.lease.Seconds())
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
