package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"legwork/internal/jobs/liveruns"
	"legwork/internal/research"
	"legwork/internal/retry"
	"legwork/internal/store"
)

// finish ends a run. What it does depends on why the agent returned: an answer, a request to stop, or a failure.
func (r *Runner) finish(ctx, runCtx context.Context, log *slog.Logger, c *run, result research.Result, err error) {
	cause := context.Cause(runCtx)
	switch {
	case err == nil && result.Plan != nil:
		if err := r.exit(ctx, log, func(ctx context.Context) error { return c.note(store.RunWaiting, r.wait(ctx, c, *result.Plan)) }); err != nil {
			r.failOrRetry(ctx, log, c, verdict(err, r.cfg.TaskTimeout))
		}
	case err == nil:
		if err := r.exit(ctx, log, func(ctx context.Context) error { return r.end(ctx, c, completed(result)) }); err != nil {
			r.failOrRetry(ctx, log, c, verdict(err, r.cfg.TaskTimeout))
		}
	case errors.Is(err, research.ErrFenced) || errors.Is(cause, liveruns.ErrFenced):
		log.InfoContext(ctx, "this run stops: its task was cancelled, deleted or given to another worker")
	case errors.Is(cause, liveruns.ErrShutdown):
		_ = r.exit(ctx, log, func(ctx context.Context) error {
			return c.note(store.RunHandedBack, r.handBack(ctx, c.task.ID, c.epoch))
		})
	case errors.Is(cause, river.ErrJobCancelledRemotely):
		// River reports a cancelled job. If legwork cancelled the task, the epoch is newer, and end changes nothing.
		// Otherwise an operator has cancelled the job in River alone, so the task ends here.
		f := &research.Failure{Code: research.CodeCancelled, Message: "Cancelled by an operator"}
		_ = r.exit(ctx, log, func(ctx context.Context) error {
			return r.end(ctx, c, failed(research.Cancelled, f, map[string]any{"try": c.try}))
		})
	case cause != nil && !errors.Is(err, liveruns.ErrTimeout):
		// River cancelled the context because the stop of its client took too long. The run is handled as in a normal
		// shutdown.
		_ = r.exit(ctx, log, func(ctx context.Context) error {
			return c.note(store.RunHandedBack, r.handBack(ctx, c.task.ID, c.epoch))
		})
	default:
		r.failOrRetry(ctx, log, c, verdict(err, r.cfg.TaskTimeout))
	}
}

// verdict returns the failure that the user is shown for an error that ended a run.
func verdict(err error, limit time.Duration) *research.Failure {
	var f *research.Failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, liveruns.ErrTimeout):
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
			return c.note(store.RunRetry, r.retry(ctx, c, f))
		}
		return r.end(ctx, c, failed(research.Failed, f, map[string]any{"try": c.try}))
	})
}

// end ends the task of a run, and completes the run's job.
func (r *Runner) end(ctx context.Context, c *run, o outcome) error {
	o.job = c.job
	return c.note(string(o.status), r.transition(ctx, func(ctx context.Context, tx pgx.Tx) (change, error) {
		t, err := r.lockRun(ctx, tx, c.task.ID, c.epoch)
		if err != nil {
			return change{}, err
		}
		return r.endTask(ctx, t, o)
	}))
}

// maxRetryPause bounds the pause before another try at a task.
const maxRetryPause = time.Hour

// retry queues the next try. The pause before it grows with each try.
func (r *Runner) retry(ctx context.Context, c *run, f *research.Failure) error {
	delay := retry.Pause(c.try, r.cfg.Backoff, maxRetryPause)
	return r.requeue(ctx, c.task.ID, c.epoch, func(research.Task) next {
		return next{try: c.try + 1, delay: delay, outcome: store.RunRetry,
			events: []research.Event{research.ErrorEvent(f.Code, f.Message, true, map[string]any{
				"status": string(research.Queued), "try": c.try, "retryInSeconds": delay.Seconds()})}}
	})
}

// handBack queues the task for another worker. A hand-back does not use up a try.
func (r *Runner) handBack(ctx context.Context, id uuid.UUID, epoch int) error {
	return r.requeue(ctx, id, epoch, func(task research.Task) next {
		return next{try: task.Try, outcome: store.RunHandedBack,
			events: []research.Event{research.Thinking("The server is stopping; the task waits for another worker.",
				map[string]any{"status": string(research.Queued)})}}
	})
}
