//go:build failpoints

package jobs

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/agent/loop"
	"legwork/internal/failpoint"
	"legwork/internal/research"
	"legwork/internal/search"
	"legwork/internal/store"
)

// shortLease is short enough for a test to wait for its end, and long enough for a slow machine to renew it in time.
const shortLease = 1500 * time.Millisecond

// longLease is so long that a slow test does not lose it.
const longLease = time.Minute

// reconciler returns a runner that works no tasks. It has held its lease long enough to declare other workers lost.
func (p *process) reconciler() *Runner {
	p.t.Helper()
	r, err := NewRunner(p.Service, RunnerConfig{Slots: 1, TaskTimeout: waitLimit, Engines: search.NewSet(), Log: p.log})
	if err != nil {
		p.t.Fatal(err)
	}
	if err := r.lease.Register(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	r.lease.Assume(time.Now().Add(-time.Hour), time.Time{})
	return r
}

func (p *process) pass(r *Runner) {
	p.t.Helper()
	if err := r.reconcileOnce(failpoint.With(p.t.Context(), p.fp)); err != nil {
		p.t.Fatalf("reconcile: %v", err)
	}
}

// take claims a task for a worker that does nothing with it.
func (p *process) take(id uuid.UUID, epoch int, worker uuid.UUID) {
	p.t.Helper()
	err := p.store.InTx(p.t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		_, _, _, err := p.store.Claim(ctx, tx, id, epoch, worker, loop.Chooser{}.Pin(), store.Grant{}, nil)
		return err
	})
	if err != nil {
		p.t.Fatalf("claim: %v", err)
	}
}

func (p *process) exec(sql string, args ...any) {
	p.t.Helper()
	if _, err := p.store.Pool().Exec(p.t.Context(), sql, args...); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) epoch(id uuid.UUID) int {
	p.t.Helper()
	return p.count("SELECT run_epoch FROM task_heads WHERE task_id = $1", id)
}

// setJob sets the state of River's job of a task, as if an attempt had begun that many seconds ago.
func (p *process) setJob(id uuid.UUID, state string, seconds int) {
	p.t.Helper()
	p.exec(`UPDATE river_job SET state = $2::river_job_state, attempted_at = now() - make_interval(secs => $3),
	        finalized_at = CASE WHEN $2 IN ('completed','cancelled','discarded') THEN now() END
	        WHERE id = (SELECT job_id FROM task_heads WHERE task_id = $1)`, id, state, seconds)
}

// TestAbandonedTasks checks which open tasks the reconciler gives a new run, and which it does not touch.
func TestAbandonedTasks(t *testing.T) {
	p := setup(t).withLease(longLease)
	alive := p.reconciler()
	for _, c := range []struct {
		name      string
		abandoned bool
		make      func(id uuid.UUID)
	}{
		{"waiting", false, func(uuid.UUID) {}},
		{"waiting for its retry", false, func(id uuid.UUID) { p.setJob(id, "scheduled", 0) }},
		{"fetched a moment ago", false, func(id uuid.UUID) { p.setJob(id, "running", 1) }},
		{"fetched and never claimed", true, func(id uuid.UUID) { p.setJob(id, "running", 70) }},
		{"job missing", true, func(id uuid.UUID) {
			p.exec("DELETE FROM river_job WHERE id = (SELECT job_id FROM task_heads WHERE task_id = $1)", id)
		}},
		{"job completed", true, func(id uuid.UUID) { p.setJob(id, "completed", 60) }},
		{"job cancelled", true, func(id uuid.UUID) { p.setJob(id, "cancelled", 60) }},
		{"job discarded", true, func(id uuid.UUID) { p.setJob(id, "discarded", 60) }},
		{"running for long", false, func(id uuid.UUID) { p.setJob(id, "running", 6000); p.take(id, 1, alive.lease.WorkerID()) }},
		{"owner without a row", true, func(id uuid.UUID) { p.setJob(id, "running", 1); p.take(id, 1, uuid.New()) }},
		{"owner silent", true, func(id uuid.UUID) {
			w := uuid.New()
			p.exec("INSERT INTO workers (id, slots, version, host, heartbeat_at) VALUES ($1, 1, 'v', 'h', now() - interval '70 s')", w)
			p.setJob(id, "running", 1)
			p.take(id, 1, w)
		}},
		{"owner late", false, func(id uuid.UUID) {
			w := uuid.New()
			p.exec("INSERT INTO workers (id, slots, version, host, heartbeat_at) VALUES ($1, 1, 'v', 'h', now() - interval '20 s')", w)
			p.setJob(id, "running", 1)
			p.take(id, 1, w)
		}},
		{"over", false, func(id uuid.UUID) {
			if _, err := p.Cancel(t.Context(), research.DefaultAccount, id, ""); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		task := p.submit(c.name)
		c.make(task.ID)
		before := p.epoch(task.ID)
		p.pass(alive)
		after := p.epoch(task.ID)
		if c.abandoned != (after == before+1) || !c.abandoned && after != before {
			t.Errorf("%s: epoch %d became %d, abandoned: %v", c.name, before, after, c.abandoned)
		}
		got, err := p.store.For(research.DefaultAccount).Task(t.Context(), task.ID)
		if err != nil || got.Try != 1 || c.abandoned && got.Status != research.Queued {
			t.Errorf("%s: %s at try %d, %v", c.name, got.Status, got.Try, err)
		}
		p.pass(alive)
		if p.epoch(task.ID) != after {
			t.Errorf("%s: the second pass gave the task another run", c.name)
		}
	}
	if n := p.count("SELECT count(*) FROM runs WHERE outcome = 'lost'"); n != 2 {
		t.Errorf("%d runs are lost, want those of the two dead owners", n)
	}
	p.exec("UPDATE workers SET heartbeat_at = now() - interval '1 hour' WHERE version = 'v'")
	p.pass(alive)
	p.pass(alive)
	if n := p.count("SELECT count(*) FROM workers"); n != 1 {
		t.Errorf("%d workers are registered, want only the live one, because the dead ones own no task", n)
	}
}

// TestDeadWorker stops a worker's heartbeat during a run. Another worker must resume the task, continue from the
// journal, and add an event about the lost worker.
func TestDeadWorker(t *testing.T) {
	p := setup(t)
	a, b := p.withLease(shortLease), p.withLease(shortLease)
	first, second := &script{steps: 3}, &script{steps: 3}
	reached, unfreeze := a.freeze("after_step_commit")
	dead := a.work(first.run, oneSlot)
	task := p.submit("q")
	wait(t, "the first step", reached)
	dead.stop() // without a heartbeat and with a frozen run, the worker looks dead
	killed := time.Now()
	b.work(second.run)
	got := b.await(task.ID)
	if got.Status != research.Completed || got.Try != 1 {
		t.Fatalf("ended %s at try %d: %v", got.Status, got.Try, got.Error)
	}
	t.Logf("recovered and finished %v after the loss, at a lease of %v", time.Since(killed), shortLease)
	if second.count(1) != 0 || second.count(2) != 1 || second.count(3) != 1 {
		t.Errorf("the second worker made the steps %d, %d, %d times, want 0, 1, 1", second.count(1), second.count(2), second.count(3))
	}
	if log := strings.Join(b.frames(task.ID), "\n"); !strings.Contains(log, "esumed after worker loss") {
		t.Errorf("the log does not mention the loss:\n%s", log)
	}
	if n := p.count("SELECT count(*) FROM runs WHERE task_id = $1 AND outcome = 'lost' AND ended_at = seen_at", task.ID); n != 1 {
		t.Errorf("%d lost runs that ended with their last write, want 1", n)
	}
	unfreeze()
	b.eventually("the dead worker's row is gone", func() bool {
		return p.count("SELECT count(*) FROM workers WHERE id = $1", dead.lease.WorkerID()) == 0
	})
}

// TestThreeLosses checks that a task fails after three lost runs in a row without a new step. After a new step, the
// losses before it are not counted.
func TestThreeLosses(t *testing.T) {
	p := setup(t).withLease(longLease)
	reconciler := p.reconciler()
	lose := func(id uuid.UUID, step int) {
		t.Helper()
		epoch := p.epoch(id)
		p.take(id, epoch, uuid.New())
		if step > 0 {
			err := p.store.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
				_, _, err := p.store.RecordStep(ctx, tx, id, epoch, research.Step{Turn: step, CallNo: 1, Try: 1, Kind: research.ToolStep,
					Tool: "cite", Result: []byte("{}"), Success: true})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		p.pass(reconciler)
	}
	status := func(id uuid.UUID) research.Status {
		t.Helper()
		task, err := p.store.For(research.DefaultAccount).Task(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return task.Status
	}
	killer := p.submit("kills")
	for i, want := range []research.Status{research.Queued, research.Queued, research.Failed} {
		lose(killer.ID, 0)
		if got := status(killer.ID); got != want {
			t.Fatalf("after loss %d: %s, want %s", i+1, got, want)
		}
	}
	got := p.await(killer.ID)
	if got.ErrorCode == nil || *got.ErrorCode != research.CodeWorkerLost || got.Try != 1 {
		t.Errorf("failed with %v at try %d: %v", *got.ErrorCode, got.Try, *got.Error)
	}
	if n := p.count("SELECT count(*) FROM runs WHERE task_id = $1 AND outcome = 'lost'", killer.ID); n != 3 {
		t.Errorf("%d runs are lost, want 3", n)
	}
	slow := p.submit("makes headway")
	for i, step := range []int{0, 0, 1, 0, 0, 2, 0, 0} {
		lose(slow.ID, step)
		if got := status(slow.ID); got != research.Queued {
			t.Fatalf("after loss %d with headway: %s, want queued", i+1, got)
		}
	}
	lose(slow.ID, 0)
	if got := status(slow.ID); got != research.Failed {
		t.Errorf("after three further losses: %s, want failed", got)
	}
}

// TestBegunTasksGoFirst checks the order of the queue: by priority, and within a priority tasks that had a run come first.
func TestBegunTasksGoFirst(t *testing.T) {
	p := setup(t).withLease(longLease)
	reconciler := p.reconciler()
	submit := func(name string, priority research.Priority, begun bool) {
		t.Helper()
		in := asked(name)
		in.Priority = priority
		task, err := p.Submit(t.Context(), research.DefaultAccount, in)
		if err != nil {
			t.Fatal(err)
		}
		if begun {
			p.take(task.ID, 1, uuid.New())
			p.pass(reconciler)
		}
	}
	submit("low", research.Low, false)
	submit("normal", research.Normal, false)
	submit("high", research.High, false)
	submit("low, begun", research.Low, true)
	submit("normal, begun", research.Normal, true)
	submit("high, begun", research.High, true)
	rows, err := p.store.Pool().Query(t.Context(), `SELECT t.question FROM river_job j JOIN task_heads h ON h.job_id = j.id JOIN tasks t ON t.id = h.task_id
		ORDER BY j.priority, j.scheduled_at, j.id`)
	if err != nil {
		t.Fatal(err)
	}
	order, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, "; "); got != "high, begun; high; normal, begun; normal; low, begun; low" {
		t.Errorf("the order is %s", got)
	}
}

// TestReconcilersShare checks that several processes at once resume each abandoned task once.
func TestReconcilersShare(t *testing.T) {
	p := setup(t)
	const tasks = 30
	for range tasks {
		p.take(p.submit("q").ID, 1, uuid.New())
	}
	var all sync.WaitGroup
	for range 4 {
		reconciler := p.withLease(longLease).reconciler()
		all.Go(func() {
			for range 3 {
				if err := reconciler.reconcileOnce(context.Background()); err != nil {
					t.Errorf("reconcile: %v", err)
				}
			}
		})
	}
	all.Wait()
	if n := p.count("SELECT count(*) FROM task_heads WHERE run_epoch = 2"); n != tasks {
		t.Errorf("%d of %d tasks are at epoch 2", n, tasks)
	}
	if n := p.count("SELECT count(*) FROM river_job WHERE kind = 'research' AND state = 'available'"); n != tasks {
		t.Errorf("%d jobs wait, want %d", n, tasks)
	}
}

// TestClaimedMeanwhile claims a task after the reconciler listed it as abandoned and before it locked the task's head. The
// task must keep its run.
func TestClaimedMeanwhile(t *testing.T) {
	p := setup(t).withLease(longLease)
	reconciler, owner := p.reconciler(), p.reconciler()
	task := p.submit("q")
	p.setJob(task.ID, "running", 70)
	p.fp.Func("after_abandoned_listed", func(context.Context) { p.take(task.ID, 1, owner.lease.WorkerID()) })
	p.pass(reconciler)
	if n := p.fp.Hits("after_abandoned_listed"); n != 1 || p.epoch(task.ID) != 1 {
		t.Errorf("after %d passes the claimed task is at epoch %d", n, p.epoch(task.ID))
	}
}

// TestReconcilerWaitsForItsOwnLease checks that a process resumes no task until it has renewed its own lease for a whole
// lease time without an interruption.
func TestReconcilerWaitsForItsOwnLease(t *testing.T) {
	p := setup(t)
	task := p.submit("q")
	p.take(task.ID, 1, uuid.New())
	reconciler := p.reconciler()
	l, ttl, now := reconciler.lease, p.store.LeaseTTL(), time.Now()
	refused := func(what string) {
		t.Helper()
		if p.pass(reconciler); p.epoch(task.ID) != 1 {
			t.Fatalf("%s: the task was resumed", what)
		}
	}
	if err := l.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused("just registered")
	l.Assume(now.Add(-ttl), now.Add(-ttl))
	refused("its own lease has ended")
	l.RenewAt(now)
	refused("after a gap")
	l.Assume(now.Add(-ttl), time.Time{})
	l.RenewAt(now.Add(ttl/2 + 1))
	refused("after a renewal that came late")
	l.Assume(now.Add(-ttl), time.Now())
	p.fp.Func("after_abandoned_listed", func(context.Context) { l.Assume(time.Now(), time.Time{}) })
	refused("interrupted after it had listed abandoned tasks")
	p.fp.Func("after_abandoned_listed", func(context.Context) {})
	l.RenewAt(time.Now())
	l.Assume(now.Add(-ttl), time.Time{})
	if p.pass(reconciler); p.epoch(task.ID) != 2 {
		t.Error("a reconciler that has held its lease for a whole lease time did not resume the task")
	}
}
