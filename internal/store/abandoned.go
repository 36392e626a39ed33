package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/db"
	"legwork/internal/research"
)

// AbandonedTask is an open task that no worker works on and no worker will begin.
type AbandonedTask struct {
	TaskID uuid.UUID
	Epoch  int
	Reason string // owner_dead, job_over or never_claimed
}

// AbandonedTasks lists at most limit open tasks whose owner's lease has ended, whose job is missing or finished, or whose job
// was fetched longer than a lease time ago without a claim. All times are the database's. A task may be claimed right
// afterwards, so LockAbandoned checks again.
func (w Worker) AbandonedTasks(ctx context.Context, limit int) ([]AbandonedTask, error) {
	rows, err := w.q.AbandonedTasks(ctx, w.lease.Seconds(), nil, int32(limit))
	if err != nil {
		return nil, wrap(err)
	}
	out := make([]AbandonedTask, len(rows))
	for i, r := range rows {
		out[i] = AbandonedTask{TaskID: r.TaskID, Epoch: int(r.RunEpoch), Reason: r.Reason}
	}
	return out, nil
}

// LockAbandoned locks the head of an abandoned task. It returns research.ErrFenced when another transaction has locked the
// head, or when the task is not abandoned any more, which it checks under the lock.
func (w Worker) LockAbandoned(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int) (Head, error) {
	q := w.q.WithTx(tx)
	row, err := q.LockEpoch(ctx, id, int32(epoch))
	if err != nil {
		return Head{}, fenced(err)
	}
	still, err := q.AbandonedTasks(ctx, w.lease.Seconds(), &id, 1)
	if err != nil {
		return Head{}, wrap(err)
	}
	if len(still) == 0 {
		return Head{}, research.ErrFenced
	}
	return Head{Epoch: epoch, LastSeq: row.LastSeq, Owner: row.Owner, JobID: row.JobID, At: row.At}, nil
}

// LossesInARow counts the runs of a task that were lost since its last new step, including the run of epoch.
func (w Worker) LossesInARow(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int) (int, error) {
	n, err := w.q.WithTx(tx).LossesInARow(ctx, id, int32(epoch))
	return int(n), wrap(err)
}

// StuckJob is a job on the files of a task that has been running for longer than such a job may.
type StuckJob struct {
	ID     int64
	Kind   string
	TaskID uuid.UUID
}

// StuckFileJobs lists and locks at most limit jobs of a queue that have been running for longer than age, by the database's
// clock, and that were not cancelled.
func (w Worker) StuckFileJobs(ctx context.Context, tx pgx.Tx, queue string, kinds []string, age time.Duration, limit int) ([]StuckJob, error) {
	rows, err := w.q.WithTx(tx).StuckFileJobs(ctx, db.StuckFileJobsParams{Queue: queue, Kinds: kinds, OlderThanSeconds: age.Seconds(), MaxRows: int32(limit)})
	if err != nil {
		return nil, wrap(err)
	}
	out := make([]StuckJob, len(rows))
	for i, r := range rows {
		out[i] = StuckJob{ID: r.ID, Kind: r.Kind, TaskID: r.TaskID}
	}
	return out, nil
}
