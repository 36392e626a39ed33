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
)

const (
	// reconcileBatch is how many abandoned tasks, and how many stuck jobs, one pass deals with.
	reconcileBatch = 100
	// maxLosses is how many runs in a row a task may lose without a new step. Then it fails, because a page that crashes every
	// worker would otherwise be tried for ever.
	maxLosses = 3
)

// reconcile looks for tasks that nobody works on and gives each a new run. It starts from tasks, not from River. Every
// worker process does it; they share the work by skipping what another one has locked.
func (r *Runner) reconcile(ctx context.Context) {
	every := r.store.LeaseTTL() / 6
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(every - every/8 + rand.N(every/4+1)):
		}
		if err := goroutine.Catch(ctx, func() error { return r.reconcileOnce(ctx) }); err != nil && ctx.Err() == nil {
			r.log.WarnContext(ctx, "cannot look for tasks of lost workers", "error", err)
		}
	}
}

// reconcileOnce is one pass. It does nothing before this process has held its own lease for a whole lease time: until
// then a silent worker may be one that, like this process, could not reach the database.
func (r *Runner) reconcileOnce(ctx context.Context) error {
	if !r.lease.mayJudge() {
		return nil
	}
	abandoned, err := r.store.AbandonedTasks(ctx, reconcileBatch)
	if err != nil {
		return err
	}
	failpoint.Hit(ctx, "after_abandoned_listed")
	var errs []error
	for _, task := range abandoned {
		log := r.log.With("task", task.TaskID, "epoch", task.Epoch, "reason", task.Reason)
		switch err := r.resume(ctx, log, task); {
		case err == nil, errors.Is(err, research.ErrFenced), errors.Is(err, research.ErrNotFound):
		default:
			errs = append(errs, fmt.Errorf("task %s: %w", task.TaskID, err))
		}
	}
	if err := r.replaceStuckFileJobs(ctx); err != nil {
		errs = append(errs, fmt.Errorf("make the jobs of dead processes again: %w", err))
	}
	// Twice the lease: whoever is late by less is more likely slow than dead.
	if _, err := r.store.PruneWorkers(ctx, 2*r.store.LeaseTTL()); err != nil {
		errs = append(errs, fmt.Errorf("forget dead workers: %w", err))
	}
	return errors.Join(errs...)
}

// resume gives an abandoned task its next run, at no cost in tries. When it has lost too many runs it fails instead.
func (r *Runner) resume(ctx context.Context, log *slog.Logger, abandoned store.AbandonedTask) error {
	message := "resumed after worker loss"
	err := r.transition(ctx, func(ctx context.Context, tx pgx.Tx) (change, error) {
		head, err := r.store.LockAbandoned(ctx, tx, abandoned.TaskID, abandoned.Epoch)
		if err != nil {
			return change{}, err
		}
		t, err := r.read(ctx, tx, abandoned.TaskID, head)
		if err != nil {
			return change{}, err
		}
		losses, err := r.store.LossesInARow(ctx, tx, abandoned.TaskID, abandoned.Epoch)
		if err != nil {
			return change{}, err
		}
		if !r.lease.mayJudge() { // this process was paused since it looked
			return change{}, research.ErrFenced
		}
		if losses >= maxLosses {
			message = "given up after too many losses"
			return r.endTask(ctx, t, failed(research.Failed, &research.Failure{Code: research.CodeWorkerLost,
				Message: fmt.Sprintf("%d workers in a row were lost while they worked on this task, none of them with a new step, so it is "+
					"not tried again; look at the log of the workers, then run the task again.", maxLosses)}, map[string]any{"losses": maxLosses}))
		}
		return r.nextRun(ctx, t, next{try: t.Try, outcome: store.RunLost, events: []research.Event{
			research.Thinking("Resumed after worker loss: another worker goes on where the journal ends.",
				map[string]any{"status": string(research.Queued), "reason": abandoned.Reason, "losses": losses})}})
	})
	if err != nil {
		return err
	}
	log.WarnContext(ctx, message)
	return nil
}

// replaceStuckFileJobs makes the jobs on files again whose process died under them, which River itself would notice after an hour.
// They may be done twice.
func (r *Runner) replaceStuckFileJobs(ctx context.Context) error {
	return r.store.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		kinds := []string{ArtifactsArgs{}.Kind(), PurgeArgs{}.Kind()}
		stuck, err := r.store.StuckFileJobs(ctx, tx, queueFileJobs, kinds, fileJobTimeout+r.store.LeaseTTL(), reconcileBatch)
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
			r.log.WarnContext(ctx, "a job on files is made again after worker loss", "kind", job.Kind, "task", job.TaskID)
		}
		return nil
	})
}
