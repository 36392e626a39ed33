package deep

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/research"
	"legwork/internal/store"
)

// Planned is a plan that a run of a deep task has made.
type Planned struct {
	Task         research.Task // the deep task, as it is stored; the transaction has locked its head
	Epoch        int           // epoch of the run that made the plan
	Plan         research.Plan
	ServerTokens int64 // limit on the tokens of a task that sets none; 0 means no limit
	Price        int64 // microdollars for a million tokens; 0 means that the model has no price
}

// Wait ends the run that made a plan. The task then waits for its user to confirm the plan, or for its children, which
// Wait inserts with their jobs. It returns the events of the task. The caller must end the River job of the run.
func (t *Trees) Wait(ctx context.Context, tx pgx.Tx, p Planned) ([]research.Event, error) {
	id := p.Task.ID
	whole, own := t.cfg.pool(p.Task.Options, p.ServerTokens, p.Price)
	if err := t.rows.AddRoot(ctx, tx, id, whole, own); err != nil {
		return nil, err
	}
	root, err := t.rows.LockRoot(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	if p.Plan.Subquestions = t.cfg.shareOut(root.Left, p.Plan.Subquestions, p.Plan.Round, root.LastNumber); len(p.Plan.Subquestions) == 0 {
		return nil, &research.Failure{Code: research.CodeInternal, Message: "The budget of the task is too small for a plan; give it more pages, time or tokens."}
	}
	waitFor, wait := research.WaitingForChildren, t.cfg.ChildrenWait
	if p.Task.Options.ConfirmPlan && p.Plan.Round == 1 {
		waitFor, wait = research.WaitingForPlan, t.cfg.PlanWait
	}
	_, events, err := t.store.Requeue(ctx, tx, id, p.Epoch, p.Task.Try, 0, store.RunWaiting, []research.Event{planEvent(p.Plan, waitFor)})
	if err != nil {
		return nil, err
	}
	if err := t.rows.Wait(ctx, tx, id, waitFor); err != nil {
		return nil, err
	}
	if err := t.rows.SavePlan(ctx, tx, id, p.Plan, wait); err != nil {
		return nil, err
	}
	if waitFor == research.WaitingForPlan {
		return events, nil
	}
	return events, t.addChildren(ctx, tx, p.Task, p.Plan, 0)
}

// Confirm begins the children of a plan that waits to be confirmed. changed are the sub-questions that replace those of
// the plan; nil keeps them. It returns research.ErrConflict when the task does not wait for its plan. The transaction must
// hold the lock of the task's head, whose epoch it gets.
func (t *Trees) Confirm(ctx context.Context, tx pgx.Tx, task research.Task, epoch int, changed []research.Subquestion) ([]research.Event, error) {
	if err := t.rows.PlanConfirmed(ctx, tx, task.ID); err != nil {
		return nil, err
	}
	root, err := t.rows.LockRoot(ctx, tx, task.ID)
	if err != nil {
		return nil, err
	}
	plan := *root.Plan
	if changed != nil {
		plan.Subquestions = changed
	}
	asked := len(plan.Subquestions)
	if plan.Subquestions = t.cfg.shareOut(root.Left, plan.Subquestions, plan.Round, root.LastNumber); len(plan.Subquestions) < asked {
		var v research.ValidationError
		v.Add("subquestions", "the budget of the task is enough for %d sub-questions, not for %d", len(plan.Subquestions), asked)
		return nil, v.Err()
	}
	events, err := t.store.Append(ctx, tx, task.ID, epoch, []research.Event{planEvent(plan, research.WaitingForChildren)})
	if err != nil {
		return nil, err
	}
	if err := t.rows.SavePlan(ctx, tx, task.ID, plan, t.cfg.ChildrenWait); err != nil {
		return nil, err
	}
	return events, t.addChildren(ctx, tx, task, plan, root.AtWork)
}

// planEvent shows a plan, and what the task waits for.
func planEvent(plan research.Plan, waitFor research.Waiting) research.Event {
	var b strings.Builder
	switch {
	case waitFor == research.WaitingForPlan:
		fmt.Fprintf(&b, "The question is divided into %d sub-questions. The plan waits to be confirmed:", len(plan.Subquestions))
	case plan.Round > 1:
		fmt.Fprintf(&b, "%d more sub-questions are researched, for what is missing or contradictory:", len(plan.Subquestions))
	default:
		fmt.Fprintf(&b, "The question is divided into %d sub-questions, which are researched now:", len(plan.Subquestions))
	}
	for _, s := range plan.Subquestions {
		fmt.Fprintf(&b, "\n%d. %s", s.Number, s.Question)
	}
	return research.Thinking(b.String(), map[string]any{"status": string(research.Queued), "waitingFor": string(waitFor), "plan": plan})
}

// addChildren inserts the children of a plan. Those that are too many at once wait for their turn. atWork is the number
// of children that are at work already.
func (t *Trees) addChildren(ctx context.Context, tx pgx.Tx, parent research.Task, plan research.Plan, atWork int) error {
	for i, sub := range plan.Subquestions {
		given, err := t.rows.Give(ctx, tx, parent.ID, sub.Share)
		if err != nil {
			return err
		}
		sub.Share = given
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("make task id: %w", err)
		}
		turn := atWork+i < t.cfg.AtOnce
		var job int64
		if turn {
			if job, err = t.insertJob(ctx, tx, id, 1, parent.Priority, false); err != nil {
				return err
			}
		}
		text := fmt.Sprintf("This is sub-question %d of a deep task.", sub.Number)
		first := research.Thinking(text, map[string]any{"status": string(research.Queued), "childOf": parent.ID, "number": sub.Number})
		_, _, err = t.store.For(parent.AccountID).CreateTask(ctx, tx, id, newChild(parent, sub), job, func(research.Status) research.Event { return first })
		if err != nil {
			return err
		}
		if err := t.rows.AddChild(ctx, tx, parent.ID, id, plan.Round, sub); err != nil {
			return err
		}
		if !turn {
			if err := t.rows.Wait(ctx, tx, id, research.WaitingForTurn); err != nil {
				return err
			}
		}
	}
	return nil
}

// newChild returns the submission of a child. It has the rules of its parent about which pages may be opened.
func newChild(parent research.Task, sub research.Subquestion) research.NewTask {
	o := parent.Options
	o.Effort, o.Format, o.Length, o.OutputSchema, o.ConfirmPlan, o.Metadata = research.Standard, research.FormatAnswer, 0, nil, false, nil
	o.MaxPages = int(max(1, sub.Share.Pages))
	o.TimeBudget = time.Duration(max(1, sub.Share.Seconds)) * time.Second
	if sub.Share.Tokens != nil {
		o.MaxTokens = max(1, *sub.Share.Tokens)
	}
	return research.NewTask{Question: sub.Question, Options: o, Priority: parent.Priority, By: parent.By, From: parent.From}
}
