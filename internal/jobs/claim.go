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
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/store/usage"
)

// work is one run from claim to exit. River's job is only the right to a slot: which task it runs is decided by the claim.
func (r *Runner) work(ctx context.Context, job *river.Job[ResearchArgs]) {
	log := r.cfg.Log.With("job", job.ID)
	runCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if !r.local.begin(job.ID, cancel) {
		_ = r.exit(ctx, log, func(ctx context.Context) error { return r.handBackJob(ctx, job.ID) })
		return
	}
	defer r.local.done(job.ID)
	current, err := r.claim(runCtx, log, job)
	if err != nil {
		r.unclaimed(ctx, runCtx, log, job, err)
		return
	}
	r.tellRoom() // the next held task may have room, too
	log = r.cfg.Log.With("task", current.task.ID, "epoch", current.epoch)
	failpoint.Hit(runCtx, "after_claim")
	result, err := current.research(runCtx)
	failpoint.Hit(ctx, "before_exit")
	r.finish(ctx, runCtx, log, current, result, err)
	r.tellRoom()
}

// errHeld means that no task may run now. The task of the job waits without one.
var errHeld = errors.New("held: every account with waiting tasks runs as many as it may")

// exhaustedError means that nothing is left of a limit for a task, which therefore fails.
type exhaustedError struct {
	claimed
	limit research.LimitName
}

// Error implements error.
func (e *exhaustedError) Error() string {
	return "the " + string(e.limit) + " of the month are used up"
}

// unclaimed deals with a job that claimed no task. The job is used up, so unless its task moved on or is held it must
// get another: by a hand-back when the process stops, as a failure of the try otherwise.
func (r *Runner) unclaimed(ctx, runCtx context.Context, log *slog.Logger, job *river.Job[ResearchArgs], err error) {
	cause := context.Cause(runCtx)
	var exhausted *exhaustedError
	switch {
	case errors.Is(err, errHeld):
		log.DebugContext(ctx, "not claimed", "reason", err)
	case errors.Is(err, research.ErrFenced), errors.Is(err, research.ErrNotFound), errors.Is(cause, errFenced):
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

// failUnclaimed fails the try of a task that was not claimed.
func (r *Runner) failUnclaimed(ctx context.Context, log *slog.Logger, job *river.Job[ResearchArgs], id uuid.UUID, epoch int, f *research.Failure) {
	task, at, err := r.store.TaskForRun(ctx, id)
	if err != nil || at != epoch {
		log.ErrorContext(ctx, "not claimed", "task", id, "error", errors.Join(f, err))
		return
	}
	c := &run{runner: r, job: job, task: task, epoch: epoch, try: task.Try}
	r.failOrRetry(ctx, log.With("task", id, "epoch", epoch), c, f)
}

// handBackJob hands back the task that a job would run.
func (r *Runner) handBackJob(ctx context.Context, job int64) error {
	task, err := r.usage.TaskOfJob(ctx, job)
	if err != nil {
		return err
	}
	return r.handBack(ctx, task.TaskID, task.Epoch)
}

// claimed is a task that this process holds.
type claimed struct {
	id    uuid.UUID
	epoch int
	try   int
	grant store.Grant
}

// claim takes a task, trying again while the database is away: the job is used up once this returns. Tasks whose model this
// process does not have are queued again, until one is found that it can run.
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
			return r.requeueForModel(ctx, log.With("task", lacking.id, "epoch", lacking.epoch), lacking.id, lacking.epoch, lacking.pin)
		})
		if err != nil {
			return nil, err
		}
	}
}

// tryClaim chooses a task and claims its epoch in one transaction.
func (r *Runner) tryClaim(ctx context.Context, job *river.Job[ResearchArgs]) (*run, error) {
	if err := r.lease.await(ctx); err != nil {
		return nil, err
	}
	worker := r.lease.workerID()
	var c claimed
	var events []research.Event
	var chosen usage.Choice
	err := r.store.InTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		if chosen, err = r.usage.ChooseTask(ctx, tx, job.ID, r.cfg.Pin, r.cfg.Cost); err != nil || chosen.Held || chosen.Exhausted != "" {
			return err // a hold is committed, as is the exchange of jobs
		}
		c = claimed{id: chosen.TaskID, epoch: chosen.Epoch, grant: chosen.Grant}
		events = []research.Event{claimEvent(c.epoch)}
		var pin research.Pin
		if c.try, pin, events, err = r.store.Claim(ctx, tx, c.id, c.epoch, worker, r.cfg.Pin, c.grant, events); err == nil && !r.hasModel(pin) {
			err = &missingModelError{id: c.id, epoch: c.epoch, pin: pin} // the claim is rolled back, and the exchange of jobs
		}
		return err
	})
	switch {
	case errors.Is(err, research.ErrFenced):
		// Either the job has no task any more, or the claim was committed and its answer lost.
		if c, err = r.claimedAlready(ctx, job.ID, worker); err != nil {
			return nil, err
		}
		events = nil
	case err != nil:
		return nil, err
	case chosen.Held:
		return nil, errHeld
	case chosen.Exhausted != "":
		return nil, &exhaustedError{claimed: claimed{id: chosen.TaskID, epoch: chosen.Epoch}, limit: chosen.Exhausted}
	}
	r.local.claimed(job.ID, c.id, c.epoch)
	r.publish(ctx, events)
	return r.load(ctx, job, c)
}

func claimEvent(epoch int) research.Event {
	text := "Research starts."
	if epoch > 1 {
		text = "Research resumes where the journal ends."
	}
	return research.Thinking(text, map[string]any{"status": string(research.Running), "epoch": epoch})
}

// claimedAlready gives the task that this worker has claimed with a job; research.ErrFenced: none.
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

// within bounds the options of a task by what its run may use beyond what the journal has.
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
			o.MaxTokens = max(most, 1) // 0 would be any number
		}
	}
	return o
}
