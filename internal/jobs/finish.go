package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
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

// finish ends a run according to how the agent ended: with a result, because it was told to stop, or by a failure.
func (r *Runner) finish(ctx, runCtx context.Context, log *slog.Logger, c *run, result research.Result, err error) {
	cause := context.Cause(runCtx)
	switch {
	case err == nil:
		if err := r.exit(ctx, log, func(ctx context.Context) error { return r.complete(ctx, c, result) }); err != nil {
			r.failOrRetry(ctx, log, c, verdict(err, r.cfg.TaskTimeout))
		}
	case errors.Is(err, research.ErrFenced) || errors.Is(cause, errFenced):
		log.InfoContext(ctx, "the task moved on; this run stops")
	case errors.Is(cause, errShutdown):
		_ = r.exit(ctx, log, func(ctx context.Context) error { return r.handBack(ctx, c.task.ID, c.epoch) })
	case errors.Is(cause, river.ErrJobCancelledRemotely):
		// Our own cancel has bumped the epoch before River hears of it, so this changes nothing then. A job that was
		// cancelled in River alone ends its task.
		f := &research.Failure{Code: research.CodeCancelled, Message: "Cancelled by an operator"}
		_ = r.exit(ctx, log, func(ctx context.Context) error { return r.fail(ctx, c, research.Cancelled, f) })
	case cause != nil && !errors.Is(err, errTimeout):
		// River is stopping hard: the same as a shutdown.
		_ = r.exit(ctx, log, func(ctx context.Context) error { return r.handBack(ctx, c.task.ID, c.epoch) })
	default:
		r.failOrRetry(ctx, log, c, verdict(err, r.cfg.TaskTimeout))
	}
}

// verdict turns whatever ended a run badly into what its user is told.
func verdict(err error, limit time.Duration) *research.Failure {
	var f *research.Failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, errTimeout):
		return &research.Failure{Code: research.CodeTimeout, Cause: err,
			Message: fmt.Sprintf("The task ran longer than the server allows (%s); ask for less, or raise TASK_TIMEOUT.", limit)}
	default:
		return &research.Failure{Code: research.CodeInternal, Transient: true, Cause: err,
			Message: "Something went wrong inside the server; its log has the cause."}
	}
}

func (r *Runner) failOrRetry(ctx context.Context, log *slog.Logger, c *run, f *research.Failure) {
	log.WarnContext(ctx, "the run failed", "code", f.Code, "transient", f.Transient, "try", c.try, "error", f.Cause, "message", f.Message)
	_ = r.exit(ctx, log, func(ctx context.Context) error {
		if f.Transient && c.try < r.cfg.Tries {
			return r.retry(ctx, c, f)
		}
		return r.fail(ctx, c, research.Failed, f)
	})
}

// complete writes the answer, its terminal event and the end of the job in one transaction.
func (r *Runner) complete(ctx context.Context, c *run, result research.Result) error {
	final := func(citations []research.Evidence, seconds float64) research.Event {
		return research.Complete(result.Answer, wire.Citations(citations), result.Confidence, seconds, result.Metadata)
	}
	return r.end(ctx, c, func(ctx context.Context, tx pgx.Tx) ([]research.Event, error) {
		return r.store.Complete(ctx, tx, c.task.ID, c.epoch, result, final)
	})
}

// fail writes the verdict, its terminal event and the end of the job in one transaction.
func (r *Runner) fail(ctx context.Context, c *run, status research.Status, f *research.Failure) error {
	metadata := map[string]any{"try": c.try}
	return r.end(ctx, c, func(ctx context.Context, tx pgx.Tx) ([]research.Event, error) {
		return r.store.Fail(ctx, tx, c.task.ID, c.epoch, status, f, metadata)
	})
}

// end is the shape of both: the terminal write, the job's completion, and the job that writes the files.
func (r *Runner) end(ctx context.Context, c *run, write func(ctx context.Context, tx pgx.Tx) ([]research.Event, error)) error {
	var events []research.Event
	err := r.store.InTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		if events, err = write(ctx, tx); err != nil {
			return err
		}
		if _, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, c.job); err != nil && !errors.Is(err, river.ErrNotFound) {
			return fmt.Errorf("complete job: %w", err)
		}
		_, err = r.river.InsertTx(ctx, tx, ArtifactsArgs{TaskID: c.task.ID}, nil)
		return err
	})
	if err != nil {
		return err
	}
	r.publish(ctx, events)
	return nil
}

// retry queues the next try after a growing pause.
func (r *Runner) retry(ctx context.Context, c *run, f *research.Failure) error {
	delay := r.cfg.Backoff << (c.try - 1)
	delay += rand.N(delay/4 + 1)
	events := []research.Event{research.ErrorEvent(f.Code, f.Message, true, map[string]any{
		"status": string(research.Queued), "try": c.try, "retryInSeconds": delay.Seconds()})}
	return r.requeue(ctx, c.task.ID, c.epoch, c.try+1, delay, store.RunRetry, events)
}

// handBack queues the task for another worker, at no cost in tries.
func (r *Runner) handBack(ctx context.Context, id uuid.UUID, epoch int) error {
	task, at, err := r.store.TaskForRun(ctx, id)
	if err != nil {
		return err
	}
	if at != epoch || task.Status.Terminal() {
		return research.ErrFenced
	}
	events := []research.Event{research.Thinking("The server is stopping; the task waits for another worker.",
		map[string]any{"status": string(research.Queued)})}
	return r.requeue(ctx, id, epoch, task.Try, 0, store.RunHandedBack, events)
}

// requeue is retry and hand-back alike: one transaction with the new epoch, the event, the old job's cancel and the
// new job.
func (s *Service) requeue(ctx context.Context, id uuid.UUID, epoch, try int, delay time.Duration, outcome string, events []research.Event) error {
	err := s.store.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		head, err := s.store.LockHead(ctx, tx, id)
		if err != nil {
			return err
		}
		task, err := s.store.TaskLocked(ctx, tx, id)
		if err != nil {
			return err
		}
		if task.Status.Terminal() {
			return research.ErrFenced
		}
		head.Epoch = epoch
		task.Try = try
		events, err = s.nextRun(ctx, tx, head, task, delay, outcome, events)
		return err
	})
	if err != nil {
		return err
	}
	failpoint.Hit(ctx, "after_requeue")
	s.publish(ctx, events)
	return nil
}

// nextRun ends the epoch of a locked head and queues the next one: event, old job's cancel and new job. The task says
// at which try it goes on.
func (s *Service) nextRun(ctx context.Context, tx pgx.Tx, head store.Head, task research.Task, delay time.Duration, outcome string,
	events []research.Event) ([]research.Event, error) {
	next, events, err := s.store.Requeue(ctx, tx, task.ID, head.Epoch, task.Try, outcome, events)
	if err != nil {
		return nil, err
	}
	if err := s.cancelJob(ctx, tx, head.JobID); err != nil {
		return nil, err
	}
	job, err := s.river.InsertTx(ctx, tx, ResearchArgs{TaskID: task.ID, Epoch: next}, researchOpts(task.Priority, delay, task.StartedAt != nil))
	if err != nil {
		return nil, fmt.Errorf("insert job: %w", err)
	}
	return events, s.store.SetJob(ctx, tx, task.ID, job.Job.ID)
}
