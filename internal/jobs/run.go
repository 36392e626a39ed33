package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"

	"legwork/internal/deep"
	"legwork/internal/goroutine"
	"legwork/internal/jobs/liveruns"
	"legwork/internal/research"
	"legwork/internal/runenv"
	"legwork/internal/store"
)

// run is the work of this process on one task, from claim to exit.
type run struct {
	runner  *Runner
	job     *river.Job[ResearchArgs]
	task    research.Task
	epoch   int
	try     int
	spent   time.Duration // running time of earlier runs
	journal []research.Step
	known   []research.Inherited // evidence of the parent task, when this one is a follow-up, or of the children of a deep task
	tree    deep.State           // of a deep task
	outcome string               // how it has ended; empty if it only stopped
}

// load reads the task, its journal and the time that earlier runs took, so that the run continues where they ended.
func (r *Runner) load(ctx context.Context, job *river.Job[ResearchArgs], c claimed) (*run, error) {
	id, epoch := c.id, c.epoch
	resumed, err := r.store.Resume(ctx, id, epoch)
	if err != nil {
		return nil, err
	}
	if resumed.Epoch != epoch {
		return nil, research.ErrFenced
	}
	task, journal := resumed.Task, resumed.Journal
	var known []research.Inherited
	var tree deep.State
	if task.Options.Effort == research.Deep {
		if tree, err = r.trees.Load(ctx, id); err != nil {
			return nil, err
		}
	}
	if task.Context != nil || tree.Children != nil {
		if known, err = r.store.Inherited(ctx, id); err != nil {
			return nil, err
		}
	}
	if tree.Children != nil {
		if again, err := r.collect(ctx, &task, c, tree, known, journal); err != nil {
			return nil, err
		} else if again {
			return r.load(ctx, job, c)
		}
	}
	task.Options = within(task.Options, c.grant, r.cfg.Cost, journal, c.try)
	return &run{runner: r, job: job, known: known, tree: tree, task: task, epoch: epoch, try: c.try,
		spent: resumed.Spent, journal: journal}, nil
}

// research runs the agent within TASK_TIMEOUT. A panic in any goroutine of the run stops the run. research then returns
// the panic as the error, whatever the agent returns.
func (c *run) research(ctx context.Context) (research.Result, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var first atomic.Pointer[goroutine.PanicError]
	ctx = goroutine.OnPanic(ctx, func(p *goroutine.PanicError) {
		goroutine.Log(ctx, c.runner.cfg.Log, p)
		first.CompareAndSwap(nil, p)
		stop(p)
	})
	var result research.Result
	err := goroutine.Catch(ctx, func() (err error) {
		result, err = c.answer(ctx)
		return err
	})
	if p := first.Load(); p != nil {
		return research.Result{}, p // verdict turns the panic into an internal failure
	}
	return result, err
}

// answer calls the agent, and afterwards closes what the run has opened to read pages.
func (c *run) answer(ctx context.Context) (research.Result, error) {
	left := c.runner.cfg.TaskTimeout - c.spent
	ctx, cancel := context.WithTimeoutCause(ctx, max(left, time.Millisecond), liveruns.ErrTimeout)
	defer cancel()
	bound := runenv.Open(c.envConfig())
	defer bound.Close()
	result, err := c.runner.cfg.Agent(ctx, bound.Env())
	if err != nil && ctx.Err() != nil {
		// The agent may wrap the context's error. The cause says why the run was stopped.
		return research.Result{}, context.Cause(ctx)
	}
	return result, err
}

// envConfig returns what connects the agent to the database, the pages and the publisher of this process.
func (c *run) envConfig() runenv.Config {
	cfg := c.runner.cfg
	return runenv.Config{
		Store: c.runner.store, Task: c.task, Epoch: c.epoch, Try: c.try, LastTry: c.try >= cfg.Tries, Spent: c.spent, Journal: c.journal, Inherited: c.known,
		Children: c.tree.Children, Left: c.tree.Left, Trees: c.runner.trees.Rows(),
		Pages: cfg.Pages, Engines: cfg.Engines, Lists: cfg.Lists, PageTTL: cfg.PageTTL,
		Publish: c.runner.publish, AwaitLease: c.runner.lease.Await, KeepPicture: c.keepPicture,
		PublishFragment: func(offset int, text string) { c.runner.publisher.PublishFragment(c.task.ID, c.epoch, offset, text) },
		Metrics:         c.runner.watching.Metrics, Log: cfg.Log,
	}
}

// exit calls f, which ends a run in the database, and repeats it while the database is unavailable, even after the run's
// context has ended. It stops repeating only when Stop has lasted too long. It returns an error only when the database
// refused the change, which is a defect in legwork.
func (r *Runner) exit(ctx context.Context, log *slog.Logger, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer goroutine.AfterFunc(r.exits, cancel)()
	err := store.UntilAvailable(ctx, func() error { return f(ctx) })
	switch {
	case err == nil, errors.Is(err, research.ErrFenced), errors.Is(err, research.ErrNotFound):
		return nil
	case ctx.Err() != nil, errors.Is(err, research.ErrUnavailable):
		log.ErrorContext(ctx, "the run could not be ended before the process had to; its task waits for the reconciler", "error", err)
		return nil
	default:
		log.ErrorContext(ctx, "the end of the run was refused", "error", err)
		return err
	}
}
