package jobs

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"

	"legwork/internal/lease"
	"legwork/internal/research"
)

// fileJobTimeout bounds a job on files. When one has run for longer, its process has died.
const fileJobTimeout = 30 * time.Second

type artifactsWorker struct {
	river.WorkerDefaults[ArtifactsArgs]
	svc   *Service
	lease *lease.Lease
}

// Timeout implements river.Worker.
func (w *artifactsWorker) Timeout(*river.Job[ArtifactsArgs]) time.Duration { return fileJobTimeout }

// Work implements river.Worker. After an error River retries the job. A task that does not exist any more needs no files.
func (w *artifactsWorker) Work(ctx context.Context, job *river.Job[ArtifactsArgs]) error {
	if err := w.lease.Await(ctx); err != nil { // otherwise a process that was paused could write after the last purge of a deleted task
		return err
	}
	task, _, err := w.svc.store.TaskForRun(ctx, job.Args.TaskID)
	if errors.Is(err, research.ErrNotFound) {
		return nil
	}
	if err != nil {
		return later(err)
	}
	if err := w.svc.EnsureArtifacts(ctx, task); !errors.Is(err, research.ErrNotFound) {
		return later(err)
	}
	return nil
}

// later makes River repeat a job soon after an outage of the database. Other errors count as attempts, and River waits minutes
// after a few of them.
func later(err error) error {
	if errors.Is(err, research.ErrUnavailable) {
		return river.JobSnooze(time.Second)
	}
	return err
}

type purgeWorker struct {
	river.WorkerDefaults[PurgeArgs]
	svc *Service
}

// Timeout implements river.Worker.
func (w *purgeWorker) Timeout(*river.Job[PurgeArgs]) time.Duration { return fileJobTimeout }

// Work implements river.Worker.
func (w *purgeWorker) Work(ctx context.Context, job *river.Job[PurgeArgs]) error {
	exists, err := w.svc.store.Exists(ctx, job.Args.TaskID)
	if err != nil || exists {
		return later(err)
	}
	return w.svc.Artifacts.Purge(ctx, job.Args.TaskID)
}
