package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/goroutine"
	"legwork/internal/research"
	"legwork/internal/store/usage"
)

// releaseEvery is the interval at which held tasks are checked. A held task gets a job at most this long after its
// account has room.
const releaseEvery = time.Second

// release gives held tasks jobs again when their accounts have room for a run. Every worker process does this: at once
// after one of its own runs begins or ends, and once a second because runs of other processes may have ended.
func (r *Runner) release(ctx context.Context) {
	tick := time.NewTicker(releaseEvery)
	defer tick.Stop()
	for any := true; ; {
		told := r.room
		if !any {
			told = nil // no task was held at the last check, so check again only once a second
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-told:
		}
		err := goroutine.Catch(ctx, func() (err error) {
			any, err = r.releaseOnce(ctx)
			return err
		})
		if err != nil && ctx.Err() == nil {
			r.log.WarnContext(ctx, "cannot look whether held tasks have room", "error", err)
		}
	}
}

// tellRoom tells release that an account may have room for a run. It never blocks.
func (r *Runner) tellRoom() {
	select {
	case r.room <- struct{}{}:
	default:
	}
}

// releaseOnce gives a job to the next held task of each account that has room. It reports whether any task is held.
func (r *Runner) releaseOnce(ctx context.Context) (held bool, err error) {
	if err := r.tendTrees(ctx); err != nil {
		return true, err
	}
	if held, err = r.usage.AnyHeld(ctx); err != nil || !held {
		return held, err
	}
	ids, err := r.usage.HeldTasks(ctx)
	if err != nil {
		return true, err
	}
	var errs []error
	for _, id := range ids {
		if err := r.releaseTask(ctx, id); err != nil && !errors.Is(err, research.ErrFenced) && !errors.Is(err, research.ErrNotFound) {
			errs = append(errs, fmt.Errorf("task %s: %w", id, err))
		}
	}
	return true, errors.Join(errs...)
}

// releaseTask gives a held task a job.
func (s *Service) releaseTask(ctx context.Context, id uuid.UUID) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		head, err := s.store.LockHead(ctx, tx, id)
		if err != nil {
			return err
		}
		priority, begun, err := s.usage.ReleaseTask(ctx, tx, id)
		if err != nil {
			return err
		}
		job, err := s.river.InsertTx(ctx, tx, ResearchArgs{TaskID: id, Epoch: head.Epoch}, researchOpts(s.queues.Of(id), priority, 0, begun))
		if err != nil {
			return fmt.Errorf("insert job: %w", err)
		}
		return s.store.SetJob(ctx, tx, id, job.Job.ID)
	})
}

// addHolds adds an event to the log of each task that is held now, so that its reader knows why it does not begin. It
// returns one event for each task.
func (r *Runner) addHolds(ctx context.Context, tx pgx.Tx, tasks []usage.HeldTask) ([]research.Event, error) {
	var all []research.Event
	for _, held := range tasks {
		events, err := r.store.Append(ctx, tx, held.TaskID, held.Epoch, []research.Event{held.Reason.Event()})
		if err != nil {
			return nil, fmt.Errorf("say why task %s waits: %w", held.TaskID, err)
		}
		if _, err := r.trees.Rows().CopyToParent(ctx, tx, held.TaskID, events); err != nil {
			return nil, err
		}
		all = append(all, events...)
	}
	return all, nil
}

// tellHolds logs which tasks are held, and publishes the events of addHolds after their commit.
func (r *Runner) tellHolds(ctx context.Context, tasks []usage.HeldTask, events []research.Event) {
	for i, held := range tasks {
		r.log.InfoContext(ctx, "a task is held until a run of its account ends", "task_id", held.TaskID, "run", held.Epoch, "reason", string(held.Reason))
		r.publish(ctx, events[i:i+1])
	}
}
