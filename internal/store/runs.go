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

// fenced converts the error of a write that names an epoch. It returns research.ErrFenced when the write found no row
// (pgx.ErrNoRows). For any other error it returns the result of wrap.
func fenced(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return research.ErrFenced
	}
	return wrap(err)
}

// Head is the row of task_heads of a task. The transaction that read it holds its lock.
type Head struct {
	Epoch   int
	LastSeq int64
	Owner   *uuid.UUID // the worker that claimed the epoch; nil when none has
	JobID   *int64     // River's job of the epoch
	At      time.Time  // the database's clock after the row was locked
}

// LockHead locks the head of a task of any account. It returns research.ErrNotFound when the task does not exist.
func (w Worker) LockHead(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Head, error) {
	row, err := w.q.WithTx(tx).LockHead(ctx, id)
	if err != nil {
		return Head{}, wrap(err)
	}
	return Head{Epoch: int(row.RunEpoch), LastSeq: row.LastSeq, Owner: row.Owner, JobID: row.JobID, At: row.At}, nil
}

// LockTask locks the head of a task of any account, and reads the task without its evidence. It returns research.ErrNotFound
// when the task does not exist.
func (w Worker) LockTask(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Head, research.Task, error) {
	row, err := w.q.WithTx(tx).LockTask(ctx, id)
	if err != nil {
		return Head{}, research.Task{}, wrap(err)
	}
	return Head{Epoch: int(row.RunEpoch), LastSeq: row.LastSeq, Owner: row.Owner, JobID: row.JobID, At: row.At},
		taskFrom(row.Task, row.LastSeq, row.ChildOf), nil
}

// TaskInTx reads a task of an account inside a transaction, without its evidence.
func (a Account) TaskInTx(ctx context.Context, tx pgx.Tx, id uuid.UUID) (research.Task, error) {
	row, err := a.s.q.WithTx(tx).GetTask(ctx, id, a.id)
	if err != nil {
		return research.Task{}, wrap(err)
	}
	return taskFrom(row.Task, row.LastSeq, row.ChildOf), nil
}

// Grant is what a run has reserved, which is the most that it may use. A nil field means that the amount is not limited.
type Grant struct {
	Pages        *int64
	Tokens       *int64 // includes what the model may use beyond the token budget of the task
	Microdollars *int64
}

// Claim makes a worker the owner of an epoch, sets the task to running, reserves grant for the run, and appends events.
// It returns ErrFenced when the task has a newer epoch or another worker has claimed this one. The first claim of a task
// stores pin. Claim returns the stored pin as pinned.
func (w Worker) Claim(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int, worker uuid.UUID, pin research.Pin, grant Grant,
	events []research.Event) (try int, pinned research.Pin, appended []research.Event, err error) {
	c := columnsOf(events)
	row, err := w.q.WithTx(tx).ClaimTask(ctx, db.ClaimTaskParams{Owner: worker, TaskID: id, Epoch: int32(epoch), Types: c.types, Bodies: c.bodies,
		Provider: pin.Provider, Model: pin.Model, PromptVersion: pin.Prompt,
		ReservedPages: grant.Pages, ReservedTokens: grant.Tokens, ReservedMicrodollars: grant.Microdollars})
	if err != nil {
		return 0, pinned, nil, fenced(err)
	}
	setSeqs(events, id, row.LastSeq, row.At)
	return int(row.Try), research.Pin{Provider: row.Provider, Model: row.Model, Prompt: row.PromptVersion}, events, nil
}

// Resumed is what a run of a task begins with.
type Resumed struct {
	Task    research.Task
	Epoch   int             // the task's present epoch
	Journal []research.Step // of earlier runs, in order
	Spent   time.Duration   // running time of the runs before epoch
}

// Resume reads what the run of an epoch begins with, in one round trip.
func (w Worker) Resume(ctx context.Context, id uuid.UUID, epoch int) (r Resumed, err error) {
	err = w.batch(ctx, func(q *db.Queries) {
		_, _ = q.GetTaskForRun(ctx, id)
		queueParts(ctx, q, []uuid.UUID{id})
		_, _ = q.Steps(ctx, id)
		_, _ = q.SpentMillis(ctx, id, int32(epoch))
	}, func(q *db.Queries) error {
		row, err := q.GetTaskForRun(ctx, id)
		if err != nil {
			return err
		}
		r.Epoch = int(row.RunEpoch)
		if r.Task, err = taskOf(ctx, q, db.GetTaskRow(row)); err != nil {
			return err
		}
		steps, err := q.Steps(ctx, id)
		if err != nil {
			return err
		}
		r.Journal = journalFrom(steps)
		ms, err := q.SpentMillis(ctx, id, int32(epoch))
		r.Spent = time.Duration(ms) * time.Millisecond
		return err
	})
	return r, err
}

// Unserved records that a worker lacks the model that the task is pinned to. It returns whether a live worker has the
// model, whether this is the first such record in a row, and how long no live worker has had the model. The caller must
// hold the lock of the head.
func (w Worker) Unserved(ctx context.Context, tx pgx.Tx, id uuid.UUID) (served, first bool, waited time.Duration, err error) {
	row, err := w.q.WithTx(tx).Unserved(ctx, id, w.lease.Seconds())
	return row.Served, row.First, time.Duration(row.Waited * float64(time.Second)), wrap(err)
}

// Epochs returns the present epochs of tasks. A task that does not exist is missing in the map.
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

// TaskLocked reads a task of any account, without its evidence, in the transaction that holds the lock of the head.
func (w Worker) TaskLocked(ctx context.Context, tx pgx.Tx, id uuid.UUID) (research.Task, error) {
	row, err := w.q.WithTx(tx).GetTaskForRun(ctx, id)
	if err != nil {
		return research.Task{}, wrap(err)
	}
	return taskFrom(row.Task, row.LastSeq, row.ChildOf), nil
}
