//go:build failpoints

package jobs

import (
	"fmt"
	"testing"
	"time"

	"legwork/internal/research"
)

func working(c *RunnerConfig) { c.Slots = 1 }

// TestAloneTasksAreLeftAlone lets a process work for itself while another works for everybody, each with tasks that wait. Neither
// may run a task of the other, and their jobs must not be exchanged.
func TestAloneTasksAreLeftAlone(t *testing.T) {
	p := setup(t)
	asker, everybody := p.other(), p.other()
	own, shared := newGate(), newGate()
	asker.work(own.run, working, func(c *RunnerConfig) { c.Alone = true })
	everybody.work(shared.run, working)
	for i := range 3 {
		asker.submitAs(research.DefaultAccount, research.Normal, fmt.Sprint("own ", i))
		everybody.submitAs(research.DefaultAccount, research.Low, fmt.Sprint("shared ", i))
	}
	for i := range 3 {
		if got, want := own.next(t), fmt.Sprint("own ", i); got != want {
			t.Errorf("the asker runs %q, want %q", got, want)
		}
		if got, want := shared.next(t), fmt.Sprint("shared ", i); got != want {
			t.Errorf("the other runs %q, want %q", got, want)
		}
		own.end <- struct{}{}
		shared.end <- struct{}{}
	}
	p.eventually("all have ended", func() bool { return p.count("SELECT count(*) FROM tasks WHERE status = 'completed'") == 6 })
}

// TestTasksOfADeadAsker submits a task in a process that works for itself and dies before it begins. Another worker must take it
// after a lease.
func TestTasksOfADeadAsker(t *testing.T) {
	p := setup(t)
	asker := p.other()
	if _, err := NewRunner(asker.Service, RunnerConfig{Slots: 1, TaskTimeout: waitLimit, Alone: true, Log: p.log}); err != nil { // never started, so it has no heartbeat
		t.Fatal(err)
	}
	task := asker.submit("q")
	w := p.withLease(time.Second)
	w.work((&script{}).run)
	if done := w.await(task.ID); done.Status != research.Completed {
		t.Errorf("ended %s", done.Status)
	}
}

// TestHandedBackForEverybody stops a process that works for itself in the middle of its task. Another worker must be able to
// take it at once.
func TestHandedBackForEverybody(t *testing.T) {
	p := setup(t)
	asker := p.other()
	own := newGate()
	r := asker.work(own.run, working, func(c *RunnerConfig) { c.Alone = true })
	task := asker.submit("q")
	own.next(t)
	stopRunner(t, r)
	if n := p.count("SELECT count(*) FROM river_job j JOIN task_heads h ON h.job_id = j.id WHERE j.queue = 'research' AND h.task_id = $1", task.ID); n != 1 {
		t.Errorf("%d jobs for everybody", n)
	}
	p.other().work((&script{}).run)
	if done := p.await(task.ID); done.Status != research.Completed {
		t.Errorf("ended %s", done.Status)
	}
}

// TestLateTasksAreNotStarved submits two tasks of low priority, one of them long ago, before a stream of tasks of high priority.
// The late one must start after at most three of them, and the other one after all.
func TestLateTasksAreNotStarved(t *testing.T) {
	p := setup(t)
	late := p.submitAs(research.DefaultAccount, research.Low, "late")
	p.submitAs(research.DefaultAccount, research.Low, "low")
	for i := range 12 {
		p.submitAs(research.DefaultAccount, research.High, fmt.Sprint("high ", i))
	}
	if _, err := p.store.Pool().Exec(t.Context(), "UPDATE tasks SET created_at = created_at - interval '11 minutes' WHERE id = $1", late.ID); err != nil {
		t.Fatal(err)
	}
	g := newGate()
	p.work(g.run, working)
	var order []string
	for range 14 {
		order = append(order, g.next(t))
		g.end <- struct{}{}
	}
	at := map[string]int{}
	for i, q := range order {
		at[q] = i
	}
	if at["late"] > 3 || at["low"] != 13 || at["high 0"] > 1 {
		t.Errorf("they began in the order %q", order)
	}
	p.eventually("all have ended", func() bool { return p.count("SELECT count(*) FROM tasks WHERE status = 'completed'") == 14 })
}
