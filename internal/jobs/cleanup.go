package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"legwork/internal/failpoint"
	"legwork/internal/store/identities"
)

const (
	cleanupEvery = time.Hour
	// cleanupBatch bounds the rows that one transaction of a clean-up removes, so that no transaction takes long.
	cleanupBatch = 100
)

// CleanupArgs are the arguments of the clean-up job. River's leader inserts the job every hour, and when it is elected.
type CleanupArgs struct{}

// Kind implements river.JobArgs.
func (CleanupArgs) Kind() string { return "cleanup" }

// InsertOpts implements river.JobArgsWithInsertOpts. One attempt is enough, because the job of the next hour does the rest.
func (CleanupArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueFileJobs, MaxAttempts: 1}
}

type cleanupWorker struct {
	river.WorkerDefaults[CleanupArgs]
	svc  *Service
	keep time.Duration
}

// Timeout implements river.Worker. The timeout is long, because the first clean-up after years may remove many tasks.
func (w *cleanupWorker) Timeout(*river.Job[CleanupArgs]) time.Duration { return cleanupEvery / 2 }

// Work implements river.Worker.
func (w *cleanupWorker) Work(ctx context.Context, _ *river.Job[CleanupArgs]) error {
	done, err := w.svc.Cleanup(ctx, w.keep)
	if done != (Cleaned{}) {
		w.svc.log.InfoContext(ctx, "cleaned up", "tasks", done.Tasks, "snapshots", done.Pages, "keys", done.Keys)
	}
	return err
}

// cleanupJob returns the periodic job of River that inserts the clean-up.
func cleanupJob() *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(cleanupEvery),
		func() (river.JobArgs, *river.InsertOpts) { return CleanupArgs{}, nil },
		&river.PeriodicJobOpts{ID: "cleanup", RunOnStart: true})
}

// Cleaned has the numbers of things that a clean-up removed, or would remove.
type Cleaned struct {
	Tasks int64 // with their events, visits and files
	Pages int64 // snapshots that nothing refers to any more
	Keys  int64 // idempotency keys older than KeepKeys
}

// Expired returns the numbers of things that Cleanup would remove now. It removes nothing.
func (s *Service) Expired(ctx context.Context, keep time.Duration) (Cleaned, error) {
	tasks, pages, keys, err := s.store.Expired(ctx, keep, KeepKeys)
	return Cleaned{Tasks: tasks, Pages: pages, Keys: keys}, err
}

// Cleanup removes tasks that ended longer than keep ago (none when keep is 0), snapshots that nothing refers to, domains
// without recent requests, old sessions, tickets and failed logins, and idempotency keys older than KeepKeys. Several
// clean-ups may run at once. A clean-up that is interrupted has removed whole batches.
func (s *Service) Cleanup(ctx context.Context, keep time.Duration) (done Cleaned, err error) {
	for keep > 0 {
		tasks, pages, err := s.expire(ctx, keep)
		done.Tasks, done.Pages = done.Tasks+tasks, done.Pages+pages
		if err != nil {
			return done, fmt.Errorf("remove old tasks: %w", err)
		}
		if tasks == 0 {
			break
		}
	}
	for after := int64(0); ; {
		n, next, err := s.store.CollectOrphans(ctx, after, cleanupBatch)
		done.Pages += n
		if err != nil {
			return done, fmt.Errorf("collect snapshots: %w", err)
		}
		if after = next; after == 0 {
			break
		}
	}
	for {
		n, err := s.store.PurgeDomains(ctx, cleanupBatch)
		if err != nil {
			return done, fmt.Errorf("remove domains: %w", err)
		}
		if n == 0 {
			break
		}
	}
	for logins := identities.New(s.store.Store); ; {
		ended, err := logins.PurgeEnded(ctx, cleanupBatch)
		if err != nil {
			return done, fmt.Errorf("remove ended sessions: %w", err)
		}
		if ended == (identities.EndedRows{}) {
			break
		}
	}
	if err := s.usage.CountUsage(ctx); err != nil {
		return done, fmt.Errorf("add up usage: %w", err)
	}
	for {
		n, err := s.store.PurgeKeys(ctx, KeepKeys, cleanupBatch)
		done.Keys += n
		if err != nil || n == 0 {
			return done, err
		}
	}
}

// expire removes one batch of old tasks, and after the commit their files. The transaction also inserts a purge job for
// each task. If this process dies before it has removed the files, the purge job removes them.
func (s *Service) expire(ctx context.Context, keep time.Duration) (tasks, pages int64, err error) {
	var ids []uuid.UUID
	err = s.store.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if ids, err = s.store.LockExpired(ctx, tx, keep, cleanupBatch); err != nil || len(ids) == 0 {
			return err
		}
		purges := make([]river.InsertManyParams, len(ids))
		for i, id := range ids {
			purges[i] = river.InsertManyParams{Args: PurgeArgs{TaskID: id}}
		}
		if _, err := s.river.InsertManyTx(ctx, tx, purges); err != nil {
			return fmt.Errorf("insert purges: %w", err)
		}
		tasks, pages, err = s.store.DeleteExpired(ctx, tx, ids)
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	failpoint.Hit(ctx, "after_expire")
	for _, id := range ids {
		s.RemoveFiles(ctx, id)
	}
	return tasks, pages, nil
}
