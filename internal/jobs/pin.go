package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/agent/prompts"
	"legwork/internal/agent/reader"
	"legwork/internal/research"
	"legwork/internal/store"
)

// These are pauses before a task is offered to workers again because this worker lacks its model. pauseWithWorker
// applies while a live worker has the model. While none has it, the pause grows with the time that the task has waited.
const (
	pauseWithWorker = time.Second
	minPauseWithout = 250 * time.Millisecond
	maxPauseWithout = 10 * time.Second
)

// missingModelError rolls a claim back because this process does not have the provider, model and prompts of the task's pin.
type missingModelError struct {
	id    uuid.UUID
	epoch int
	pin   research.Pin
}

// Error implements error.
func (e *missingModelError) Error() string {
	return fmt.Sprintf("this worker does not have %s of %s (prompts %s)", e.pin.Model, e.pin.Provider, e.pin.Prompt)
}

// hasModel reports whether this process has the provider, model and prompts of a pin. Every process has the built-in
// reader and the prompts of earlier versions.
func (r *Runner) hasModel(pin research.Pin) bool {
	own := r.cfg.Pin
	return pin == own || pin.Provider == reader.Provider ||
		pin.Provider == own.Provider && pin.Model == own.Model && prompts.Known(pin.Prompt)
}

// requeueForModel queues a task again because this worker lacks its model. This does not use up a try. The next run
// begins after a pause, so that workers do not pass the task around without end. An event is added the first time. When
// no live worker has had the model for PinWait, the task fails, and its error says what to configure. legwork does not
// begin the task again with another model without asking the user.
func (r *Runner) requeueForModel(ctx context.Context, log *slog.Logger, id uuid.UUID, epoch int, pin research.Pin) error {
	err := r.transition(ctx, func(ctx context.Context, tx pgx.Tx) (change, error) {
		t, err := r.lockRun(ctx, tx, id, epoch)
		if err != nil {
			return change{}, err
		}
		served, first, waited, err := r.store.Unserved(ctx, tx, id)
		if err != nil {
			return change{}, err
		}
		if !served && waited >= r.cfg.PinWait {
			return r.endTask(ctx, t, failed(research.Failed, r.noWorkerHasModel(pin), map[string]any{"try": t.Try}))
		}
		n := next{try: t.Try, outcome: store.RunHandedBack}
		if first {
			n.events = []research.Event{research.Thinking(fmt.Sprintf("This task began with the model %s of %s, which this worker does not have. "+
				"It waits for a worker that has.", pin.Model, pin.Provider), map[string]any{"status": string(research.Queued),
				"provider": pin.Provider, "model": pin.Model, "promptVersion": pin.Prompt})}
		}
		pause := min(max(waited/2, minPauseWithout), maxPauseWithout)
		if served {
			pause = pauseWithWorker
		}
		n.delay = pause + rand.N(pause/4+1)
		return r.nextRun(ctx, t, n)
	})
	if err != nil {
		return err
	}
	log.InfoContext(ctx, "not claimed: this worker lacks the task's model", "provider", pin.Provider, "model", pin.Model, "prompt", pin.Prompt)
	return nil
}

// noWorkerHasModel returns the failure of a task whose model no live worker has.
func (r *Runner) noWorkerHasModel(pin research.Pin) *research.Failure {
	return &research.Failure{Code: research.CodeModelFailed, Message: fmt.Sprintf("The task began with the model %s of %s (prompts %s), and no worker "+
		"has had that for %s. Start a worker with LLM_PROVIDER=%s and LLM_MODEL=%s, or run the task again to begin with another model.",
		pin.Model, pin.Provider, pin.Prompt, r.cfg.PinWait, pin.Provider, pin.Model)}
}
