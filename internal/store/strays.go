package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/db"
	"legwork/internal/research"
)

// Stray is an open task that nobody works on and nobody will.
type Stray struct {
	TaskID uuid.UUID
	Epoch  int
	Reason string // owner_dead, job_over or never_claimed
}

// Strays lists at most limit open tasks whose owner has no fresh heartbeat, whose job is gone or over, or whose job was
// fetched longer than a lease ago without a claim. All by the database's clock, and only as of this moment: see LockStray.
func (s *Store) Strays(ctx context.Context, limit int) ([]Stray, error) {
	rows, err := s.q.Strays(ctx, s.lease.Seconds(), nil, int32(limit))
	if err != nil {
		return nil, wrap(err)
	}
	out := make([]Stray, len(rows))
	for i, r := range rows {
		out[i] = Stray{TaskID: r.TaskID, Epoch: int(r.RunEpoch), Reason: r.Reason}
	}
	return out, nil
}

// LockStray locks the head of a stray for its transition. research.ErrFenced: somebody else is at it, or was. The
// question whether it is a stray is asked again under the lock, because a claim may have come in between.
func (s *Store) LockStray(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int) (Head, error) {
	q := s.q.WithTx(tx)
	row, err := q.LockEpoch(ctx, id, int32(epoch))
	if err != nil {
		return Head{}, fenced(err)
	}
	still, err := q.Strays(ctx, s.lease.Seconds(), &id, 1)
	if err != nil {
		return Head{}, wrap(err)
	}
	if len(still) == 0 {
		return Head{}, research.ErrFenced
	}
	return Head{Epoch: epoch, Owner: row.Owner, JobID: row.JobID}, nil
}

// LossesInARow counts the runs of a task that were lost since its last new step, that of epoch included.
func (s *Store) LossesInARow(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int) (int, error) {
	n, err := s.q.WithTx(tx).LossesInARow(ctx, id, int32(epoch))
	return int(n), wrap(err)
}

// StuckJob is a job on the files of a task that outlasted every limit.
type StuckJob struct {
	ID     int64
	Kind   string
	TaskID uuid.UUID
}

// StuckUpkeep lists and locks at most limit jobs of a queue that have been running for longer than age, by the database's
// clock, and that nobody has cancelled yet.
func (s *Store) StuckUpkeep(ctx context.Context, tx pgx.Tx, queue string, kinds []string, age time.Duration, limit int) ([]StuckJob, error) {
	rows, err := s.q.WithTx(tx).StuckUpkeep(ctx, db.StuckUpkeepParams{Queue: queue, Kinds: kinds, OlderThanSeconds: age.Seconds(), MaxRows: int32(limit)})
	if err != nil {
		return nil, wrap(err)
	}
	out := make([]StuckJob, len(rows))
	for i, r := range rows {
		out[i] = StuckJob{ID: r.ID, Kind: r.Kind, TaskID: r.TaskID}
	}
	return out, nil
}
