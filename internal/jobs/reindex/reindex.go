// Package reindex has the job that splits stored passages into words anew, after an upgrade to a version that splits them in
// another way. Passages are found by their old words until then.
package reindex

import (
	"context"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"legwork/internal/store"
)

const every = time.Hour

// Args are the arguments of the job. River's leader inserts the job when it is elected, and every hour.
type Args struct{}

// Kind implements river.JobArgs.
func (Args) Kind() string { return "reindex" }

// Worker does the job.
type Worker struct {
	river.WorkerDefaults[Args]
	Store store.Worker
	Log   *slog.Logger
}

// Timeout implements river.Worker.
func (w *Worker) Timeout(*river.Job[Args]) time.Duration { return every / 2 }

// Work implements river.Worker. Each snapshot has a transaction of its own, so an interrupted job has lost nothing, and
// several may run at once.
func (w *Worker) Work(ctx context.Context, _ *river.Job[Args]) error {
	for n := 0; ; n++ {
		found, err := w.Store.Reindex(ctx)
		if n > 0 && (err != nil || !found) {
			w.Log.InfoContext(ctx, "split the passages of older snapshots into words anew", "snapshots", n)
		}
		if err != nil || !found {
			return err
		}
	}
}

// Job returns the periodic job of River that inserts the job into a queue. One attempt is enough, because the job of the
// next hour does the rest.
func Job(queue string) *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(every),
		func() (river.JobArgs, *river.InsertOpts) {
			return Args{}, &river.InsertOpts{Queue: queue, MaxAttempts: 1}
		},
		&river.PeriodicJobOpts{ID: "reindex", RunOnStart: true})
}
