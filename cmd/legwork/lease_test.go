package main

import (
	"context"
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"

	"legwork/api"
	"legwork/internal/dbtest"
	"legwork/internal/testsite"
)

// moment is how long a test waits to be sure that something does not happen. It would happen in a fraction of that
// time.
const moment = 300 * time.Millisecond

// stopHeartbeats prevents the workers from renewing their leases until renew is called. It returns when the leases
// are older than ttl.
func (w *world) stopHeartbeats(ttl time.Duration) (renew func()) {
	w.t.Helper()
	st := dbtest.Open(w.t, w.url)
	tx, err := st.Pool().Begin(w.ctx())
	if err == nil {
		_, err = tx.Exec(w.ctx(), "LOCK TABLE workers IN SHARE MODE")
	}
	if err != nil {
		w.t.Fatal(err)
	}
	eventually(w.t, "the leases are too old", func() (old bool) {
		err := st.Pool().QueryRow(w.ctx(), "SELECT clock_timestamp() - max(heartbeat_at) > make_interval(secs => $1) FROM workers", ttl.Seconds()).Scan(&old)
		return err == nil && old
	})
	return func() { _ = tx.Rollback(context.Background()) }
}

// awaitEvents waits until a task has at least n events of a type.
func (w *world) awaitEvents(id, kind string, n int) {
	w.t.Helper()
	st := dbtest.Open(w.t, w.url)
	eventually(w.t, kind, func() bool {
		var have int
		err := st.Pool().QueryRow(w.ctx(), "SELECT count(*) FROM task_events WHERE task_id = $1 AND type = $2", id, kind).Scan(&have)
		return err == nil && have >= n
	})
}

// TestNoLoadAndNoCallOnAnOldLease checks that a worker whose lease has expired loads no page and calls no model, and
// that it continues after it has renewed the lease.
func TestNoLoadAndNoCallOnAnOldLease(t *testing.T) {
	const page, ttl = "/manual/settings-network.html", time.Second
	w := newWorld(t)
	play, asked, reply := manualReader(w.site), make(chan time.Time, 1), make(chan struct{})
	model := testsite.OpenAI(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		turn := play(n, r)
		if n == 0 {
			asked <- time.Now()
			turn.Hold = reply
		}
		return turn
	})
	release := w.site.Hold(page)
	env := []string{"LLM_PROVIDER=openai", "LLM_BASE_URL=" + model.BaseURL(), "LLM_MODEL=scripted", "VERIFY_SUPPORT=off", "LEASE_TTL=" + ttl.String()}
	c := w.serve(roleAPI, env...)
	w.app(roleWorker, env...)
	task := w.ask(c, map[string]any{"question": "Which port is listen_port?"})
	when(t, "the model is asked", asked)

	renew := w.stopHeartbeats(ttl)
	close(reply)
	w.awaitEvents(task.TaskID, "agent:tool_call", 2) // the seed, and the page that the model wants
	<-time.After(moment)
	if n := w.site.Count(page); n != 0 {
		t.Errorf("the page was loaded on a lease that is too old")
	}
	renew()
	if err := w.site.WaitFor(w.ctx(), page, 1); err != nil {
		t.Fatal(err)
	}

	renew = w.stopHeartbeats(ttl)
	release()
	w.awaitEvents(task.TaskID, "agent:tool_result", 2)
	<-time.After(moment)
	if n := len(model.Requests()); n != 1 {
		t.Errorf("the model was called on a lease that is too old")
	}
	renew()
	if done := w.await(c, task.TaskID); done.Status != api.StatusCompleted {
		t.Errorf("ended %s: %v", done.Status, done.Error)
	}
	if n := len(model.Requests()); n != 4 {
		t.Errorf("the model was called %d times, want 4", n)
	}
}

// TestKilledWorkerIsSeen kills a worker during a run. /health must count only the live workers, the log must say that
// the task was resumed because its worker was lost, and another worker must finish the task.
func TestKilledWorkerIsSeen(t *testing.T) {
	w := newWorld(t)
	env := settings(w.url, w.dir, "LEASE_TTL=1500ms")
	c := w.serve(roleAPI, "LEASE_TTL=1500ms")
	live := func(n, running int) func() bool {
		return func() bool {
			var health api.Health
			if err := c.do(w.ctx(), "GET", "/health", nil, &health); err != nil {
				t.Fatal(err)
			}
			return health.Workers.Live == n && health.Workers.Running == running
		}
	}
	release := w.site.Hold(heldPage)
	defer release()
	first := w.start(env, "worker")
	task := w.ask(c, nil)
	if err := w.site.WaitFor(w.ctx(), heldPage, 1); err != nil {
		t.Fatal(err)
	}
	w.start(env, "worker")
	eventually(t, "two workers, one at the task", live(2, 1))
	if err := first.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	if err := w.site.WaitFor(w.ctx(), heldPage, 2); err != nil {
		t.Fatal(err)
	}
	t.Logf("the other worker was at the same page %v after the kill", time.Since(killed).Round(time.Millisecond))
	eventually(t, "one worker, at the task", live(1, 1))
	release()
	done := w.await(c, task.TaskID)
	frames, _ := w.frames(c, task.TaskID, 0)
	gapless(t, frames, 1)
	resumed := 0
	for _, f := range frames {
		var e event
		if err := json.Unmarshal([]byte(f), &e); err != nil {
			t.Fatal(err)
		}
		if e.Type == "agent:thinking" && strings.HasPrefix(strings.ToLower(e.Content), "resumed after worker loss") && e.Metadata["reason"] == "owner_dead" {
			resumed++
		}
	}
	if done.Status != api.StatusCompleted || resumed != 1 {
		t.Errorf("ended %s, and the log tells of %d losses", done.Status, resumed)
	}
}
