package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"legwork/internal/failpoint"
	"legwork/internal/goroutine"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/store/abandoned"
)

const (
	// reconcileBatch bounds the abandoned tasks, and the stuck jobs, that one pass handles.
	reconcileBatch = 100
	// A task fails after maxLosses lost runs in a row without a new step. Otherwise a page that crashes every worker would be
	// tried for ever.
	maxLosses = 3
)

// reconcile calls reconcileOnce about six times in a lease time until ctx ends. Every worker process runs it. The
// processes share the work, because each skips the tasks that another one has locked.
func (r *Runner) reconcile(ctx context.Context) {
	every := r.store.LeaseTTL() / 6
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(every - every/8 + rand.N(every/4+1)):
		}
		if err := goroutine.Catch(ctx, func() error { return r.reconcileOnce(ctx) }); err != nil && ctx.Err() == nil {
			r.log.WarnContext(ctx, "cannot search for tasks of lost workers", "error", err)
		}
	}
}

// reconcileOnce finds open tasks that no worker works on, and gives each a new run. It decides by the rows of the tasks,
// not only by the state of River's jobs. It does nothing until this process has held its own lease for a whole lease
// time. Before that, a worker without a heartbeat may only have been cut off from the database, as this process may have
// been.
func (r *Runner) reconcileOnce(ctx context.Context) error {
	if !r.lease.MayReconcile() {
		return nil
	}
	tasks, err := r.abandoned.Tasks(ctx, reconcileBatch)
	if err != nil {
		return err
	}
	failpoint.Hit(ctx, "after_abandoned_listed")
	var errs []error
	for _, task := range tasks {
		log := r.log.With("task_id", task.TaskID, "run", task.Epoch, "reason", task.Reason)
		switch err := r.resume(ctx, log, task); {
		case err == nil, errors.Is(err, research.ErrFenced), errors.Is(err, research.ErrNotFound):
		default:
			errs = append(errs, fmt.Errorf("task %s: %w", task.TaskID, err))
		}
	}
	if err := r.replaceStuckFileJobs(ctx); err != nil {
		errs = append(errs, fmt.Errorf("replace the file jobs of lost workers: %w", err))
	}
	// Twice the lease time, because a worker that is late by less is more likely slow than dead.
	if _, err := r.store.PruneWorkers(ctx, 2*r.store.LeaseTTL()); err != nil {
		errs = append(errs, fmt.Errorf("remove the rows of dead workers: %w", err))
	}
	return errors.Join(errs...)
}

// resume queues the next run of an abandoned task. This does not use up a try. After maxLosses lost runs in a row the
// task fails instead.
func (r *Runner) resume(ctx context.Context, log *slog.Logger, task abandoned.Task) error {
	message := "resumed after worker loss"
	err := r.transition(ctx, func(ctx context.Context, tx pgx.Tx) (change, error) {
		head, err := r.abandoned.Lock(ctx, tx, task.TaskID, task.Epoch)
		if err != nil {
			return change{}, err
		}
		t, err := r.read(ctx, tx, task.TaskID, head)
		if err != nil {
			return change{}, err
		}
		losses, err := r.abandoned.LossesInARow(ctx, tx, task.TaskID, task.Epoch)
		if err != nil {
			return change{}, err
		}
		if !r.lease.MayReconcile() { // this process was paused after it had listed the abandoned tasks
			return change{}, research.ErrFenced
		}
		if losses >= maxLosses {
			message = "failed after too many worker losses"
			return r.endTask(ctx, t, failed(research.Failed, &research.Failure{Code: research.CodeWorkerLost,
				Message: fmt.Sprintf("%d workers in a row were lost while they worked on this task, none of them with a new step, so it is "+
					"not tried again; look at the log of the workers, then run the task again.", maxLosses)}, map[string]any{"losses": maxLosses}))
		}
		return r.nextRun(ctx, t, next{try: t.Try, outcome: store.RunLost, events: []research.Event{
			research.Thinking("Resumed after worker loss: another worker goes on where the journal ends.",
				map[string]any{"status": string(research.Queued), "reason": task.Reason, "losses": losses})}})
	})
	if err != nil {
		return err
	}
	r.watching.Metrics.RunLost()
	log.WarnContext(ctx, message)
	return nil
}

// replaceStuckFileJobs inserts again the jobs on files whose process died during the work. River itself would do this
// only after an hour. It is harmless when a job is worked twice.
func (r *Runner) replaceStuckFileJobs(ctx context.Context) error {
	return r.store.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		kinds := []string{ArtifactsArgs{}.Kind(), PurgeArgs{}.Kind()}
		stuck, err := r.abandoned.StuckFileJobs(ctx, tx, queueFileJobs, kinds, fileJobTimeout+r.store.LeaseTTL(), reconcileBatch)
		if err != nil {
			return err
		}
		for _, job := range stuck {
			var args river.JobArgs = ArtifactsArgs{TaskID: job.TaskID}
			if job.Kind == (PurgeArgs{}).Kind() {
				args = PurgeArgs{TaskID: job.TaskID}
			}
			if err := r.cancelJob(ctx, tx, &job.ID); err != nil {
				return err
			}
			if _, err := r.river.InsertTx(ctx, tx, args, nil); err != nil {
				return fmt.Errorf("insert %s: %w", job.Kind, err)
			}
			r.log.WarnContext(ctx, "a job on files is queued again after worker loss", "kind", job.Kind, "task_id", job.TaskID)
		}
		return nil
	})
}
