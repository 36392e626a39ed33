// Package summaries has the periodic job that keeps the summaries of reports up to date (internal/store/reports).
package summaries

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"legwork/internal/store"
	"legwork/internal/store/reports"
)

const (
	// Every is the time between two summaries. The views are right without them, and only get slower.
	Every = time.Minute
	// most bounds one job, so that others of its queue do not wait for long. The next job does the rest.
	most = 30 * time.Second
)

// Args are the arguments of the job. River's leader inserts it every minute, and when it is elected.
type Args struct{}

// Kind implements river.JobArgs.
func (Args) Kind() string { return "summaries" }

// Periodic returns the periodic job of River that inserts the job into a queue.
func Periodic(queue string) *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(Every),
		func() (river.JobArgs, *river.InsertOpts) {
			return Args{}, &river.InsertOpts{Queue: queue, MaxAttempts: 1} // the job of the next minute does the same
		},
		&river.PeriodicJobOpts{ID: "summaries", RunOnStart: true})
}

// Worker works the jobs.
type Worker struct {
	river.WorkerDefaults[Args]
	store *store.Store
}

// NewWorker returns a worker on a database.
func NewWorker(s *store.Store) *Worker { return &Worker{store: s} }

// Timeout implements river.Worker.
func (*Worker) Timeout(*river.Job[Args]) time.Duration { return 2 * most }

// Work implements river.Worker.
func (w *Worker) Work(ctx context.Context, _ *river.Job[Args]) error {
	for began := time.Now(); time.Since(began) < most; {
		if n, err := reports.Summarise(ctx, w.store); err != nil || n == 0 {
			return err
		}
	}
	return nil
}
