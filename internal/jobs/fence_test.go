//go:build failpoints

package jobs

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
	"legwork/internal/jobs/liveruns"
	"legwork/internal/research"
)

// cancelSilently cancels a task in the database only, as if every notification, and the cancel of its River job, were
// lost.
func cancelSilently(t *testing.T, p *process, id uuid.UUID) {
	t.Helper()
	err := p.store.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		head, err := p.store.LockHead(ctx, tx, id)
		if err != nil {
			return err
		}
		_, err = dbtest.EndTask(ctx, p.store.Store, tx, id, head.Epoch, research.Result{}, &research.Failure{Code: research.CodeCancelled, Message: "silently"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// oneSlot gives a worker only one slot. So a worker that is stopped at a failpoint cannot also take the task's next job.
func oneSlot(c *RunnerConfig) { c.Slots = 1 }

// freeze stops the first run that reaches a failpoint until release is called. As in a paused process, the end of the run's
// context does not wake it.
func (p *process) freeze(point string) (reached <-chan struct{}, release func()) {
	at, released := make(chan struct{}), make(chan struct{})
	var once, end sync.Once
	p.fp.Func(point, func(context.Context) { once.Do(func() { close(at); <-released }) })
	release = func() { end.Do(func() { close(released) }) }
	p.t.Cleanup(release)
	return at, release
}

// TestStaleWorker pauses a worker at each point where a stale run could do harm. Another worker gets the task and finishes it.
// Then the first worker continues: it must change nothing and make no further effect.
func TestStaleWorker(t *testing.T) {
	for _, point := range []string{"after_claim", "before_effect", "before_step_commit", "after_step_commit", "before_exit", "after_commit_before_notify"} {
		t.Run(point, func(t *testing.T) {
			p := setup(t)
			first, second := &script{steps: 3}, &script{steps: 3}
			q := p.other()
			task := p.submit("q")
			reached, release := p.freeze(point)
			stale := p.work(first.run, oneSlot)
			wait(t, point, reached)
			spent := first.effects.Load()
			p.handToNextRun(task.ID, 1)
			q.work(second.run)
			got := q.await(task.ID)
			if got.Status != research.Completed {
				t.Fatalf("the second run ended %s", got.Status)
			}
			before := q.frames(task.ID)
			release()
			stopRunner(t, stale)
			if n := first.effects.Load() - spent; n > 0 {
				t.Errorf("the stale worker made %d effects after its task was given to another worker", n)
			}
			after := q.frames(task.ID)
			if strings.Join(before, "\n") != strings.Join(after, "\n") {
				t.Errorf("the stale worker changed the log:\n%s\n---\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
			}
			if n := q.count("SELECT count(*) FROM steps WHERE task_id = $1", task.ID); n != 3 {
				t.Errorf("%d steps, want 3", n)
			}
			if n := q.count("SELECT count(*) FROM river_job WHERE kind = 'research' AND state <> 'completed'"); n != 0 {
				t.Errorf("%d jobs are not completed", n)
			}
		})
	}
}

// TestStaleReturnKeepsTheNextRun lets a stale run return to River while the task's next run works. The job of the next run
// must stay as it is.
func TestStaleReturnKeepsTheNextRun(t *testing.T) {
	p := setup(t)
	first := &script{steps: 2}
	release := make(chan struct{})
	second := &script{steps: 2, effect: func(ctx context.Context, _ int) error {
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
	task := p.submit("q")
	reached, unfreeze := p.freeze("before_step_commit")
	stale := p.work(first.run, oneSlot)
	wait(t, "the step", reached)
	p.handToNextRun(task.ID, 1)
	q := p.other()
	q.work(second.run)
	q.eventually("the second run is in its step", func() bool { return second.effects.Load() == 1 })
	unfreeze()
	stopRunner(t, stale)
	if got, err := q.store.For(research.DefaultAccount).Task(t.Context(), task.ID); err != nil || got.Status != research.Running {
		t.Errorf("while the second run works: %s, %v", got.Status, err)
	}
	if n := q.count("SELECT count(*) FROM river_job j JOIN task_heads h ON h.job_id = j.id WHERE j.state = 'running'"); n != 1 {
		t.Errorf("the job of the second run is not running any more")
	}
	close(release)
	if got := q.await(task.ID); got.Status != research.Completed {
		t.Errorf("ended %s", got.Status)
	}
}

// TestHandBack stops a worker during a run. The task must be queued again without a further try, and the next worker must
// continue from the journal.
func TestHandBack(t *testing.T) {
	p := setup(t)
	reached := make(chan struct{})
	first := &script{steps: 6, effect: func(ctx context.Context, turn int) error {
		if turn < 4 {
			return nil
		}
		close(reached)
		<-ctx.Done()
		return ctx.Err()
	}}
	stopped := p.work(first.run)
	task := p.submit("q")
	wait(t, "step 4", reached)
	stopRunner(t, stopped)
	got, err := p.store.For(research.DefaultAccount).Task(t.Context(), task.ID)
	if err != nil || got.Status != research.Queued || got.Try != 1 {
		t.Fatalf("after the stop: %s, try %d, %v", got.Status, got.Try, err)
	}
	if n := p.count("SELECT count(*) FROM workers"); n != 0 {
		t.Errorf("%d workers are still registered", n)
	}
	q := p.other()
	second := &script{steps: 6}
	q.work(second.run)
	if got = q.await(task.ID); got.Status != research.Completed || got.Try != 1 {
		t.Errorf("ended %s at try %d", got.Status, got.Try)
	}
	for turn := 1; turn <= 6; turn++ {
		want := int64(0)
		if turn >= 4 {
			want = 1
		}
		if n := second.count(turn); n != want {
			t.Errorf("the second worker made step %d %d times, want %d", turn, n, want)
		}
	}
	if got.Usage.Running <= 0 {
		t.Error("no running time was counted")
	}
}

// TestStopBeforeClaim gives a job to a process that is stopping. The task must get a new job.
func TestStopBeforeClaim(t *testing.T) {
	p := setup(t)
	s := &script{steps: 1}
	r := p.work(s.run)
	r.local.EndAll(liveruns.ErrShutdown, true)
	task := p.submit("q")
	p.eventually("the task is handed back", func() bool {
		return p.count("SELECT run_epoch FROM task_heads WHERE task_id = $1", task.ID) > 1
	})
	stopRunner(t, r)
	q := p.other()
	q.work(s.run)
	if got := q.await(task.ID); got.Status != research.Completed {
		t.Errorf("ended %s", got.Status)
	}
}

// TestLostLease deletes a worker's row. The worker must stop its runs and register again.
func TestLostLease(t *testing.T) {
	p := setup(t)
	began, ended := make(chan struct{}, 2), make(chan error, 2)
	s := &script{steps: 1, effect: func(ctx context.Context, _ int) error {
		began <- struct{}{}
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return ctx.Err()
	}}
	r := p.work(s.run)
	old := r.lease.WorkerID()
	task := p.submit("q")
	<-began
	if _, err := p.store.Pool().Exec(t.Context(), "DELETE FROM workers"); err != nil {
		t.Fatal(err)
	}
	if cause := <-ended; cause == nil {
		t.Error("the run was not told to stop")
	}
	p.eventually("a new registration", func() bool { return r.lease.WorkerID() != old })
	if n := p.count("SELECT count(*) FROM workers"); n != 1 {
		t.Errorf("%d workers registered, want 1", n)
	}
	p.handToNextRun(task.ID, 1)
	<-began
	if _, err := p.Cancel(t.Context(), research.DefaultAccount, task.ID, ""); err != nil {
		t.Fatal(err)
	}
	if cause := <-ended; cause == nil {
		t.Error("the run was not told to stop")
	}
}
