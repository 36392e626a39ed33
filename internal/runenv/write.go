package runenv

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/failpoint"
	"legwork/internal/research"
	"legwork/internal/store"
)

// emit appends events and then waits until the lease is valid. After emit the agent may make its next request.
func (r *Run) emit(ctx context.Context, events ...research.Event) error {
	err := r.commit(ctx, len(events), r.copied(ctx, func(ctx context.Context, tx pgx.Tx) ([]research.Event, error) {
		return r.cfg.Store.Append(ctx, tx, r.cfg.Task.ID, r.cfg.Epoch, events)
	}))
	if err != nil {
		return err
	}
	failpoint.Hit(ctx, "before_effect")
	if r.cfg.AwaitLease == nil {
		return nil
	}
	return r.cfg.AwaitLease(ctx)
}

// record writes a step to the journal, with its events, visits and evidence, in one transaction.
func (r *Run) record(ctx context.Context, step research.Step) ([]research.Evidence, error) {
	step.Try = r.cfg.Try
	r.keepLinks(step.Visit)
	var citations []research.Evidence
	failpoint.Hit(ctx, "before_step_commit")
	err := r.commit(ctx, len(step.Events), r.copied(ctx, func(ctx context.Context, tx pgx.Tx) ([]research.Event, error) {
		events, stored, err := r.cfg.Store.RecordStep(ctx, tx, r.cfg.Task.ID, r.cfg.Epoch, step)
		if stored != nil { // stored is set even if the answer to COMMIT is lost
			citations = stored
		}
		return events, err
	}))
	failpoint.Hit(ctx, "after_step_commit")
	if err == nil {
		r.count(step)
	}
	return citations, err
}

// copied returns the transaction that write is. For a child of a deep task the transaction also copies the events to the
// log of the deep task, and publishes the copies after its commit.
func (r *Run) copied(ctx context.Context, write func(ctx context.Context, tx pgx.Tx) ([]research.Event, error)) func() ([]research.Event, error) {
	if r.cfg.Task.ChildOf == nil || r.cfg.Trees == nil {
		return func() ([]research.Event, error) { return write(ctx, nil) }
	}
	return func() (events []research.Event, err error) {
		var copies []research.Event
		err = r.cfg.Store.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
			if events, err = write(ctx, tx); err == nil {
				copies, err = r.cfg.Trees.CopyToParent(ctx, tx, r.cfg.Task.ID, events)
			}
			return err
		})
		if err == nil && r.cfg.Publish != nil && len(copies) > 0 {
			r.cfg.Publish(ctx, copies)
		}
		return events, err
	}
}

// commit runs a transaction that appends n events, and then publishes the events. While the database is unavailable, it
// tries again. If the answer to COMMIT was lost, it first looks at the log. Only this run appends events at this epoch,
// so if the log has n more events, the transaction was committed, and commit reads the events from the log.
func (r *Run) commit(ctx context.Context, n int, transaction func() ([]research.Event, error)) error {
	var events []research.Event
	tried := false
	err := store.UntilAvailable(ctx, func() (err error) {
		if tried && n > 0 {
			done, err := r.committed(ctx, n)
			if err == nil && done {
				events, err = r.cfg.Store.Events(ctx, r.cfg.Task.ID, r.lastSeq, n)
			}
			if done || err != nil {
				return err
			}
		}
		tried = true
		events, err = transaction()
		return err
	})
	if err != nil {
		if ctx.Err() != nil && !errors.Is(err, research.ErrFenced) {
			return context.Cause(ctx)
		}
		return err
	}
	r.lastSeq += int64(n)
	if r.cfg.Publish != nil {
		r.cfg.Publish(ctx, events)
	}
	return nil
}

// committed reports whether a transaction that returned an error has nevertheless appended its n events.
func (r *Run) committed(ctx context.Context, n int) (bool, error) {
	id := []uuid.UUID{r.cfg.Task.ID}
	epochs, err := r.cfg.Store.Epochs(ctx, id)
	if err != nil {
		return false, err
	}
	if epochs[r.cfg.Task.ID] != r.cfg.Epoch {
		return false, research.ErrFenced
	}
	states, err := r.cfg.Store.LogStates(ctx, id)
	return err == nil && states[r.cfg.Task.ID].LastSeq == r.lastSeq+int64(n), err
}
