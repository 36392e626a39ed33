package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"legwork/internal/agent"
	"legwork/internal/failpoint"
	"legwork/internal/jobs/liveruns"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/store/usage"
)

// work does one run, from claim to exit. A River job only gives the right to use a slot. The claim decides which task
// runs in it.
func (r *Runner) work(ctx context.Context, job *river.Job[ResearchArgs]) {
	log := r.cfg.Log.With("job", job.ID)
	runCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if !r.local.Begin(job.ID, cancel) {
		_ = r.exit(ctx, log, func(ctx context.Context) error { return r.handBackJob(ctx, job.ID) })
		return
	}
	defer r.local.Done(job.ID)
	current, err := r.claim(runCtx, log, job)
	if err != nil {
		r.unclaimed(ctx, runCtx, log, job, err)
		return
	}
	r.tellRoom() // the account of another held task may have room for a run, too
	ctx, runCtx, over := r.watching.begin(ctx, runCtx, current)
	defer over()
	log = r.cfg.Log
	failpoint.Hit(runCtx, "after_claim")
	result, err := current.research(runCtx)
	failpoint.Hit(ctx, "before_exit")
	r.finish(ctx, runCtx, log, current, result, err)
	r.tellRoom()
}

// errHeld means that no waiting task may run now. The task of the job is held: it waits without a job until its account
// has room.
var errHeld = errors.New("held: every account with waiting tasks runs as many as it may")

// exhaustedError means that a task's account has used up one of its limits, so the task fails.
type exhaustedError struct {
	claimed
	limit research.LimitName
}

// Error implements error.
func (e *exhaustedError) Error() string {
	return "the " + string(e.limit) + " of the month are used up"
}

// unclaimed handles a job that claimed no task. This job cannot claim again. So its task must get another job, unless
// the task has moved on or is held. When the process stops, unclaimed hands the task back. Otherwise it counts the
// failed claim as a failed try.
func (r *Runner) unclaimed(ctx, runCtx context.Context, log *slog.Logger, job *river.Job[ResearchArgs], err error) {
	cause := context.Cause(runCtx)
	var exhausted *exhaustedError
	switch {
	case errors.Is(err, errHeld):
		log.DebugContext(ctx, "not claimed", "reason", err)
	case errors.Is(err, research.ErrFenced), errors.Is(err, research.ErrNotFound), errors.Is(cause, liveruns.ErrFenced):
		log.DebugContext(ctx, "not claimed: the job has no task any more", "error", err)
	case errors.As(err, &exhausted):
		r.failUnclaimed(ctx, log, job, exhausted.id, exhausted.epoch, exhausted.limit.Exhausted())
	case cause != nil:
		_ = r.exit(ctx, log, func(ctx context.Context) error { return r.handBackJob(ctx, job.ID) })
	default:
		task, terr := r.usage.TaskOfJob(ctx, job.ID)
		if terr != nil {
			log.ErrorContext(ctx, "not claimed", "error", errors.Join(err, terr))
			return
		}
		r.failUnclaimed(ctx, log, job, task.TaskID, task.Epoch, verdict(err, r.cfg.TaskTimeout))
	}
}

// failUnclaimed ends the present try of a task as failed, although no run has claimed the task.
func (r *Runner) failUnclaimed(ctx context.Context, log *slog.Logger, job *river.Job[ResearchArgs], id uuid.UUID, epoch int, f *research.Failure) {
	task, at, err := r.store.TaskForRun(ctx, id)
	if err != nil || at != epoch {
		log.ErrorContext(ctx, "not claimed", "task_id", id, "error", errors.Join(f, err))
		return
	}
	c := &run{runner: r, job: job, task: task, epoch: epoch, try: task.Try}
	r.failOrRetry(ctx, log.With("task_id", id, "run", epoch), c, f)
}

// handBackJob hands back the task that is assigned to a job.
func (r *Runner) handBackJob(ctx context.Context, job int64) error {
	task, err := r.usage.TaskOfJob(ctx, job)
	if err != nil {
		return err
	}
	return r.handBack(ctx, task.TaskID, task.Epoch)
}

// claimed is a task that this process has claimed.
type claimed struct {
	id    uuid.UUID
	epoch int
	try   int
	grant store.Grant
}

// claim claims a task. It tries again while the database is unavailable, because the job cannot claim again after claim
// has returned. When this process does not have the model of a task, claim queues the task again and tries another one.
func (r *Runner) claim(ctx context.Context, log *slog.Logger, job *river.Job[ResearchArgs]) (*run, error) {
	for {
		var c *run
		err := store.UntilAvailable(ctx, func() (err error) {
			c, err = r.tryClaim(ctx, job)
			return err
		})
		var lacking *missingModelError
		if !errors.As(err, &lacking) {
			return c, err
		}
		err = r.exit(ctx, log, func(ctx context.Context) error {
			return r.requeueForModel(ctx, log.With("task_id", lacking.id, "run", lacking.epoch), lacking.id, lacking.epoch, lacking.pin)
		})
		if err != nil {
			return nil, err
		}
	}
}

// tryClaim chooses a task and claims its epoch in one transaction.
func (r *Runner) tryClaim(ctx context.Context, job *river.Job[ResearchArgs]) (*run, error) {
	if err := r.lease.Await(ctx); err != nil {
		return nil, err
	}
	worker := r.lease.WorkerID()
	var c claimed
	var events, holds, copies []research.Event
	var chosen usage.Choice
	err := r.store.InTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		if chosen, err = r.usage.ChooseTask(ctx, tx, job.ID, r.cfg.Pin, r.cfg.Cost); err != nil {
			return err
		}
		if holds, err = r.addHolds(ctx, tx, chosen.NewlyHeld); err != nil || chosen.Held || chosen.Exhausted != "" {
			return err // nil commits what ChooseTask wrote: which tasks are held, and which exchanged their jobs
		}
		c = claimed{id: chosen.TaskID, epoch: chosen.Epoch, grant: chosen.Grant}
		events = []research.Event{claimEvent(c.epoch)}
		var pin research.Pin
		if c.try, pin, events, err = r.store.Claim(ctx, tx, c.id, c.epoch, worker, r.cfg.Pin, c.grant, events); err == nil && !r.hasModel(pin) {
			err = &missingModelError{id: c.id, epoch: c.epoch, pin: pin} // rolls back the claim, and the exchange of jobs between tasks
		}
		if err == nil && chosen.Child {
			copies, err = r.trees.Rows().CopyToParent(ctx, tx, c.id, events)
		}
		return err
	})
	if err == nil {
		r.tellHolds(ctx, chosen.NewlyHeld, holds)
	}
	switch {
	case errors.Is(err, research.ErrFenced):
		// Either the job has no task any more, or the claim was committed and the database's answer was lost.
		if c, err = r.claimedAlready(ctx, job.ID, worker); err != nil {
			return nil, err
		}
		events, copies = nil, nil
	case err != nil:
		return nil, err
	case chosen.Held:
		return nil, errHeld
	case chosen.Exhausted != "":
		return nil, &exhaustedError{claimed: claimed{id: chosen.TaskID, epoch: chosen.Epoch}, limit: chosen.Exhausted}
	}
	r.local.Claimed(job.ID, c.id, c.epoch)
	r.publish(ctx, events)
	r.publish(ctx, copies)
	return r.load(ctx, job, c)
}

func claimEvent(epoch int) research.Event {
	text := "Research starts."
	if epoch > 1 {
		text = "Research resumes where the journal ends."
	}
	return research.Thinking(text, map[string]any{"status": string(research.Running), "epoch": epoch})
}

// claimedAlready returns the task that this worker has claimed with a job. It returns research.ErrFenced when there is
// none.
func (r *Runner) claimedAlready(ctx context.Context, job int64, worker uuid.UUID) (claimed, error) {
	held, err := r.usage.TaskOfJob(ctx, job)
	if err != nil {
		return claimed{}, err
	}
	if held.Owner == nil || *held.Owner != worker {
		return claimed{}, research.ErrFenced
	}
	task, epoch, err := r.store.TaskForRun(ctx, held.TaskID)
	if err != nil || epoch != held.Epoch {
		return claimed{}, errors.Join(err, research.ErrFenced)
	}
	grant, err := r.usage.GrantOf(ctx, held.TaskID, epoch)
	if err != nil {
		return claimed{}, fmt.Errorf("read what the run may use: %w", err)
	}
	return claimed{id: held.TaskID, epoch: epoch, try: task.Try, grant: grant}, nil
}

// within lowers the limits in a task's options to what the journal has used and what the run may use beyond that.
func within(o research.Options, grant store.Grant, cost usage.RunCost, journal []research.Step, try int) research.Options {
	if grant.Pages != nil {
		o.MaxPages = min(o.MaxPages, agent.CountLoads(journal, try)+int(*grant.Pages))
	}
	if grant.Tokens != nil {
		most := max(*grant.Tokens-cost.TokenMargin, 0)
		for _, s := range journal {
			most += s.InputTokens + s.OutputTokens
		}
		if o.MaxTokens == 0 || most < o.MaxTokens {
			o.MaxTokens = max(most, 1) // not 0, because 0 means no limit
		}
	}
	return o
}
