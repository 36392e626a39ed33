//go:build failpoints

package jobs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"legwork/internal/research"
)

// killed changes the jobs of a kind as if their process had begun them age ago and was then killed.
func (p *process) killed(kind string, age time.Duration) {
	p.t.Helper()
	p.exec(`UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now() - make_interval(secs => $2), scheduled_at = now() - interval '1 hour',
	        attempted_by = '{dead}' WHERE kind = $1`, kind, age.Seconds())
}

// TestFileJobsOfADeadWorker checks that a job on files whose process was killed is queued again once, and then does its work.
func TestFileJobsOfADeadWorker(t *testing.T) {
	p := setup(t)
	kept, deleted := p.submit("kept"), p.submit("deleted")
	if _, err := p.Cancel(t.Context(), research.DefaultAccount, kept.ID, ""); err != nil { // inserts a job that writes files
		t.Fatal(err)
	}
	if err := p.Delete(t.Context(), research.DefaultAccount, deleted.ID, ""); err != nil { // inserts two jobs that purge files
		t.Fatal(err)
	}
	if err := p.Artifacts.Write(t.Context(), deleted.ID, "late.txt", "text/plain", []byte("late")); err != nil {
		t.Fatal(err)
	}
	reconciler := p.reconciler()
	for _, kind := range []string{"artifacts", "purge_artifacts"} {
		p.killed(kind, fileJobTimeout-10*time.Second)
	}
	p.pass(reconciler)
	if n := p.count("SELECT count(*) FROM river_job WHERE queue = 'upkeep'"); n != 3 {
		t.Errorf("%d jobs while they may still be running, want 3", n)
	}
	for _, kind := range []string{"artifacts", "purge_artifacts"} {
		p.killed(kind, fileJobTimeout+p.store.LeaseTTL()+time.Second)
	}
	p.pass(reconciler)
	p.pass(reconciler)
	if n := p.count("SELECT count(*) FROM river_job WHERE queue = 'upkeep' AND state = 'available'"); n != 3 {
		t.Errorf("%d jobs were queued again, want 3", n)
	}
	p.work((&script{}).run)
	p.eventually("the files are written", func() bool {
		return p.count("SELECT count(*) FROM artifacts WHERE task_id = $1", kept.ID) == 3
	})
	p.eventually("the files are purged", func() bool {
		_, err := os.Stat(filepath.Join(p.dir, deleted.ID.String()))
		return errors.Is(err, os.ErrNotExist)
	})
}

// TestNoEffectOnAnOldLease stops a worker's heartbeats. After the end of the lease the run must have no effect outside
// the database and write no file. After the next heartbeat it must continue.
func TestNoEffectOnAnOldLease(t *testing.T) {
	seen := setup(t)
	p := seen.withLease(shortLease)
	began, goOn := make(chan struct{}), make(chan struct{})
	s := &script{steps: 2, effect: func(ctx context.Context, turn int) error {
		if turn > 1 {
			return nil
		}
		close(began)
		select {
		case <-goOn:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
	r := p.work(s.run)
	task := p.submit("q")
	wait(t, "the first effect", began)
	renew := seen.stopHeartbeats()
	old := func() bool { return r.lease.Age() > p.store.LeaseTTL() }
	p.eventually("the lease is too old", old)
	close(goOn)
	p.eventually("the second effect is announced", func() bool {
		return p.count("SELECT count(*) FROM task_events WHERE task_id = $1 AND type = 'agent:tool_call'", task.ID) == 2
	})
	gone := p.submit("gone")
	if _, err := seen.Cancel(t.Context(), research.DefaultAccount, gone.ID, ""); err != nil {
		t.Fatal(err)
	}
	p.eventually("the job that writes files has begun", func() bool {
		return p.count("SELECT count(*) FROM river_job WHERE kind = 'artifacts' AND state = 'running'") == 1
	})
	select {
	case <-time.After(200 * time.Millisecond): // many times as long as an effect takes
	case <-t.Context().Done():
	}
	if n := s.count(2); n != 0 || !old() {
		t.Errorf("%d effects were made on a lease that is too old", n)
	}
	if _, ok, err := p.Artifacts.Exists(t.Context(), gone.ID, "result.json"); ok || err != nil {
		t.Errorf("a file was written on a lease that is too old (%v)", err)
	}
	renew()
	if got := seen.await(task.ID); got.Status != research.Completed || s.count(2) != 1 {
		t.Errorf("ended %s with %d second effects", got.Status, s.count(2))
	}
	p.eventually("the files are written", func() bool {
		return p.count("SELECT count(*) FROM artifacts WHERE task_id = $1", gone.ID) == 3
	})
}

// stopHeartbeats keeps all workers from renewing their leases until renew is called.
func (p *process) stopHeartbeats() (renew func()) {
	p.t.Helper()
	tx, err := p.store.Pool().Begin(p.t.Context())
	if err == nil {
		_, err = tx.Exec(p.t.Context(), "LOCK TABLE workers IN SHARE MODE")
	}
	if err != nil {
		p.t.Fatal(err)
	}
	renewed := false
	renew = func() {
		if !renewed {
			renewed = true
			_ = tx.Rollback(context.Background())
		}
	}
	p.t.Cleanup(renew)
	return renew
}
