package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"legwork/internal/artifact"
	"legwork/internal/deep"
	"legwork/internal/failpoint"
	"legwork/internal/jobs/liveruns"
	"legwork/internal/jobs/ownqueue"
	"legwork/internal/jobs/taskfiles"
	"legwork/internal/logging"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/store/abandoned"
	"legwork/internal/store/usage"
)

// Publisher sends committed events to the streams of all processes. Publish and PublishFragment do not block.
type Publisher interface {
	Publish(events []research.Event)
	Flush(ctx context.Context) error
	// PublishFragment sends a piece of an answer that is being written. The piece may get lost.
	PublishFragment(task uuid.UUID, epoch, offset int, text string)
}

// Service submits, cancels and deletes tasks. It works in any process, with or without a Runner.
type Service struct {
	*taskfiles.Files
	store     store.Worker
	usage     *usage.Store
	abandoned *abandoned.Store
	trees     *deep.Trees
	river     *river.Client[pgx.Tx]
	publisher Publisher
	log       *slog.Logger
	maxQueued int            // greatest number of waiting tasks; further submissions are refused; 0 means no limit
	local     *liveruns.Runs // the runs of this process, so that a cancel here stops them at once
	hooks     hooks
	watching  Watch
	queues    ownqueue.Queues
}

// River notifies the workers of new jobs at most once in fetchCooldown. Workers find the other new jobs when they poll,
// every pollInterval. River's default cooldown of 100 ms would delay most tasks that are submitted one after another. A
// shorter fetchCooldown would slow down all commits, because commits with a NOTIFY wait for each other until each is on
// disk.
const (
	fetchCooldown = 10 * time.Millisecond
	pollInterval  = 100 * time.Millisecond
)

// NewService returns a service. It inserts jobs; only a Runner works them.
func NewService(st *store.Store, pub Publisher, files *artifact.Store, log *slog.Logger) (*Service, error) {
	client, err := river.NewClient(st.River(), &river.Config{FetchCooldown: fetchCooldown, Logger: logging.ErrorsOnly(log)})
	if err != nil {
		return nil, fmt.Errorf("river client: %w", err)
	}
	used, err := usage.New(st)
	if err != nil {
		return nil, err
	}
	s := &Service{Files: taskfiles.New(st.Worker(), files, log), store: st.Worker(), usage: used,
		abandoned: abandoned.New(st), river: client, publisher: pub, log: log, local: liveruns.New()}
	s.trees = deep.New(st, s.insertJob)
	s.OnEndInTx(s.insertArtifactsJob)
	s.OnEnd(func(_ context.Context, e Ended) { s.local.End(e.Task.ID, liveruns.ErrFenced) }) // stops a run in this process without a notification
	s.OnEnd(func(ctx context.Context, e Ended) { s.publish(ctx, []research.Event{e.Event}) })
	return s, nil
}

// LimitQueue makes the service refuse submissions while n tasks or more wait. With 0 it refuses none. Call LimitQueue before
// the first submission.
func (s *Service) LimitQueue(n int) { s.maxQueued = n }

// publish hands committed events to the publisher.
func (s *Service) publish(ctx context.Context, events []research.Event) {
	failpoint.Hit(ctx, "after_commit_before_notify")
	if len(events) > 0 {
		s.publisher.Publish(events)
	}
}

// DefaultReason is the error message of a task that was cancelled without a reason.
const DefaultReason = "Cancelled by user"

// Cancel ends an open task and returns it. A task that was cancelled before is returned unchanged. For a completed or failed
// task it returns research.ErrConflict.
func (s *Service) Cancel(ctx context.Context, account string, id uuid.UUID, reason string) (research.Task, error) {
	if err := s.cancel(ctx, account, id, reason, false); err != nil {
		return research.Task{}, err
	}
	return s.store.For(account).Task(ctx, id)
}

// cancel ends an open task. deleting says that the task is deleted next, so no files are written for it.
func (s *Service) cancel(ctx context.Context, account string, id uuid.UUID, reason string, deleting bool) error {
	err := s.transition(ctx, func(ctx context.Context, tx pgx.Tx) (change, error) {
		head, task, children, err := s.lockTree(ctx, tx, account, id)
		if err != nil {
			return change{}, err
		}
		switch task.Status {
		case research.Cancelled:
			return change{}, nil
		case research.Completed, research.Failed:
			return change{}, fmt.Errorf("%w: the task has %s already; only an open task can be cancelled", research.ErrConflict, task.Status)
		case research.Created, research.Queued, research.Running:
		}
		o := failed(research.Cancelled, &research.Failure{Code: research.CodeCancelled, Message: cmp.Or(reason, DefaultReason)}, nil)
		o.deleting = deleting
		done, err := s.endTask(ctx, lockedTask{tx: tx, head: head, Task: task}, o)
		if err == nil {
			done.also, err = s.cancelChildren(ctx, children, deleting)
		}
		return done, err
	})
	if errors.Is(err, errChildrenBegan) {
		return s.cancel(ctx, account, id, reason, deleting)
	}
	if err != nil {
		return fmt.Errorf("cancel: %w", err)
	}
	return nil
}

// flushTimeout bounds how long a delete waits until the cancelled event was sent to other processes.
const flushTimeout = 2 * time.Second

// Delete cancels a task if it is open, and then removes it with its events, visits and artifacts. Snapshots that other tasks
// use stay. The cancel is committed and published before the removal, so that streams get the cancelled event.
func (s *Service) Delete(ctx context.Context, account string, id uuid.UUID, reason string) error {
	if err := s.cancel(ctx, account, id, reason, true); err != nil && !errors.Is(err, research.ErrConflict) {
		return fmt.Errorf("delete: %w", err)
	}
	fctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	if err := s.publisher.Flush(fctx); err != nil {
		s.log.WarnContext(ctx, "other processes may miss the end of a deleted task", "task_id", id, "error", err)
	}
	ids, err := s.trees.Rows().Children(ctx, id)
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	ids = append(ids, id)
	err = s.store.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		for _, each := range ids {
			if err := s.insertPurges(ctx, tx, each); err != nil && (each == id || !errors.Is(err, research.ErrNotFound)) {
				return err
			}
		}
		return s.store.For(account).DeleteTask(ctx, tx, id)
	})
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	for _, each := range ids {
		s.RemoveFiles(ctx, each) // most files are gone when Delete returns; the purge jobs remove what is left
	}
	return nil
}

// insertPurges locks the head of a finished task, and inserts the jobs that remove its files. One runs now. The other runs
// after a lease time and removes files that stale runs of other processes write until then. Every transaction locks
// River's rows before pages, so no two transactions can deadlock.
func (s *Service) insertPurges(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	if _, err := s.store.LockHead(ctx, tx, id); err != nil {
		return err
	}
	last, err := s.store.FinalErrorEvent(ctx, tx, id)
	if err != nil {
		return err
	}
	for _, delay := range []time.Duration{0, s.store.LeaseTTL()} {
		opts := &river.InsertOpts{}
		if delay > 0 {
			opts.ScheduledAt = time.Now().Add(delay)
		}
		if _, err := s.river.InsertTx(ctx, tx, PurgeArgs{TaskID: id, Last: last}, opts); err != nil {
			return fmt.Errorf("insert purge: %w", err)
		}
	}
	return nil
}
