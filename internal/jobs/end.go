package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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

// Ended describes the end of a task to hooks.
type Ended struct {
	Task     research.Task  // with its final status, answer or error, citations and times; without usage and screenshots
	Event    research.Event // the terminal event, with its seq and time
	Deleting bool           // the task will be deleted next: hooks must not make anything that outlives it
}

// hooks are called at the end of every task. Register them before the first task is submitted.
type hooks struct {
	inTx        []func(ctx context.Context, tx pgx.Tx, e Ended) error
	afterCommit []func(ctx context.Context, e Ended)
}

// OnEndInTx registers a hook that runs in the transaction that ends a task. An error of the hook rolls the transaction
// back, and the task stays open. So the hook may return errors of the database only. The transaction may be repeated, so
// the hook must have no effect outside the transaction.
func (s *Service) OnEndInTx(hook func(ctx context.Context, tx pgx.Tx, e Ended) error) {
	s.hooks.inTx = append(s.hooks.inTx, hook)
}

// OnEnd registers a hook that runs after the commit of a task's end, in the process that ended it. The hook must not block.
// It does not run when the process dies after the commit. Work that must happen for every end belongs in OnEndInTx.
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
	head, task, err := s.store.LockTask(ctx, tx, id)
	return lockedTask{tx: tx, head: head, Task: task}, err
}

// read reads a task whose head is locked already.
func (s *Service) read(ctx context.Context, tx pgx.Tx, id uuid.UUID, head store.Head) (lockedTask, error) {
	task, err := s.store.TaskLocked(ctx, tx, id)
	return lockedTask{tx: tx, head: head, Task: task}, err
}

// lockRun locks the head of a run's task and reads the task. It returns research.ErrFenced when the task has another
// epoch than the run, or has ended.
func (s *Service) lockRun(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int) (lockedTask, error) {
	t, err := s.lock(ctx, tx, id)
	if err == nil && (t.head.Epoch != epoch || t.Status.Terminal()) {
		err = research.ErrFenced
	}
	return t, err
}

// change holds what a transaction wrote, for the publisher and the hooks after its commit.
type change struct {
	events []research.Event
	ended  *Ended           // nil when the transaction did not end the task
	parent []research.Event // of the deep task whose child the task is
	also   []change         // the ends of the task's children
}

// transition runs a transaction that may end a task or queue its next run. After the commit it runs the hooks when the task
// ended, and publishes the events when it did not (a hook publishes the terminal event). After a rollback it does neither.
func (s *Service) transition(ctx context.Context, f func(ctx context.Context, tx pgx.Tx) (change, error)) error {
	var done change
	err := s.store.InTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		done, err = f(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	s.committed(ctx, done)
	return nil
}

// committed does what follows the commit of a change.
func (s *Service) committed(ctx context.Context, done change) {
	if done.ended == nil {
		failpoint.Hit(ctx, "after_requeue")
		s.publish(ctx, done.events)
	} else {
		for _, hook := range s.hooks.afterCommit {
			hook(ctx, *done.ended)
		}
	}
	s.publish(ctx, done.parent)
	for _, c := range done.also {
		s.committed(ctx, c)
	}
}

// outcome says how a task ends.
type outcome struct {
	status   research.Status
	result   research.Result   // set when the task is completed
	failure  *research.Failure // set when the task failed or is cancelled
	metadata map[string]any
	job      *river.Job[ResearchArgs] // the job of the run that ends its own task; nil when something else ends the task, which cancels the job
	deleting bool                     // see Ended
}

// completed returns the outcome of a run with an answer.
func completed(result research.Result) outcome {
	metadata := map[string]any{}
	maps.Copy(metadata, result.Metadata)
	metadata["answered"] = !result.NotFound
	return outcome{status: research.Completed, result: result, metadata: metadata}
}

// failed returns the outcome of a task that fails for good or is cancelled.
func failed(status research.Status, f *research.Failure, metadata map[string]any) outcome {
	return outcome{status: status, failure: f, metadata: metadata}
}

// endTask ends a task. No other function ends tasks. In the transaction that holds the lock of the head it writes the
// status, the answer or error, the terminal event and the next epoch, ends River's job, and runs the hooks.
func (s *Service) endTask(ctx context.Context, t lockedTask, o outcome) (change, error) {
	end := store.TaskEnd{Status: o.status, At: t.head.At, Result: o.result, Failure: o.failure, Metadata: o.metadata}
	t.Task.Status, t.CompletedAt = o.status, &end.At
	if o.status == research.Completed {
		citations, err := s.store.Cite(ctx, t.tx, t.ID, o.result)
		if err != nil {
			return change{}, err
		}
		answered := !o.result.NotFound
		t.Answer, t.Confidence, t.Answered, t.Citations = &o.result.Answer, &o.result.Confidence, &answered, citations
		t.Data, t.DataBasis, t.Contradictions = o.result.Data, o.result.DataBasis, o.result.Contradictions
		end.Event = func(seconds float64) research.Event {
			return research.Complete(o.result.Answer, wire.Citations(citations), o.result.Confidence, seconds, o.metadata, structured(o.result))
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
	done := change{events: []research.Event{event}}
	if t.ChildOf != nil {
		if done.parent, err = s.trees.ChildEnded(ctx, t.tx, t.Task, event); err != nil {
			return change{}, err
		}
	}
	if err := s.endJob(ctx, t, o.job); err != nil {
		return change{}, err
	}
	done.ended = &Ended{Task: t.Task, Event: event, Deleting: o.deleting}
	for _, hook := range s.hooks.inTx {
		if err := hook(ctx, t.tx, *done.ended); err != nil {
			return change{}, err
		}
	}
	return done, nil
}

// structured returns the fields of the event agent:complete that only some results have.
func structured(res research.Result) map[string]any {
	fields := map[string]any{}
	if len(res.Data) > 0 {
		fields["data"], fields["dataBasis"] = json.RawMessage(res.Data), wire.Basis(res.DataBasis)
	}
	if len(res.Contradictions) > 0 {
		fields["contradictions"] = wire.Contradictions(res.Contradictions)
	}
	return fields
}

// endJob ends the River job of a task. own is the job of the run that ends its own task: endJob completes it. When own
// is nil, endJob cancels the task's job.
func (s *Service) endJob(ctx context.Context, t lockedTask, own *river.Job[ResearchArgs]) error {
	if own == nil {
		return s.cancelJob(ctx, t.tx, t.head.JobID)
	}
	if _, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, t.tx, own); err != nil && !errors.Is(err, river.ErrNotFound) {
		return fmt.Errorf("complete job: %w", err)
	}
	return nil
}

// insertArtifactsJob is the hook that inserts the job for the files of a finished task.
func (s *Service) insertArtifactsJob(ctx context.Context, tx pgx.Tx, e Ended) error {
	if e.Deleting {
		return nil
	}
	if _, err := s.river.InsertTx(ctx, tx, ArtifactsArgs{TaskID: e.Task.ID}, nil); err != nil {
		return fmt.Errorf("insert artifacts job: %w", err)
	}
	return nil
}

// next describes the next run of a task.
type next struct {
	try     int
	delay   time.Duration
	outcome string           // how the present run ended, for its row in runs
	events  []research.Event // to append to the task's log
}

// nextRun ends the present run of a task and queues the next one. No other function queues runs again. In the
// transaction that holds the lock of the head it writes the new epoch and the events, cancels the old job and inserts
// the new one.
func (s *Service) nextRun(ctx context.Context, t lockedTask, n next) (change, error) {
	epoch, events, err := s.store.Requeue(ctx, t.tx, t.ID, t.head.Epoch, n.try, n.delay, n.outcome, n.events)
	if err != nil {
		return change{}, err
	}
	done := change{events: events}
	if t.ChildOf != nil {
		if done.parent, err = s.trees.Rows().CopyToParent(ctx, t.tx, t.ID, events); err != nil {
			return change{}, err
		}
	}
	if err := s.cancelJob(ctx, t.tx, t.head.JobID); err != nil {
		return change{}, err
	}
	job, err := s.river.InsertTx(ctx, t.tx, ResearchArgs{TaskID: t.ID, Epoch: epoch}, researchOpts(s.queues.Of(t.ID), t.Priority, n.delay, t.StartedAt != nil))
	if err != nil {
		return change{}, fmt.Errorf("insert job: %w", err)
	}
	return done, s.store.SetJob(ctx, t.tx, t.ID, job.Job.ID)
}

// requeue queues the next run of a task, as plan describes it. It returns research.ErrFenced when the task is not at epoch.
func (s *Service) requeue(ctx context.Context, id uuid.UUID, epoch int, plan func(research.Task) next) error {
	return s.transition(ctx, func(ctx context.Context, tx pgx.Tx) (change, error) {
		t, err := s.lockRun(ctx, tx, id, epoch)
		if err != nil {
			return change{}, err
		}
		return s.nextRun(ctx, t, plan(t.Task))
	})
}

// cancelJob cancels the River job of a finished run. It returns no error when the job does not exist any more.
func (s *Service) cancelJob(ctx context.Context, tx pgx.Tx, jobID *int64) error {
	if jobID == nil {
		return nil
	}
	if _, err := s.river.JobCancelTx(ctx, tx, *jobID); err != nil && !errors.Is(err, river.ErrNotFound) {
		return fmt.Errorf("cancel job: %w", err)
	}
	return nil
}
