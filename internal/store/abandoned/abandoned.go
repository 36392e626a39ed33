// Package abandoned finds, in PostgreSQL, what dead processes have left unfinished: tasks that no worker works on and
// no worker will begin, and River jobs that write or delete the files of a task and have been running for too long.
// All times are read from the database's clock. River's tables are only read.
package abandoned

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/db"
	"legwork/internal/research"
	"legwork/internal/store"
)

// Store finds what dead processes have left. Use New to make one per process.
type Store struct {
	q     *db.Queries
	lease time.Duration
}

// New returns a Store on the database of st.
func New(st *store.Store) *Store { return &Store{q: db.New(st.DB()), lease: st.LeaseTTL()} }

// Task is an open task that no worker works on and no worker will begin.
type Task struct {
	TaskID uuid.UUID
	Epoch  int
	Reason string // owner_dead, job_over or never_claimed
}

// Tasks lists at most limit open tasks whose owner's lease has ended, whose job is missing or finished, or whose job was
// fetched longer than a lease time ago without a claim. A listed task may be claimed right afterwards, so Lock checks
// again.
func (s *Store) Tasks(ctx context.Context, limit int) ([]Task, error) {
	rows, err := s.q.AbandonedTasks(ctx, s.lease.Seconds(), nil, int32(limit))
	if err != nil {
		return nil, store.Translate(err)
	}
	out := make([]Task, len(rows))
	for i, r := range rows {
		out[i] = Task{TaskID: r.TaskID, Epoch: int(r.RunEpoch), Reason: r.Reason}
	}
	return out, nil
}

// Lock locks the head of an abandoned task, and then checks again that the task is abandoned. It returns
// research.ErrFenced when another transaction has locked the head, or when the task is not abandoned any more.
func (s *Store) Lock(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int) (store.Head, error) {
	q := s.q.WithTx(tx)
	row, err := q.LockEpoch(ctx, id, int32(epoch))
	if err != nil {
		return store.Head{}, fenced(err)
	}
	still, err := q.AbandonedTasks(ctx, s.lease.Seconds(), &id, 1)
	if err != nil {
		return store.Head{}, store.Translate(err)
	}
	if len(still) == 0 {
		return store.Head{}, research.ErrFenced
	}
	return store.Head{Epoch: epoch, LastSeq: row.LastSeq, Owner: row.Owner, JobID: row.JobID, At: row.At}, nil
}

// LossesInARow returns the number of runs of a task that were lost since its last new step, including the run with this
// epoch.
func (s *Store) LossesInARow(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int) (int, error) {
	n, err := s.q.WithTx(tx).LossesInARow(ctx, id, int32(epoch))
	return int(n), store.Translate(err)
}

// StuckJob is a job on a task's files that has been running for longer than such a job is allowed to.
type StuckJob struct {
	ID     int64
	Kind   string
	TaskID uuid.UUID
}

// StuckFileJobs locks and returns at most limit jobs of a queue that have been running for longer than age, by the
// database's clock, and that were not cancelled.
func (s *Store) StuckFileJobs(ctx context.Context, tx pgx.Tx, queue string, kinds []string, age time.Duration, limit int) ([]StuckJob, error) {
	rows, err := s.q.WithTx(tx).StuckFileJobs(ctx, db.StuckFileJobsParams{Queue: queue, Kinds: kinds, OlderThanSeconds: age.Seconds(), MaxRows: int32(limit)})
	if err != nil {
		return nil, store.Translate(err)
	}
	out := make([]StuckJob, len(rows))
	for i, r := range rows {
		out[i] = StuckJob{ID: r.ID, Kind: r.Kind, TaskID: r.TaskID}
	}
	return out, nil
}

// fenced translates the error of a query. When the query returned no row, the task has another epoch, or another
// transaction has locked its head.
func fenced(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return research.ErrFenced
	}
	return store.Translate(err)
}
