package store

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/db"
	"legwork/internal/research"
)

// These are the outcomes of a run, as they are stored.
const (
	RunCompleted  = "completed"
	RunFailed     = "failed"
	RunCancelled  = "cancelled"
	RunRetry      = "retry"
	RunHandedBack = "handed_back"
	RunLost       = "lost"
	RunWaiting    = "waiting" // the task waits for its plan or its children
)

// Requeue ends an epoch, queues the task again with the number of its next try, and appends events. The next run does
// not begin before delay has passed. In the same transaction the caller must insert River's job of the new epoch, and
// call SetJob.
func (w Worker) Requeue(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch, try int, delay time.Duration, outcome string,
	events []research.Event) (newEpoch int, appended []research.Event, err error) {
	q := w.q.WithTx(tx)
	head, err := q.ExitRun(ctx, db.ExitRunParams{Events: int64(len(events)), TaskID: id, Epoch: int32(epoch), Outcome: outcome})
	if err != nil {
		return 0, nil, fenced(err)
	}
	if err := q.RequeueTask(ctx, int32(try), delay.Seconds(), id); err != nil {
		return 0, nil, wrap(err)
	}
	return int(head.RunEpoch), events, w.insertEvents(ctx, q, id, head.LastSeq, head.At, events)
}

// SetJob stores the id of River's job of the present epoch.
func (w Worker) SetJob(ctx context.Context, tx pgx.Tx, id uuid.UUID, jobID int64) error {
	return wrap(w.q.WithTx(tx).SetJob(ctx, &jobID, id))
}

// TaskEnd says how a task ends.
type TaskEnd struct {
	Status   research.Status   // completed, failed or cancelled
	At       time.Time         // the end, by the database's clock: Head.At of the locked head
	Result   research.Result   // the answer of a completed task; call Cite before EndTask
	Failure  *research.Failure // why there is no answer; for a failed or cancelled task
	Metadata map[string]any    // stored with the task

	// Event makes the terminal event, which ends the log. seconds is the time from the first start of the task to its
	// end, as in the view task_outcomes. It is 0 when the task never started.
	Event func(seconds float64) research.Event
}

// outcome returns the outcome that is stored with the run that held the task.
func (e TaskEnd) outcome() string {
	switch {
	case e.Status == research.Completed:
		return RunCompleted
	case e.Status == research.Cancelled:
		return RunCancelled
	case e.Failure != nil && e.Failure.Code == research.CodeWorkerLost:
		return RunLost
	}
	return RunFailed
}

// Cite stores which evidence an answer cites and with which markers, and returns these citations in the order of their
// markers. It returns an error when the task does not have all of the evidence.
func (w Worker) Cite(ctx context.Context, tx pgx.Tx, id uuid.UUID, res research.Result) ([]research.Evidence, error) {
	q := w.q.WithTx(tx)
	for i, number := range res.Cited {
		if err := q.MarkEvidence(ctx, db.MarkEvidenceParams{Marker: int32(i + 1), TaskID: id, Number: int32(number), Support: supportOf(res, number),
			SourceGroup: nilIfZero32(res.Sources[number])}); err != nil {
			return nil, wrap(err)
		}
	}
	if len(res.Cited) == 0 {
		return nil, nil
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
	return citations, nil
}

// supportOf returns whether the evidence with this number supports the answer.
func supportOf(res research.Result, number int) string {
	return cmp.Or(res.Support[number], research.Unchecked)
}

// EndTask ends an open task, with or without a run. It raises the epoch, ends the run, and stores the status, the answer
// or error, and the terminal event. It returns the terminal event. The caller must hold the lock of the head. EndTask
// returns ErrFenced when the task has another epoch or has ended, or when it should be completed but is not running.
func (w Worker) EndTask(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int, end TaskEnd) (research.Event, error) {
	p := db.EndTaskParams{ID: id, Status: string(end.Status), At: end.At}
	var err error
	if p.Metadata, err = encodeObject(end.Metadata); err != nil {
		return research.Event{}, err
	}
	if end.Status == research.Completed {
		answered := !end.Result.NotFound
		p.Answer, p.Confidence, p.Answered = &end.Result.Answer, &end.Result.Confidence, &answered
		if err := structured(&p, end.Result); err != nil {
			return research.Event{}, err
		}
	} else {
		p.Error, p.ErrorCode = &end.Failure.Message, &end.Failure.Code
	}
	exit := db.ExitRunParams{Events: 1, TaskID: id, Epoch: int32(epoch), Outcome: end.outcome()}
	var head db.ExitRunRow
	var seconds float64
	err = batchOn(ctx, tx, func(q *db.Queries) {
		_, _ = q.ExitRun(ctx, exit)
		_, _ = q.EndTask(ctx, p)
	}, func(q *db.Queries) (err error) {
		if head, err = q.ExitRun(ctx, exit); err != nil {
			return fenced(err)
		}
		seconds, err = q.EndTask(ctx, p)
		return fenced(err)
	})
	if err != nil {
		return research.Event{}, wrap(err)
	}
	events := []research.Event{end.Event(seconds)}
	err = w.insertEvents(ctx, w.q.WithTx(tx), id, head.LastSeq, end.At, events)
	return events[0], err
}
