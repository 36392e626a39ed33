package store

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/db"
	"legwork/internal/research"
)

// fenced turns "no row" of a write that names an epoch into ErrFenced.
func fenced(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return research.ErrFenced
	}
	return wrap(err)
}

// Head is the hot row of a task, locked by the transaction that read it.
type Head struct {
	Epoch   int
	LastSeq int64
	Owner   *uuid.UUID // the worker that claimed the epoch
	JobID   *int64     // River's job of the epoch
	At      time.Time  // the database's clock under the lock
}

// LockHead locks the head of a task of any account; research.ErrNotFound when it is gone.
func (w Worker) LockHead(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Head, error) {
	row, err := w.q.WithTx(tx).LockHead(ctx, id)
	if err != nil {
		return Head{}, wrap(err)
	}
	return Head{Epoch: int(row.RunEpoch), LastSeq: row.LastSeq, Owner: row.Owner, JobID: row.JobID, At: row.At}, nil
}

// TaskInTx reads a task of an account inside a transaction, without its evidence.
func (a Account) TaskInTx(ctx context.Context, tx pgx.Tx, id uuid.UUID) (research.Task, error) {
	row, err := a.s.q.WithTx(tx).GetTask(ctx, id, a.id)
	if err != nil {
		return research.Task{}, wrap(err)
	}
	return taskFrom(row.Task, row.LastSeq), nil
}

// Claim gives a worker the epoch that its job names: the task runs from here on. ErrFenced when the epoch is past or
// taken. The events say so in the log; pin is kept from the first run, and pinned is the one kept.
func (w Worker) Claim(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int, worker uuid.UUID, pin research.Pin,
	events []research.Event) (try int, pinned research.Pin, appended []research.Event, err error) {
	q := w.q.WithTx(tx)
	head, err := q.ClaimHead(ctx, db.ClaimHeadParams{Owner: worker, Events: int64(len(events)), TaskID: id, Epoch: int32(epoch)})
	if err != nil {
		return 0, pinned, nil, fenced(err)
	}
	row, err := q.StartTask(ctx, db.StartTaskParams{
		ID: id, At: head.At, Provider: &pin.Provider, Model: &pin.Model, PromptVersion: &pin.Prompt})
	if err != nil {
		return 0, pinned, nil, fenced(err)
	}
	if err := q.InsertRun(ctx, db.InsertRunParams{TaskID: id, Epoch: int32(epoch), Try: row.Try, WorkerID: worker, At: head.At}); err != nil {
		return 0, pinned, nil, wrap(err)
	}
	pinned = research.Pin{Provider: deref(row.Provider), Model: deref(row.Model), Prompt: deref(row.PromptVersion)}
	return int(row.Try), pinned, events, w.insertEvents(ctx, q, id, head.LastSeq, head.At, events)
}

// Spent is the running time that the runs of a task before epoch took.
func (w Worker) Spent(ctx context.Context, id uuid.UUID, epoch int) (time.Duration, error) {
	ms, err := w.q.SpentMillis(ctx, id, int32(epoch))
	return time.Duration(ms) * time.Millisecond, wrap(err)
}

// Unserved notes that a worker handed a task on because it lacks the model that the task is pinned to: whether a live
// worker has it, whether this is news, and how long none had. The caller holds the head's lock.
func (w Worker) Unserved(ctx context.Context, tx pgx.Tx, id uuid.UUID) (served, first bool, waited time.Duration, err error) {
	row, err := w.q.WithTx(tx).Unserved(ctx, id, w.lease.Seconds())
	return row.Served, row.First, time.Duration(row.Waited * float64(time.Second)), wrap(err)
}

// Epochs gives the present epochs of tasks; one that is missing is gone.
func (w Worker) Epochs(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]int, error) {
	rows, err := w.q.HeadEpochs(ctx, ids)
	if err != nil {
		return nil, wrap(err)
	}
	out := make(map[uuid.UUID]int, len(rows))
	for _, r := range rows {
		out[r.TaskID] = int(r.RunEpoch)
	}
	return out, nil
}

// TaskLocked reads a task of any account inside the transaction that holds its head, without its evidence.
func (w Worker) TaskLocked(ctx context.Context, tx pgx.Tx, id uuid.UUID) (research.Task, error) {
	row, err := w.q.WithTx(tx).GetTaskForRun(ctx, id)
	if err != nil {
		return research.Task{}, wrap(err)
	}
	return taskFrom(row.Task, row.LastSeq), nil
}
