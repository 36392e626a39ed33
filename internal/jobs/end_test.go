//go:build failpoints

package jobs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/agent"
	"legwork/internal/research"
)

// endings collects the calls of the hooks of a process.
type endings struct {
	mu            sync.Mutex
	inTx, after   []Ended
	failFor       map[uuid.UUID]error // the hook in the transaction returns these errors, by task
	ended         chan struct{}       // receives one value for each end that was committed
	afterWasFirst bool                // an after-commit hook ran before the hook in the transaction
}

func watchEnds(p *process) *endings {
	w := &endings{failFor: map[uuid.UUID]error{}, ended: make(chan struct{}, 10)}
	p.OnEndInTx(func(ctx context.Context, tx pgx.Tx, e Ended) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.inTx = append(w.inTx, e)
		if err := w.failFor[e.Task.ID]; err != nil {
			return err
		}
		var status string // the status that this transaction reads, which must be the final one already
		if err := tx.QueryRow(ctx, "SELECT status FROM tasks WHERE id = $1", e.Task.ID).Scan(&status); err != nil || status != string(e.Task.Status) {
			return errors.Join(err, errors.New("the hook does not see the end: "+status))
		}
		return nil
	})
	p.OnEnd(func(_ context.Context, e Ended) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !slices.ContainsFunc(w.inTx, func(b Ended) bool { return b.Task.ID == e.Task.ID }) {
			w.afterWasFirst = true
		}
		w.after = append(w.after, e)
		w.ended <- struct{}{}
	})
	return w
}

// of returns the calls of both kinds of hooks for one task.
func (w *endings) of(id uuid.UUID) (inTx, after []Ended) {
	w.mu.Lock()
	defer w.mu.Unlock()
	keep := func(all []Ended) (out []Ended) {
		for _, e := range all {
			if e.Task.ID == id {
				out = append(out, e)
			}
		}
		return out
	}
	return keep(w.inTx), keep(w.after)
}

// TestHooksRunForEveryEnd ends tasks in every possible way. Each hook must run once, with the ended task and its terminal event.
func TestHooksRunForEveryEnd(t *testing.T) {
	answer := func(context.Context, agent.Env) (research.Result, error) {
		return research.Result{Answer: "42", Confidence: 0.5, Metadata: map[string]any{"k": "v"}}, nil
	}
	transient := func(context.Context, agent.Env) (research.Result, error) {
		return research.Result{}, &research.Failure{Code: research.CodeModelFailed, Message: "away", Transient: true}
	}
	for name, c := range map[string]struct {
		agentFunc Agent
		act       func(p *process, id uuid.UUID) error
		status    research.Status
		code      string
		deleting  bool
	}{
		"completed": {agentFunc: answer, status: research.Completed},
		"failed": {agentFunc: func(context.Context, agent.Env) (research.Result, error) {
			return research.Result{}, &research.Failure{Code: research.CodeNoSources, Message: "none"}
		}, status: research.Failed, code: research.CodeNoSources},
		"tries used up": {agentFunc: transient, status: research.Failed, code: research.CodeModelFailed},
		"panic":         {agentFunc: func(context.Context, agent.Env) (research.Result, error) { panic("no") }, status: research.Failed, code: research.CodeInternal},
		"cancelled": {act: func(p *process, id uuid.UUID) error {
			_, err := p.Cancel(p.t.Context(), research.DefaultAccount, id, "enough")
			return err
		}, status: research.Cancelled, code: research.CodeCancelled},
		"deleted": {act: func(p *process, id uuid.UUID) error {
			return p.Delete(p.t.Context(), research.DefaultAccount, id, "")
		}, status: research.Cancelled, code: research.CodeCancelled, deleting: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := setup(t)
			w := watchEnds(p)
			task := p.submit("q")
			if c.agentFunc != nil {
				p.work(c.agentFunc)
			} else if err := c.act(p, task.ID); err != nil {
				t.Fatal(err)
			}
			wait(t, "the end", w.ended)
			inTx, after := w.of(task.ID)
			if len(inTx) != 1 || len(after) != 1 || w.afterWasFirst {
				t.Fatalf("hooks ran %d times in the transaction and %d times after it (before it: %v), want once each", len(inTx), len(after), w.afterWasFirst)
			}
			for _, e := range []Ended{inTx[0], after[0]} {
				code := ""
				if e.Task.ErrorCode != nil {
					code = *e.Task.ErrorCode
				}
				if e.Task.Status != c.status || code != c.code || e.Deleting != c.deleting || e.Task.CompletedAt == nil {
					t.Errorf("told of %s %q, deleting %v", e.Task.Status, code, e.Deleting)
				}
				if !e.Event.Terminal || e.Event.Seq != e.Task.LastSeq || e.Event.TaskID != task.ID || e.Event.Time.IsZero() {
					t.Errorf("told of the event %+v", e.Event)
				}
			}
			if c.deleting {
				return
			}
			// The hooks got the values that are stored.
			stored, err := p.store.For(research.DefaultAccount).Task(t.Context(), task.ID)
			if err != nil || stored.LastSeq != after[0].Task.LastSeq || !stored.CompletedAt.Equal(*after[0].Task.CompletedAt) {
				t.Errorf("stored: seq %d, completed %v; hooks were told seq %d, completed %v (%v)", stored.LastSeq, stored.CompletedAt,
					after[0].Task.LastSeq, after[0].Task.CompletedAt, err)
			}
		})
	}
}

// TestFailingHookRollsTheEndBack cancels a task while a hook in the transaction that ends it fails. The whole
// transaction must be rolled back, so that the task, its epoch and its jobs are as before, and no after-commit hook
// may run.
func TestFailingHookRollsTheEndBack(t *testing.T) {
	p := setup(t)
	w := watchEnds(p)
	task := p.submit("q")
	w.failFor[task.ID] = errors.New("the hook's table is locked")
	if _, err := p.Cancel(t.Context(), research.DefaultAccount, task.ID, ""); err == nil || !strings.Contains(err.Error(), "table is locked") {
		t.Fatalf("cancel: %v, want the hook's error", err)
	}
	got, err := p.store.For(research.DefaultAccount).Task(t.Context(), task.ID)
	if err != nil || got.Status.Terminal() || got.LastSeq != task.LastSeq {
		t.Errorf("after the rollback: %s, seq %d (%v)", got.Status, got.LastSeq, err)
	}
	epochs, err := p.store.Epochs(t.Context(), []uuid.UUID{task.ID})
	if err != nil || epochs[task.ID] != 1 {
		t.Errorf("after the rollback: epochs %v (%v)", epochs, err)
	}
	var jobs int
	if err := p.store.Pool().QueryRow(t.Context(), "SELECT count(*) FROM river_job WHERE kind = 'artifacts' OR state = 'cancelled'").Scan(&jobs); err != nil || jobs != 0 {
		t.Errorf("after the rollback: %d jobs for files or cancelled (%v)", jobs, err)
	}
	if _, after := w.of(task.ID); len(after) != 0 {
		t.Error("a hook ran after a rollback")
	}
	delete(w.failFor, task.ID)
	if _, err := p.Cancel(t.Context(), research.DefaultAccount, task.ID, ""); err != nil {
		t.Fatal(err)
	}
	if _, after := w.of(task.ID); len(after) != 1 {
		t.Errorf("%d hooks ran after the commit", len(after))
	}
}
