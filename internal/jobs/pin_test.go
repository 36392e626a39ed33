//go:build failpoints

package jobs

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"legwork/internal/agent"
	"legwork/internal/agent/reader"
	"legwork/internal/research"
)

var (
	pinOne = research.Pin{Provider: "openai", Model: "one", Prompt: "ask/1"}
	pinTwo = research.Pin{Provider: "openai", Model: "two", Prompt: "ask/1"}
)

// begun submits a task, lets a worker with the pin pinOne begin it, and stops that worker.
func (p *process) begun() research.Task {
	p.t.Helper()
	began := make(chan struct{}, 1)
	r := p.work(func(ctx context.Context, _ agent.Env) (research.Result, error) {
		began <- struct{}{}
		<-ctx.Done()
		return research.Result{}, ctx.Err()
	}, func(c *RunnerConfig) { c.Pin = pinOne })
	task := p.submit("q")
	wait(p.t, "the first run", began)
	stopRunner(p.t, r)
	return task
}

func pinned(pin research.Pin, answer string) (Agent, func(*RunnerConfig)) {
	return func(context.Context, agent.Env) (research.Result, error) {
		return research.Result{Answer: answer, Metadata: map[string]any{}}, nil
	}, func(c *RunnerConfig) { c.Pin = pin }
}

// TestMissingModelRequeues checks that a worker that lacks a task's model queues the task again, without a further try and with
// one event in all, until a worker has the model.
func TestMissingModelRequeues(t *testing.T) {
	p := setup(t)
	task := p.begun()
	wrong := p.other()
	agentFunc, pin := pinned(pinTwo, "wrong")
	wrong.work(agentFunc, pin)
	p.eventually("requeued twice", func() bool {
		return p.count("SELECT run_epoch FROM task_heads WHERE task_id = $1", task.ID) >= 4
	})
	right := p.other()
	agentFunc, pin = pinned(pinOne, "right")
	right.work(agentFunc, pin)
	done := p.await(task.ID)
	if done.Answer == nil || *done.Answer != "right" || done.Try != 1 || done.Pin != pinOne {
		t.Fatalf("task = %+v", done)
	}
	announced := 0
	for _, f := range p.frames(task.ID) {
		if strings.Contains(f, "waits for a worker that has") {
			announced++
			if !strings.Contains(f, `"model":"one"`) || !strings.Contains(f, `"status":"queued"`) {
				t.Errorf("event = %s", f)
			}
		}
	}
	if announced != 1 {
		t.Errorf("%d events say that the task waits, want 1", announced)
	}
	if n := p.count("SELECT count(*) FROM tasks WHERE unserved_since IS NOT NULL"); n != 0 {
		t.Error("unserved_since is still set")
	}
}

// TestMissingModelWaitsForBusyWorker checks that a task waits, and does not fail, while a live worker has its model, although
// that worker is busy.
func TestMissingModelWaitsForBusyWorker(t *testing.T) {
	p := setup(t)
	right := p.other()
	busy, release := make(chan struct{}, 1), make(chan struct{})
	right.submit("takes the only slot")
	right.work(func(ctx context.Context, _ agent.Env) (research.Result, error) {
		select {
		case busy <- struct{}{}:
		default:
		}
		select {
		case <-release:
			return research.Result{Answer: "right", Metadata: map[string]any{}}, nil
		case <-ctx.Done():
			return research.Result{}, ctx.Err()
		}
	}, func(c *RunnerConfig) { c.Pin, c.Slots = pinOne, 1 })
	wait(t, "the only slot is taken", busy)
	task := p.begun()
	wrong := p.other()
	agentFunc, pin := pinned(pinTwo, "wrong")
	wrong.work(agentFunc, pin, func(c *RunnerConfig) { c.PinWait = time.Millisecond })
	p.eventually("requeued, or failed", func() bool {
		return p.count("SELECT run_epoch FROM task_heads WHERE task_id = $1", task.ID) >= 5 ||
			p.count("SELECT count(*) FROM tasks WHERE id = $1 AND status = 'failed'", task.ID) > 0
	})
	close(release)
	if done := p.await(task.ID); done.Status != research.Completed || *done.Answer != "right" || done.Try != 1 {
		t.Errorf("task = %+v", done)
	}
}

// TestMissingModelFails checks that a task fails when no worker has its model for PinWait, and that its error says what to
// configure.
func TestMissingModelFails(t *testing.T) {
	p := setup(t)
	task := p.begun()
	wrong := p.other()
	agentFunc, pin := pinned(pinTwo, "wrong")
	wrong.work(agentFunc, pin, func(c *RunnerConfig) { c.PinWait = 300 * time.Millisecond })
	done := p.await(task.ID)
	if done.Status != research.Failed || *done.ErrorCode != research.CodeModelFailed || done.Try != 1 {
		t.Fatalf("task = %+v", done)
	}
	for _, want := range []string{"LLM_PROVIDER=openai", "LLM_MODEL=one", "again"} {
		if !strings.Contains(*done.Error, want) {
			t.Errorf("error %q lacks %s", *done.Error, want)
		}
	}
}

// TestReaderPinnedAnywhere checks that every worker can run a task that is pinned to the built-in reader.
func TestReaderPinnedAnywhere(t *testing.T) {
	p := setup(t)
	agentFunc, _ := pinned(pinOne, "done")
	other, err := NewRunner(p.Service, RunnerConfig{Slots: 1, Agent: agentFunc, Log: p.log, Pin: pinOne})
	if err != nil {
		t.Fatal(err)
	}
	if !other.hasModel(research.Pin{Provider: reader.Provider, Prompt: "reader/0"}) || !other.hasModel(pinOne) || other.hasModel(pinTwo) {
		t.Error("hasModel is wrong")
	}
}

// TestFollowUpParents checks that only a completed task of the same account can have a follow-up.
func TestFollowUpParents(t *testing.T) {
	p := setup(t)
	open := p.submit("waits")
	agentFunc, pin := pinned(pinOne, "done")
	submit := func(account string, parent uuid.UUID) (research.Task, error) {
		return p.Submit(t.Context(), account, research.NewTask{Question: "more?", Priority: research.Normal, ParentID: &parent, Options: open.Options})
	}
	refused := func(what string, err error) {
		t.Helper()
		var v *research.ValidationError
		if !errors.As(err, &v) || v.Fields[0].Field != "parentTaskId" {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := submit(research.DefaultAccount, open.ID)
	refused("an open parent", err)
	p.work(agentFunc, pin)
	p.await(open.ID)
	if _, err := p.store.Pool().Exec(t.Context(), "INSERT INTO accounts (id) VALUES ('other')"); err != nil {
		t.Fatal(err)
	}
	_, err = submit("other", open.ID)
	refused("another account's parent", err)
	child, err := submit(research.DefaultAccount, open.ID)
	if err != nil {
		t.Fatal(err)
	}
	done := p.await(child.ID)
	if done.Context == nil || done.Context.Answer != "done" || len(done.Context.Questions) != 1 || done.Context.Questions[0] != "waits" {
		t.Errorf("context = %+v", done.Context)
	}
}
