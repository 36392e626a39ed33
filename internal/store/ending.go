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
func (w Worker) Requeue(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch, try int, outcome string,
	events []research.Event) (newEpoch int, appended []research.Event, err error) {
	q := w.q.WithTx(tx)
	head, err := w.exit(ctx, q, id, epoch, len(events), outcome)
	if err != nil {
		return 0, nil, err
	}
	if err := q.RequeueTask(ctx, int32(try), id); err != nil {
		return 0, nil, wrap(err)
	}
	return int(head.RunEpoch), events, w.insertEvents(ctx, q, id, head.LastSeq, head.At, events)
}

// SetJob names River's job of the present epoch.
func (w Worker) SetJob(ctx context.Context, tx pgx.Tx, id uuid.UUID, jobID int64) error {
	return wrap(w.q.WithTx(tx).SetJob(ctx, &jobID, id))
}

// TaskEnd is how a task ends.
type TaskEnd struct {
	Status   research.Status   // completed, failed or cancelled
	At       time.Time         // the end, by the database's clock: Head.At of the locked head
	Result   research.Result   // of a completed task: its answer; Cite has stored what it cites
	Failure  *research.Failure // of a failed or cancelled task: why there is no answer
	Metadata map[string]any    // kept with the task

	// Event makes the terminal event, which ends the log. It is given the seconds from the first start of a completed task to
	// its end, as the view task_outcomes has them; 0 for other tasks.
	Event func(seconds float64) research.Event
}

// outcome is what the run that held the task is stored with.
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

// Cite stores which evidence an answer cites, with the markers it shows, and gives the citations in their order. An answer
// that cites evidence which the task does not have is refused. It changes nothing for an answer without citations.
func (w Worker) Cite(ctx context.Context, tx pgx.Tx, id uuid.UUID, res research.Result) ([]research.Evidence, error) {
	q := w.q.WithTx(tx)
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
	return citations, nil
}

// supportOf is the verdict on a piece of evidence, by its number.
func supportOf(res research.Result, number int) string {
	return cmp.Or(res.Support[number], research.Unchecked)
}

// EndTask ends an open task, whether a run holds it or not: it bumps the epoch, closes the run, and stores the status, the
// answer or error, and the terminal event, which it returns with its seq. The caller holds the head's lock. ErrFenced when
// the epoch is past, when the task has ended, and when it would be completed without running.
func (w Worker) EndTask(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int, end TaskEnd) (research.Event, error) {
	q := w.q.WithTx(tx)
	head, err := w.exit(ctx, q, id, epoch, 1, end.outcome())
	if err != nil {
		return research.Event{}, err
	}
	p := db.EndTaskParams{ID: id, Status: string(end.Status), At: end.At}
	if p.Metadata, err = encodeObject(end.Metadata); err != nil {
		return research.Event{}, err
	}
	if end.Status == research.Completed {
		p.Answer, p.Confidence = &end.Result.Answer, &end.Result.Confidence
	} else {
		p.Error, p.ErrorCode = &end.Failure.Message, &end.Failure.Code
	}
	n, err := q.EndTask(ctx, p)
	if err != nil {
		return research.Event{}, wrap(err)
	}
	if n == 0 {
		return research.Event{}, research.ErrFenced
	}
	var seconds float64
	if end.Status == research.Completed {
		if seconds, err = q.TaskDuration(ctx, id); err != nil {
			return research.Event{}, wrap(err)
		}
	}
	events := []research.Event{end.Event(seconds)}
	err = w.insertEvents(ctx, q, id, head.LastSeq, end.At, events)
	return events[0], err
}
