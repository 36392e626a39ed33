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

// killed makes the jobs of a kind look as if their process had been killed under them that long ago.
func (p *process) killed(kind string, age time.Duration) {
	p.t.Helper()
	p.exec(`UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now() - make_interval(secs => $2), scheduled_at = now() - interval '1 hour',
	        attempted_by = '{dead}' WHERE kind = $1`, kind, age.Seconds())
}

// TestFileJobsOfADeadWorker: a job on files whose process was killed is made again once, soon, and by then it does its work.
func TestFileJobsOfADeadWorker(t *testing.T) {
	p := setup(t)
	kept, deleted := p.submit("kept"), p.submit("deleted")
	if _, err := p.Cancel(t.Context(), research.DefaultAccount, kept.ID, ""); err != nil { // has a job that writes its files
		t.Fatal(err)
	}
	if err := p.Delete(t.Context(), research.DefaultAccount, deleted.ID, ""); err != nil { // has two that purge them
		t.Fatal(err)
	}
	if err := p.artifacts.Write(t.Context(), deleted.ID, "late.txt", "text/plain", []byte("late")); err != nil {
		t.Fatal(err)
	}
	judge := p.judge()
	for _, kind := range []string{"artifacts", "purge_artifacts"} {
		p.killed(kind, fileJobTimeout-10*time.Second)
	}
	p.pass(judge)
	if n := p.count("SELECT count(*) FROM river_job WHERE queue = 'upkeep'"); n != 3 {
		t.Errorf("%d jobs while they may be running still, want 3", n)
	}
	for _, kind := range []string{"artifacts", "purge_artifacts"} {
		p.killed(kind, fileJobTimeout+p.store.LeaseTTL()+time.Second)
	}
	p.pass(judge)
	p.pass(judge)
	if n := p.count("SELECT count(*) FROM river_job WHERE queue = 'upkeep' AND state = 'available'"); n != 3 {
		t.Errorf("%d jobs were made again, want 3", n)
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

// TestNoEffectOnAnOldLease: while the lease cannot be renewed, the run makes no effect once it is as old as its time to live,
// and no files are written; it goes on after the next heartbeat.
func TestNoEffectOnAnOldLease(t *testing.T) {
	seen := setup(t)
	p := seen.hasty(shortLease)
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
	old := func() bool {
		r.lease.mu.Lock()
		defer r.lease.mu.Unlock()
		return time.Since(r.lease.renewed) > p.store.LeaseTTL()
	}
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
	case <-time.After(200 * time.Millisecond): // as long as an effect would take many times over
	case <-t.Context().Done():
	}
	if n := s.count(2); n != 0 || !old() {
		t.Errorf("%d effects were made on a lease that is too old", n)
	}
	if _, ok, err := p.artifacts.Exists(t.Context(), gone.ID, "result.json"); ok || err != nil {
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

// stopHeartbeats keeps all workers from renewing their leases until renew.
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
