package deep

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/research"
	"legwork/internal/store/tree"
)

// ChildEnded tells a deep task that one of its children has ended, in the transaction that ends the child: it copies the
// terminal event, and returns to the pool what the child did not use. If no other child is open, it gives the deep task a
// job for its next run. Two children that end at the same time wait for each other at the lock of the parent's head, so
// exactly one of them does so. It returns the new events of the deep task.
func (t *Trees) ChildEnded(ctx context.Context, tx pgx.Tx, child research.Task, terminal research.Event) ([]research.Event, error) {
	parent := *child.ChildOf
	head, err := t.store.LockHead(ctx, tx, parent)
	if err != nil {
		return nil, err
	}
	events, err := t.rows.CopyToParent(ctx, tx, child.ID, []research.Event{terminal})
	if err != nil {
		return nil, err
	}
	if err := t.rows.Settle(ctx, tx, child.ID); err != nil {
		return nil, err
	}
	woken, err := t.wake(ctx, tx, parent, head.Epoch)
	return append(events, woken...), err
}

// Wake gives a deep task that waits for its children a job, if no child is open. The transaction must hold the lock of the
// task's head, whose epoch it gets.
func (t *Trees) wake(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int) ([]research.Event, error) {
	root, err := t.rows.LockRoot(ctx, tx, id)
	if err != nil || root.Open > 0 {
		return nil, err
	}
	priority, begun, err := t.rows.StopWaiting(ctx, tx, id, research.WaitingForChildren)
	if errors.Is(err, research.ErrFenced) { // the deep task has ended
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	events, err := t.store.Append(ctx, tx, id, epoch, []research.Event{research.Thinking(
		fmt.Sprintf("All %d sub-questions have ended; the research goes on with what they found.", root.Children),
		map[string]any{"status": string(research.Queued)})})
	if err != nil {
		return nil, err
	}
	job, err := t.insertJob(ctx, tx, id, epoch, priority, begun)
	if err != nil {
		return nil, err
	}
	return events, t.store.SetJob(ctx, tx, id, job)
}

// WakeIfDone does what the last child does when it ends. It is for a deep task whose last child was ended by a process of
// a version that knew no trees.
func (t *Trees) WakeIfDone(ctx context.Context, tx pgx.Tx, id uuid.UUID) ([]research.Event, error) {
	head, err := t.store.LockHead(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	return t.wake(ctx, tx, id, head.Epoch)
}

// GiveTurn gives a child that waits for its turn a job, if fewer children of its deep task are at work than may be.
func (t *Trees) GiveTurn(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	head, err := t.store.LockHead(ctx, tx, id)
	if err != nil {
		return err
	}
	child, err := t.store.TaskLocked(ctx, tx, id)
	if err != nil {
		return err
	}
	if child.ChildOf == nil {
		return research.ErrFenced
	}
	root, err := t.rows.LockRoot(ctx, tx, *child.ChildOf)
	if err != nil || root.AtWork >= t.cfg.AtOnce {
		return err
	}
	priority, begun, err := t.rows.StopWaiting(ctx, tx, id, research.WaitingForTurn)
	if err != nil {
		return err
	}
	job, err := t.insertJob(ctx, tx, id, head.Epoch, priority, begun)
	if err != nil {
		return err
	}
	return t.store.SetJob(ctx, tx, id, job)
}

// Due returns at most limit things to be done about trees.
func (t *Trees) Due(ctx context.Context, limit int) ([]tree.Due, error) {
	return t.rows.DueNodes(ctx, t.cfg.AtOnce, limit)
}
