package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/deep"
	"legwork/internal/research"
	"legwork/internal/store"
)

// ConfigureTrees sets the bounds of deep tasks. Call it before the first submission.
func (s *Service) ConfigureTrees(c deep.Config) { s.trees.Configure(c) }

// insertJob is the deep.InsertJob of the service.
func (s *Service) insertJob(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int, priority research.Priority, begun bool) (int64, error) {
	queue := s.queues.Of(id)
	if !begun {
		queue = s.queues.OfNew(id) // a process that keeps its submissions for itself keeps their children, too
	}
	job, err := s.river.InsertTx(ctx, tx, ResearchArgs{TaskID: id, Epoch: epoch}, researchOpts(queue, priority, 0, begun))
	if err != nil {
		return 0, fmt.Errorf("insert job: %w", err)
	}
	return job.Job.ID, nil
}

// wait ends a run that made a plan. Its task waits for the plan to be confirmed, or for its children.
func (r *Runner) wait(ctx context.Context, c *run, plan research.Plan) error {
	return r.transition(ctx, func(ctx context.Context, tx pgx.Tx) (change, error) {
		t, err := r.lockRun(ctx, tx, c.task.ID, c.epoch)
		if err != nil {
			return change{}, err
		}
		events, err := r.trees.Wait(ctx, tx, deep.Planned{Task: t.Task, Epoch: c.epoch, Plan: plan, ServerTokens: r.cfg.Cost.MaxTokens, Price: r.cfg.Cost.Price})
		if err != nil {
			return change{}, err
		}
		return change{events: events}, r.endJob(ctx, t, c.job)
	})
}

// ConfirmPlan begins the children of a deep task whose plan waits to be confirmed, and returns the task. changed replaces
// the sub-questions of the plan; nil keeps them. For a task that does not wait for its plan it returns
// research.ErrConflict.
func (s *Service) ConfirmPlan(ctx context.Context, account string, id uuid.UUID, changed []research.Subquestion) (research.Task, error) {
	err := s.transition(ctx, func(ctx context.Context, tx pgx.Tx) (change, error) {
		head, err := s.store.LockHead(ctx, tx, id)
		if err != nil {
			return change{}, err
		}
		task, err := s.store.For(account).TaskInTx(ctx, tx, id)
		if err != nil {
			return change{}, err
		}
		events, err := s.trees.Confirm(ctx, tx, task, head.Epoch, changed)
		return change{events: events}, err
	})
	if err != nil {
		return research.Task{}, fmt.Errorf("confirm plan: %w", err)
	}
	return s.store.For(account).Task(ctx, id)
}

// Tree returns a deep task of an account and its children, and none if the task has no plan.
func (s *Service) Tree(ctx context.Context, account string, id uuid.UUID) ([]research.TreeNode, error) {
	return s.trees.Rows().Tree(ctx, &account, id)
}

// errChildrenBegan rolls a cancel back because the task got children before its head was locked.
var errChildrenBegan = errors.New("the task has got children")

// lockTree locks the heads of the open children of a task of an account, and then its own head.
func (s *Service) lockTree(ctx context.Context, tx pgx.Tx, account string, id uuid.UUID) (head store.Head, task research.Task, children []lockedTask, err error) {
	if task, err = s.store.For(account).TaskInTx(ctx, tx, id); err != nil {
		return head, task, nil, err
	}
	if task.WaitingFor == research.WaitingForChildren {
		ids, err := s.trees.Rows().OpenChildren(ctx, tx, id)
		if err != nil {
			return head, task, nil, err
		}
		for _, child := range ids {
			t, err := s.lock(ctx, tx, child)
			if err != nil && !errors.Is(err, research.ErrNotFound) {
				return head, task, nil, err
			}
			if err == nil && !t.Status.Terminal() {
				children = append(children, t)
			}
		}
	}
	if head, err = s.store.LockHead(ctx, tx, id); err != nil {
		return head, task, nil, err
	}
	if task, err = s.store.For(account).TaskInTx(ctx, tx, id); err != nil || task.WaitingFor != research.WaitingForChildren {
		return head, task, nil, err
	}
	open, err := s.trees.Rows().OpenChildren(ctx, tx, id)
	if err == nil && len(open) != len(children) {
		err = errChildrenBegan
	}
	return head, task, children, err
}

// cancelChildren ends the children of a task that the same transaction has ended.
func (s *Service) cancelChildren(ctx context.Context, children []lockedTask, deleting bool) (done []change, err error) {
	for _, t := range children {
		o := failed(research.Cancelled, &research.Failure{Code: research.CodeCancelled, Message: "The deep task was cancelled."}, nil)
		o.deleting = deleting
		c, err := s.endTask(ctx, t, o)
		if err != nil {
			return nil, err
		}
		done = append(done, c)
	}
	return done, nil
}

// maxDue bounds what one pass does about trees.
const maxDue = 100

// tendTrees gives children their turns, and ends what deep tasks have waited for too long.
func (r *Runner) tendTrees(ctx context.Context) error {
	due, err := r.trees.Due(ctx, maxDue)
	if err != nil {
		return err
	}
	var errs []error
	for _, d := range due {
		switch d.What {
		case "turn":
			err = r.store.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error { return r.trees.GiveTurn(ctx, tx, d.ID) })
		case "children":
			err = r.transition(ctx, func(ctx context.Context, tx pgx.Tx) (change, error) {
				events, err := r.trees.WakeIfDone(ctx, tx, d.ID)
				return change{events: events}, err
			})
		default:
			err = r.endLate(ctx, d.ID)
		}
		if err != nil && !errors.Is(err, research.ErrFenced) && !errors.Is(err, research.ErrNotFound) {
			errs = append(errs, fmt.Errorf("task %s: %w", d.ID, err))
		}
	}
	return errors.Join(errs...)
}

// endLate fails a child that did not end in time, or a deep task whose plan was not confirmed in time.
func (r *Runner) endLate(ctx context.Context, id uuid.UUID) error {
	return r.transition(ctx, func(ctx context.Context, tx pgx.Tx) (change, error) {
		t, err := r.lock(ctx, tx, id)
		if err != nil {
			return change{}, err
		}
		failure := r.trees.Late(t.Task)
		if failure == nil {
			return change{}, research.ErrFenced
		}
		return r.endTask(ctx, t, failed(research.Failed, failure, nil))
	})
}

// collect takes over the evidence of a deep task's children, if no earlier run has done so, and reports whether it did.
// It also bounds the task's options by the share that the task keeps for itself.
func (r *Runner) collect(ctx context.Context, task *research.Task, c claimed, tree deep.State, known []research.Inherited, journal []research.Step) (bool, error) {
	last := 0
	for _, e := range known {
		last = max(last, e.Number)
	}
	events, err := r.trees.Collect(ctx, *task, c.epoch, c.try, last, tree, journal)
	if err != nil || len(events) > 0 {
		r.publish(ctx, events)
		return true, err
	}
	task.Options.TimeBudget = time.Duration(max(1, tree.Own.Seconds)) * time.Second
	if tree.Own.Tokens != nil {
		task.Options.MaxTokens = max(1, *tree.Own.Tokens)
	}
	return false, nil
}
