package store

import (
	"context"
	"errors"
	"fmt"
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
func (s *Store) LockHead(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Head, error) {
	row, err := s.q.WithTx(tx).LockHead(ctx, id)
	if err != nil {
		return Head{}, wrap(err)
	}
	return Head{Epoch: int(row.RunEpoch), LastSeq: row.LastSeq, Owner: row.Owner, JobID: row.JobID, At: row.At}, nil
}

// TaskInTx reads a task of an account inside a transaction, without its evidence.
func (s *Store) TaskInTx(ctx context.Context, tx pgx.Tx, account string, id uuid.UUID) (research.Task, error) {
	row, err := s.q.WithTx(tx).GetTask(ctx, id, account)
	if err != nil {
		return research.Task{}, wrap(err)
	}
	return taskFrom(row.Task, row.LastSeq), nil
}

// Claim gives a worker the epoch that its job names: the task runs from here on. ErrFenced when the epoch is past or
// taken. The events say so in the log; pin is kept from the first run, and pinned is the one kept.
func (s *Store) Claim(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int, worker uuid.UUID, pin research.Pin,
	events []research.Event) (try int, pinned research.Pin, appended []research.Event, err error) {
	q := s.q.WithTx(tx)
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
	return int(row.Try), pinned, events, s.insertEvents(ctx, q, id, head.LastSeq, head.At, events)
}

// Spent is the running time that the runs of a task before epoch took.
func (s *Store) Spent(ctx context.Context, id uuid.UUID, epoch int) (time.Duration, error) {
	ms, err := s.q.SpentMillis(ctx, id, int32(epoch))
	return time.Duration(ms) * time.Millisecond, wrap(err)
}

// Outcomes of a run, as stored.
const (
	RunCompleted  = "completed"
	RunFailed     = "failed"
	RunCancelled  = "cancelled"
	RunRetry      = "retry"
	RunHandedBack = "handed_back"
	RunLost       = "lost"
)

// exit ends the epoch: bumps the fence, makes room for n events and closes the run if there was one.
func (s *Store) exit(ctx context.Context, q *db.Queries, id uuid.UUID, epoch, n int, outcome string) (db.ExitHeadRow, error) {
	head, err := q.ExitHead(ctx, int64(n), id, int32(epoch))
	if err != nil {
		return head, fenced(err)
	}
	return head, wrap(q.EndRun(ctx, db.EndRunParams{At: head.At, Outcome: outcome, TaskID: id, Epoch: int32(epoch)}))
}

// Requeue ends an epoch and puts the task back to waiting, in try, telling so with events. The caller replaces River's
// job in the same transaction and names it with SetJob.
func (s *Store) Requeue(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch, try int, outcome string,
	events []research.Event) (newEpoch int, appended []research.Event, err error) {
	q := s.q.WithTx(tx)
	head, err := s.exit(ctx, q, id, epoch, len(events), outcome)
	if err != nil {
		return 0, nil, err
	}
	if err := q.RequeueTask(ctx, int32(try), id); err != nil {
		return 0, nil, wrap(err)
	}
	return int(head.RunEpoch), events, s.insertEvents(ctx, q, id, head.LastSeq, head.At, events)
}

// SetJob names River's job of the present epoch.
func (s *Store) SetJob(ctx context.Context, tx pgx.Tx, id uuid.UUID, jobID int64) error {
	return wrap(s.q.WithTx(tx).SetJob(ctx, &jobID, id))
}

// Complete ends a task with an answer. final builds the terminal event from the citations that the answer uses and the
// duration in seconds.
func (s *Store) Complete(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int, res research.Result,
	final func(citations []research.Evidence, seconds float64) research.Event) ([]research.Event, error) {
	q := s.q.WithTx(tx)
	head, err := s.exit(ctx, q, id, epoch, 1, RunCompleted)
	if err != nil {
		return nil, err
	}
	meta, err := encodeObject(res.Metadata)
	if err != nil {
		return nil, err
	}
	row, err := q.CompleteTask(ctx, db.CompleteTaskParams{ID: id, At: head.At, Answer: res.Answer, Confidence: &res.Confidence, Metadata: meta})
	if err != nil {
		return nil, fenced(err)
	}
	for i, number := range res.Cited {
		if err := q.MarkEvidence(ctx, db.MarkEvidenceParams{Marker: int32(i + 1), TaskID: id, Number: int32(number), Support: supportOf(res, number)}); err != nil {
			return nil, wrap(err)
		}
	}
	cited, err := q.TaskEvidence(ctx, []uuid.UUID{id}, true)
	if err != nil {
		return nil, wrap(err)
	}
	if len(cited) != len(res.Cited) {
		return nil, fmt.Errorf("the answer cites %d pieces of evidence, %d are stored", len(res.Cited), len(cited))
	}
	citations := make([]research.Evidence, len(cited))
	for i, c := range cited {
		citations[i] = evidenceFrom(c)
	}
	events := []research.Event{final(citations, seconds(row.StartedAt, row.CompletedAt))}
	return events, s.insertEvents(ctx, q, id, head.LastSeq, head.At, events)
}

// Fail ends an open task as failed or cancelled, whether a run holds it or not, with its terminal event.
func (s *Store) Fail(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int, status research.Status, f *research.Failure,
	metadata map[string]any) ([]research.Event, error) {
	q := s.q.WithTx(tx)
	outcome := RunFailed
	switch {
	case status == research.Cancelled:
		outcome = RunCancelled
	case f.Code == research.CodeWorkerLost:
		outcome = RunLost
	}
	head, err := s.exit(ctx, q, id, epoch, 1, outcome)
	if err != nil {
		return nil, err
	}
	meta, err := encodeObject(metadata)
	if err != nil {
		return nil, err
	}
	if _, err := q.FailTask(ctx, db.FailTaskParams{
		ID: id, Status: string(status), At: head.At, Error: f.Message, ErrorCode: f.Code, Metadata: meta}); err != nil {
		return nil, fenced(err)
	}
	events := []research.Event{research.ErrorEvent(f.Code, f.Message, false, metadata)}
	return events, s.insertEvents(ctx, q, id, head.LastSeq, head.At, events)
}

// supportOf is the verdict on a piece of evidence, by its number.
func supportOf(res research.Result, number int) string {
	if v := res.Support[number]; v != "" {
		return v
	}
	return research.Unchecked
}

// Unserved notes that a worker handed a task on because it lacks the model that the task is pinned to: whether a live
// worker has it, whether this is news, and how long none had. The caller holds the head's lock.
func (s *Store) Unserved(ctx context.Context, tx pgx.Tx, id uuid.UUID) (served, first bool, waited time.Duration, err error) {
	row, err := s.q.WithTx(tx).Unserved(ctx, id, s.lease.Seconds())
	return row.Served, row.First, time.Duration(row.Waited * float64(time.Second)), wrap(err)
}

func seconds(from, to *time.Time) float64 {
	if from == nil || to == nil {
		return 0
	}
	return to.Sub(*from).Seconds()
}

// Epochs gives the present epochs of tasks; one that is missing is gone.
func (s *Store) Epochs(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]int, error) {
	rows, err := s.q.HeadEpochs(ctx, ids)
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
func (s *Store) TaskLocked(ctx context.Context, tx pgx.Tx, id uuid.UUID) (research.Task, error) {
	row, err := s.q.WithTx(tx).GetTaskForRun(ctx, id)
	if err != nil {
		return research.Task{}, wrap(err)
	}
	return taskFrom(row.Task, row.LastSeq), nil
}
