package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"legwork/internal/agent"
	"legwork/internal/agent/reader"
	"legwork/internal/goroutine"
	"legwork/internal/jobs/liveruns"
	"legwork/internal/jobs/ownqueue"
	"legwork/internal/jobs/reindex"
	"legwork/internal/jobs/summaries"
	"legwork/internal/lease"
	"legwork/internal/logging"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/search"
	"legwork/internal/store/usage"
)

// RunnerConfig configures a worker process.
type RunnerConfig struct {
	Slots       int           // how many tasks run at once; MAX_CONCURRENT_TASKS
	TaskTimeout time.Duration // hard limit on a task's running time; TASK_TIMEOUT
	Tries       int           // how often a task that fails transiently is tried; 0 means 3
	Backoff     time.Duration // longest pause before the second try, doubled for each further one; 0 means 4 s
	Retention   time.Duration // finished tasks are removed after this time; 0 means never
	Version     string        // version of this program, shown with the worker
	Pages       page.Source   // reads pages
	Lists       *page.Lists   // the operator's lists of allowed and denied domains; nil when there are none
	PageTTL     time.Duration // how long a stored snapshot is used instead of loading its page; PAGE_TTL; 0 means never
	Engines     *search.Set
	Agent       Agent         // nil means the built-in reader
	Pin         research.Pin  // provider, model and prompts of tasks that begin in this process; zero means the built-in reader
	PinWait     time.Duration // how long a task waits for a live worker with its pin, before it fails; 0 means 5 minutes
	Cost        usage.RunCost // what a run may cost with the model of this process
	Alone       bool          // run only the tasks that this process submits
	NoFiles     bool          // leave the jobs on files to other processes
	Log         *slog.Logger
}

// Agent researches one task through env. It returns an answer, a *research.Failure, or the error of the context or of the
// fence that stopped it.
type Agent func(ctx context.Context, env agent.Env) (research.Result, error)

// Runner works tasks in this process. It claims the runs that River assigns to it, renews the process's lease, and ends
// every run in the database.
type Runner struct {
	*Service
	cfg    RunnerConfig
	client *river.Client[pgx.Tx]
	lease  *lease.Lease
	stop   context.CancelFunc // stops the loops
	loops  goroutine.Group
	room   chan struct{}      // receives a value when held tasks may have room
	exits  context.Context    // cancelled when Stop has lasted too long; exit then stops repeating
	abort  context.CancelFunc // cancels exits
}

// NewRunner returns a runner for a service.
func NewRunner(svc *Service, cfg RunnerConfig) (*Runner, error) {
	if cfg.Tries <= 0 {
		cfg.Tries = 3
	}
	if cfg.Backoff <= 0 {
		cfg.Backoff = 4 * time.Second
	}
	if cfg.PinWait <= 0 {
		cfg.PinWait = 5 * time.Minute
	}
	if cfg.Agent == nil {
		cfg.Agent = reader.Read
	}
	if cfg.Pin == (research.Pin{}) {
		cfg.Pin = reader.Pin()
	}
	r := &Runner{Service: svc, cfg: cfg, room: make(chan struct{}, 1)}
	queue, periodic := ownqueue.Shared, []*river.PeriodicJob{cleanupJob(), summaries.Periodic(queueFileJobs), reindex.Job(queueFileJobs)}
	if cfg.Alone {
		var err error
		if queue, err = svc.queues.Own(); err != nil {
			return nil, err
		}
		periodic = nil
	}
	queues := map[string]river.QueueConfig{queue: {MaxWorkers: cfg.Slots}}
	if !cfg.NoFiles {
		queues[queueFileJobs] = river.QueueConfig{MaxWorkers: 2}
	}
	host, _ := os.Hostname()
	w := research.Worker{Slots: cfg.Slots, Queue: queue, Version: cfg.Version, Host: host, Pin: cfg.Pin}
	r.lease = lease.New(svc.store, w, func() { svc.local.EndAll(liveruns.ErrFenced, false) }, cfg.Log)
	workers := river.NewWorkers()
	river.AddWorker(workers, &researchWorker{runner: r})
	river.AddWorker(workers, &artifactsWorker{svc: svc, lease: r.lease})
	river.AddWorker(workers, &purgeWorker{svc: svc})
	river.AddWorker(workers, &cleanupWorker{svc: svc, keep: cfg.Retention})
	river.AddWorker(workers, summaries.NewWorker(svc.store.Store))
	river.AddWorker(workers, &reindex.Worker{Store: svc.store, Log: cfg.Log})
	client, err := river.NewClient(svc.store.River(), &river.Config{
		Queues:        queues,
		Workers:       workers,
		PeriodicJobs:  periodic,
		Logger:        logging.ErrorsOnly(cfg.Log),
		PollOnly:      svc.store.PollOnly(),
		FetchCooldown: fetchCooldown, FetchPollInterval: pollInterval,
		// River must not restart our runs, because the reconciler does.
		RescueStuckJobsAfter: max(time.Hour, 2*cfg.TaskTimeout),
	})
	if err != nil {
		return nil, fmt.Errorf("river client: %w", err)
	}
	r.client = client
	return r, nil
}

// Start registers the process as a worker and begins to work. Of ctx only the values (for failpoints) are used; the work
// goes on when ctx ends. Stop ends the work.
func (r *Runner) Start(ctx context.Context) error {
	ctx = goroutine.LogPanics(context.WithoutCancel(ctx), r.cfg.Log)
	if err := r.lease.Register(ctx); err != nil {
		return err
	}
	loops, stop := context.WithCancel(ctx)
	r.stop = stop
	r.exits, r.abort = context.WithCancel(ctx)
	r.loops.Go(loops, func() { r.lease.Run(loops) })
	r.loops.Go(loops, func() { r.watch(loops) })
	r.loops.Go(loops, func() { r.reconcile(loops) })
	r.loops.Go(loops, func() { r.release(loops) })
	if err := r.client.Start(ctx); err != nil {
		stop()
		return fmt.Errorf("start river: %w", err)
	}
	return nil
}

// Stop hands running tasks back to the queue, and waits until that is done or ctx ends.
func (r *Runner) Stop(ctx context.Context) error {
	r.queues.Share()
	r.local.EndAll(liveruns.ErrShutdown, true)
	err := r.client.Stop(ctx)
	if err != nil {
		r.abort()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		err = errors.Join(err, r.client.StopAndCancel(last))
	}
	r.stop()
	r.loops.Wait()
	r.abort()
	if uerr := r.store.UnregisterWorker(context.WithoutCancel(ctx), r.lease.WorkerID()); uerr != nil {
		err = errors.Join(err, uerr)
	}
	return err
}

// watchEvery is how often a worker compares its runs with the database. With this check a run stops within a second even
// if River's notification of a cancel gets lost.
const watchEvery = 500 * time.Millisecond

// watch calls watchOnce every watchEvery until ctx ends.
func (r *Runner) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := goroutine.Catch(ctx, func() error { return r.watchOnce(ctx) }); err != nil && ctx.Err() == nil {
			r.log.WarnContext(ctx, "cannot check whether running tasks were cancelled", "error", err)
		}
	}
}

// watchOnce stops the runs of this process whose task has a newer epoch or does not exist any more.
func (r *Runner) watchOnce(ctx context.Context) error {
	ids := r.local.IDs()
	if len(ids) == 0 {
		return nil
	}
	epochs, err := r.store.Epochs(ctx, ids)
	if err != nil {
		return err
	}
	r.local.EndMoved(ids, epochs)
	return nil
}

type researchWorker struct {
	river.WorkerDefaults[ResearchArgs]
	runner *Runner
}

// Timeout implements river.Worker. It switches River's timeout off, because a run has its own timeout.
func (w *researchWorker) Timeout(*river.Job[ResearchArgs]) time.Duration { return -1 }

// Work implements river.Worker. It always returns nil: River would write an error into the job's row without checking that
// this run still holds the task.
func (w *researchWorker) Work(ctx context.Context, job *river.Job[ResearchArgs]) error {
	w.runner.work(ctx, job)
	return nil
}
