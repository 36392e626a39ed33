package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/agent"
	"legwork/internal/research"
	"legwork/internal/store"
)

// Pauses before a task that was handed on is offered again: while a live worker has its model, and while none has, when
// it grows with the time waited.
const (
	servedPause = time.Second
	leastPause  = 250 * time.Millisecond
	mostPause   = 10 * time.Second
)

// lackingError leaves the transaction of a claim: this process does not have what the task is pinned to.
type lackingError struct{ pin research.Pin }

// Error implements error.
func (e *lackingError) Error() string {
	return fmt.Sprintf("this worker does not have %s of %s (prompts %s)", e.pin.Model, e.pin.Provider, e.pin.Prompt)
}

// serves reports whether this process can go on with a task. Every process has the built-in reader.
func (r *Runner) serves(pin research.Pin) bool {
	return pin == r.cfg.Pin || pin.Provider == agent.ProviderReader
}

// handOn puts a task that this process cannot serve back for one that can, at no cost in tries: after a pause, so that it
// does not spin between workers, and with an event the first time. When no live worker had the model for PinWait, the task
// fails with what to configure: a pinned task is never begun anew behind its user's back.
func (r *Runner) handOn(ctx context.Context, log *slog.Logger, id uuid.UUID, epoch int, pin research.Pin) error {
	var events []research.Event
	err := r.store.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		head, err := r.store.LockHead(ctx, tx, id)
		if err != nil {
			return err
		}
		task, err := r.store.TaskLocked(ctx, tx, id)
		if err != nil {
			return err
		}
		if head.Epoch != epoch || task.Status.Terminal() {
			return research.ErrFenced
		}
		served, first, waited, err := r.store.Unserved(ctx, tx, id)
		if err != nil {
			return err
		}
		if !served && waited >= r.cfg.PinWait {
			events, err = r.unserved(ctx, tx, head, task, pin)
			return err
		}
		if first {
			events = []research.Event{research.Thinking(fmt.Sprintf("This task began with the model %s of %s, which this worker does not have. "+
				"It waits for a worker that has.", pin.Model, pin.Provider), map[string]any{"status": string(research.Queued),
				"provider": pin.Provider, "model": pin.Model, "promptVersion": pin.Prompt})}
		}
		pause := min(max(waited/2, leastPause), mostPause)
		if served {
			pause = servedPause
		}
		events, err = r.nextRun(ctx, tx, head, task, pause+rand.N(pause/4+1), store.RunHandedBack, events)
		return err
	})
	if err != nil {
		return err
	}
	log.InfoContext(ctx, "not claimed: this worker lacks the task's model", "provider", pin.Provider, "model", pin.Model, "prompt", pin.Prompt)
	r.publish(ctx, events)
	return nil
}

// unserved fails a task whose model nobody has.
func (r *Runner) unserved(ctx context.Context, tx pgx.Tx, head store.Head, task research.Task, pin research.Pin) ([]research.Event, error) {
	f := &research.Failure{Code: research.CodeModelFailed, Message: fmt.Sprintf("The task began with the model %s of %s (prompts %s), and no worker "+
		"has had that for %s. Start a worker with LLM_PROVIDER=%s and LLM_MODEL=%s, or run the task again to begin with another model.",
		pin.Model, pin.Provider, pin.Prompt, r.cfg.PinWait, pin.Provider, pin.Model)}
	events, err := r.store.Fail(ctx, tx, task.ID, head.Epoch, research.Failed, f, map[string]any{"try": task.Try})
	if err != nil {
		return nil, err
	}
	if err := r.cancelJob(ctx, tx, head.JobID); err != nil {
		return nil, err
	}
	if _, err := r.river.InsertTx(ctx, tx, ArtifactsArgs{TaskID: task.ID}, nil); err != nil {
		return nil, errors.Join(errors.New("insert artifacts job"), err)
	}
	return events, nil
}
