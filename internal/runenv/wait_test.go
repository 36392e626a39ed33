package runenv_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/runenv"
	"legwork/internal/store"
)

// claimed is a task that a worker has claimed, with what its run needs.
type claimed struct {
	store.Worker
	t     *testing.T
	cfg   runenv.Config
	world *store.Store
}

func claim(t *testing.T) *claimed {
	t.Helper()
	st := dbtest.New(t)
	c := &claimed{Worker: st.Worker(), t: t, world: st}
	id := uuid.Must(uuid.NewV7())
	err := st.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		in := research.NewTask{Question: "q", Priority: research.Normal, Options: research.Options{MaxDepth: 3, MaxPages: 20, TimeBudget: time.Minute,
			SearchEngine: research.Library, MaxResults: 10}}
		task, _, err := st.For(research.DefaultAccount).CreateTask(ctx, tx, id, in, 1, dbtest.FirstEvent)
		if err != nil {
			return err
		}
		_, _, _, err = c.Claim(ctx, tx, id, 1, uuid.New(), research.Pin{Provider: "reader"}, store.Grant{}, nil)
		c.cfg = runenv.Config{Store: c.Worker, Task: task, Epoch: 1, Try: 1, Pages: page.NewFetcher(page.Config{}, nil)}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.end(nil) })
	return c
}

// end ends the task, if it is open.
func (c *claimed) end(f *research.Failure) {
	if f == nil {
		f = &research.Failure{Code: research.CodeCancelled, Message: "over"}
	}
	_ = c.world.InTx(context.WithoutCancel(c.t.Context()), func(ctx context.Context, tx pgx.Tx) error {
		_, err := dbtest.EndTask(ctx, c.world, tx, c.cfg.Task.ID, 1, research.Result{}, f)
		return err
	})
}

// written returns the numbers of steps and events in the database.
func (c *claimed) written() (steps, events int) {
	c.t.Helper()
	err := c.Pool().QueryRow(c.t.Context(), "SELECT (SELECT count(*) FROM steps), (SELECT count(*) FROM task_events)").Scan(&steps, &events)
	if err != nil {
		c.t.Fatal(err)
	}
	return steps, events
}

func step(turn int) research.Step {
	return research.Step{Turn: turn, CallNo: 1, Kind: research.ToolStep, Tool: "find_in_page", Result: []byte("{}"), Success: true,
		Events: []research.Event{research.ToolResult("find_in_page", nil, true, nil)}}
}

// TestStepIsWrittenWithTheNextEvents: a step waits until the next events are appended. One transaction then has both, in their
// order, and no request of the agent can come before it.
func TestStepIsWrittenWithTheNextEvents(t *testing.T) {
	t.Parallel()
	c := claim(t)
	c.cfg.Wait = time.Hour
	run := runenv.Open(t.Context(), c.cfg)
	defer run.Close()
	env := run.Env()
	for turn := 1; turn <= 3; turn++ {
		if err := env.Emit(t.Context(), research.ToolCall("find_in_page", nil, nil)); err != nil {
			t.Fatal(err)
		}
		if steps, events := c.written(); steps != turn-1 || events != 2*turn {
			t.Errorf("after the call %d there are %d steps and %d events, want %d and %d", turn, steps, events, turn-1, 2*turn)
		}
		if _, err := env.Record(t.Context(), step(turn)); err != nil {
			t.Fatal(err)
		}
		if steps, _ := c.written(); steps != turn-1 {
			t.Errorf("step %d did not wait", turn)
		}
	}
	if err := run.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	events, err := c.Events(t.Context(), c.cfg.Task.ID, 1, 100)
	if err != nil || len(events) != 6 {
		t.Fatalf("%d events: %v", len(events), err)
	}
	for i, e := range events {
		if want := []research.EventType{research.EventToolCall, research.EventToolResult}[i%2]; e.Type != want || e.Seq != int64(i+2) {
			t.Errorf("event %d is %s with seq %d, want %s", i, e.Type, e.Seq, want)
		}
	}
}

// TestWaitingStepIsWrittenSoon: a step that no event follows is written after Wait.
func TestWaitingStepIsWrittenSoon(t *testing.T) {
	t.Parallel()
	c := claim(t)
	c.cfg.Wait = time.Millisecond
	published := make(chan []research.Event, 1)
	c.cfg.Publish = func(_ context.Context, events []research.Event) { published <- events }
	run := runenv.Open(t.Context(), c.cfg)
	defer run.Close()
	if _, err := run.Env().Record(t.Context(), step(1)); err != nil {
		t.Fatal(err)
	}
	if events := <-published; len(events) != 1 || events[0].Seq != 2 {
		t.Errorf("published %+v", events)
	}
	if steps, events := c.written(); steps != 1 || events != 2 {
		t.Errorf("%d steps and %d events", steps, events)
	}
}

// TestWaitingStepIsFenced: when the task has ended, the error of a step that waited comes with the next write.
func TestWaitingStepIsFenced(t *testing.T) {
	t.Parallel()
	c := claim(t)
	c.cfg.Wait = time.Hour
	run := runenv.Open(t.Context(), c.cfg)
	defer run.Close()
	env := run.Env()
	if _, err := env.Record(t.Context(), step(1)); err != nil {
		t.Fatal(err)
	}
	c.end(nil)
	if err := env.Emit(t.Context(), research.ToolCall("find_in_page", nil, nil)); !errors.Is(err, research.ErrFenced) {
		t.Errorf("emit after the end: %v", err)
	}
	if steps, events := c.written(); steps != 0 || events != 2 {
		t.Errorf("%d steps and %d events were written, want none and the first and last event", steps, events)
	}
}

// TestStepWithPageIsWrittenAtOnce: later calls of the agent read what was stored with it.
func TestStepWithPageIsWrittenAtOnce(t *testing.T) {
	t.Parallel()
	c := claim(t)
	c.cfg.Wait = time.Hour
	run := runenv.Open(t.Context(), c.cfg)
	defer run.Close()
	s := step(1)
	s.Visit = &research.Visit{ID: uuid.New(), URL: "http://a.example/", FinalURL: "http://a.example/", Outcome: research.OutcomeHTTPError, Status: 404, Message: "There is no such page."}
	if _, err := run.Env().Record(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if steps, _ := c.written(); steps != 1 {
		t.Error("a step with a visit waits")
	}
}

// TestStepOfModelIsWrittenAtOnce: a crash never loses the answer of a model that was paid for.
func TestStepOfModelIsWrittenAtOnce(t *testing.T) {
	t.Parallel()
	c := claim(t)
	c.cfg.Wait = time.Hour
	run := runenv.Open(t.Context(), c.cfg)
	defer run.Close()
	s := step(1)
	s.Kind, s.Tool, s.CallNo = research.ModelStep, "", 0
	if _, err := run.Env().Record(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if steps, _ := c.written(); steps != 1 {
		t.Error("a step of a model waits")
	}
}
