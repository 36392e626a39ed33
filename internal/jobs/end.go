package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"legwork/internal/failpoint"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/wire"
)

// Ended is a task that has ended, as hooks see it.
type Ended struct {
	Task     research.Task  // with its final status, answer or error, citations and times; without usage and screenshots
	Event    research.Event // the terminal event, with its seq and time
	Deleting bool           // the task is about to be deleted: make nothing that outlives it
}

// Hooks act on the end of every task, whatever ends it. Register them before the first task is submitted.
type hooks struct {
	inTx        []func(ctx context.Context, tx pgx.Tx, e Ended) error
	afterCommit []func(ctx context.Context, e Ended)
}

// OnEndInTx registers a hook that runs in the transaction that ends a task. An error of the hook rolls everything back, and
// the task stays open, so it must be an error of the database only. The transaction may be tried again, so the hook must
// have no effect outside it.
func (s *Service) OnEndInTx(hook func(ctx context.Context, tx pgx.Tx, e Ended) error) {
	s.hooks.inTx = append(s.hooks.inTx, hook)
}

// OnEnd registers a hook that runs after the commit of a task's end, in the process that ended it. It must not block. A
// process that dies after the commit does not run it: what must happen for every end belongs in the transaction.
func (s *Service) OnEnd(hook func(ctx context.Context, e Ended)) {
	s.hooks.afterCommit = append(s.hooks.afterCommit, hook)
}

// lockedTask is a task whose head is locked by a transaction.
type lockedTask struct {
	tx   pgx.Tx
	head store.Head
	research.Task
}

// lock locks the head of a task of any account and reads the task.
func (s *Service) lock(ctx context.Context, tx pgx.Tx, id uuid.UUID) (lockedTask, error) {
	head, err := s.store.LockHead(ctx, tx, id)
	if err != nil {
		return lockedTask{}, err
	}
	return s.read(ctx, tx, id, head)
}

// read reads a task whose head is locked already.
func (s *Service) read(ctx context.Context, tx pgx.Tx, id uuid.UUID, head store.Head) (lockedTask, error) {
	task, err := s.store.TaskLocked(ctx, tx, id)
	return lockedTask{tx: tx, head: head, Task: task}, err
}

// lockRun is lock for a run that holds the task. research.ErrFenced: the run holds it no longer.
func (s *Service) lockRun(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int) (lockedTask, error) {
	t, err := s.lock(ctx, tx, id)
	if err == nil && (t.head.Epoch != epoch || t.Status.Terminal()) {
		err = research.ErrFenced
	}
	return t, err
}

// change is what a transaction did to a task: what must follow its commit.
type change struct {
	events []research.Event
	ended  *Ended // nil: the task goes on
}

// transition runs a transaction that may end a task or give it its next run. After the commit it publishes the events and
// runs the hooks. After a rollback it does neither.
func (s *Service) transition(ctx context.Context, f func(ctx context.Context, tx pgx.Tx) (change, error)) error {
	var done change
	err := s.store.InTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		done, err = f(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	if done.ended == nil {
		failpoint.Hit(ctx, "after_requeue")
		s.publish(ctx, done.events)
		return nil
	}
	for _, hook := range s.hooks.afterCommit {
		hook(ctx, *done.ended)
	}
	return nil
}

// outcome is how a task ends.
type outcome struct {
	status   research.Status
	result   research.Result   // when completed
	failure  *research.Failure // when failed or cancelled
	metadata map[string]any
	job      *river.Job[ResearchArgs] // the job in which the task ends itself; nil: somebody else ends it, and its job is cancelled
	deleting bool                     // see Ended
}

// completed is the outcome of a run with an answer.
func completed(result research.Result) outcome {
	return outcome{status: research.Completed, result: result, metadata: result.Metadata}
}

// failed is the outcome of a task that fails for good, or is cancelled.
func failed(status research.Status, f *research.Failure, metadata map[string]any) outcome {
	return outcome{status: status, failure: f, metadata: metadata}
}

// endTask ends a task. It is the only place that does: in the transaction that holds the head it writes the status with
// answer or error, the terminal event and the next epoch, ends River's job, and runs the hooks.
func (s *Service) endTask(ctx context.Context, t lockedTask, o outcome) (change, error) {
	end := store.TaskEnd{Status: o.status, At: t.head.At, Result: o.result, Failure: o.failure, Metadata: o.metadata}
	t.Task.Status, t.CompletedAt = o.status, &end.At
	if o.status == research.Completed {
		citations, err := s.store.Cite(ctx, t.tx, t.ID, o.result)
		if err != nil {
			return change{}, err
		}
		t.Answer, t.Confidence, t.Citations = &o.result.Answer, &o.result.Confidence, citations
		end.Event = func(seconds float64) research.Event {
			return research.Complete(o.result.Answer, wire.Citations(citations), o.result.Confidence, seconds, o.metadata)
		}
	} else {
		t.Error, t.ErrorCode = &o.failure.Message, &o.failure.Code
		end.Event = func(float64) research.Event {
			return research.ErrorEvent(o.failure.Code, o.failure.Message, false, o.metadata)
		}
	}
	event, err := s.store.EndTask(ctx, t.tx, t.ID, t.head.Epoch, end)
	if err != nil {
		return change{}, err
	}
	t.LastSeq, t.Metadata = event.Seq, o.metadata
	if err := s.endJob(ctx, t, o.job); err != nil {
		return change{}, err
	}
	ended := &Ended{Task: t.Task, Event: event, Deleting: o.deleting}
	for _, hook := range s.hooks.inTx {
		if err := hook(ctx, t.tx, *ended); err != nil {
			return change{}, err
		}
	}
	return change{events: []research.Event{event}, ended: ended}, nil
}

// endJob completes the job in which a task ends itself, and cancels that of a task which others end.
func (s *Service) endJob(ctx context.Context, t lockedTask, own *river.Job[ResearchArgs]) error {
	if own == nil {
		return s.cancelJob(ctx, t.tx, t.head.JobID)
	}
	if _, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, t.tx, own); err != nil && !errors.Is(err, river.ErrNotFound) {
		return fmt.Errorf("complete job: %w", err)
	}
	return nil
}

// insertArtifactsJob is the hook that asks for the files of a finished task.
func (s *Service) insertArtifactsJob(ctx context.Context, tx pgx.Tx, e Ended) error {
	if e.Deleting {
		return nil
	}
	if _, err := s.river.InsertTx(ctx, tx, ArtifactsArgs{TaskID: e.Task.ID}, nil); err != nil {
		return fmt.Errorf("insert artifacts job: %w", err)
	}
	return nil
}

// next is the run that a task gets after the present one.
type next struct {
	try     int
	delay   time.Duration
	outcome string           // what the run that ends is stored with
	events  []research.Event // say so in the log
}

// nextRun ends the epoch of a task and queues its next run. It is the only place that does: new epoch, events, the old job's
// cancel and the new job, in the transaction that holds the head.
func (s *Service) nextRun(ctx context.Context, t lockedTask, n next) (change, error) {
	epoch, events, err := s.store.Requeue(ctx, t.tx, t.ID, t.head.Epoch, n.try, n.outcome, n.events)
	if err != nil {
		return change{}, err
	}
	if err := s.cancelJob(ctx, t.tx, t.head.JobID); err != nil {
		return change{}, err
	}
	job, err := s.river.InsertTx(ctx, t.tx, ResearchArgs{TaskID: t.ID, Epoch: epoch}, researchOpts(t.Priority, n.delay, t.StartedAt != nil))
	if err != nil {
		return change{}, fmt.Errorf("insert job: %w", err)
	}
	return change{events: events}, s.store.SetJob(ctx, t.tx, t.ID, job.Job.ID)
}

// requeue gives a task that the epoch still holds its next run.
func (s *Service) requeue(ctx context.Context, id uuid.UUID, epoch int, plan func(research.Task) next) error {
	return s.transition(ctx, func(ctx context.Context, tx pgx.Tx) (change, error) {
		t, err := s.lockRun(ctx, tx, id, epoch)
		if err != nil {
			return change{}, err
		}
		return s.nextRun(ctx, t, plan(t.Task))
	})
}

// cancelJob takes River's job of a finished epoch away; one that is gone is fine.
func (s *Service) cancelJob(ctx context.Context, tx pgx.Tx, jobID *int64) error {
	if jobID == nil {
		return nil
	}
	if _, err := s.river.JobCancelTx(ctx, tx, *jobID); err != nil && !errors.Is(err, river.ErrNotFound) {
		return fmt.Errorf("cancel job: %w", err)
	}
	return nil
}
