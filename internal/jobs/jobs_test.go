//go:build failpoints

package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"legwork/internal/agent"
	"legwork/internal/dbtest"
	"legwork/internal/goroutine"
	"legwork/internal/research"
)

func TestRunFromSubmitToFiles(t *testing.T) {
	p := setup(t)
	s := &script{steps: 3}
	p.work(s.run)
	task := p.submit("q")
	if task.Status != research.Created {
		t.Errorf("status with free slots = %s, want created", task.Status)
	}
	got := p.await(task.ID)
	if got.Status != research.Completed || *got.Answer != "done" || got.Usage.ToolCalls != 3 {
		t.Errorf("task = %+v", got)
	}
	frames := p.frames(task.ID)
	// The frames are: submitted, running, three calls and their three results, complete.
	if len(frames) != 9 || int64(len(frames)) != got.LastSeq {
		t.Errorf("%d frames, lastSeq %d, want 9", len(frames), got.LastSeq)
	}
	for i, f := range frames {
		var e struct {
			Seq int64 `json:"seq"`
		}
		if err := json.Unmarshal([]byte(f), &e); err != nil || e.Seq != int64(i+1) {
			t.Errorf("frame %d = %s (%v)", i, f, err)
		}
	}
	if err := p.EnsureArtifacts(t.Context(), got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"result.json", "sources.json", "logs.txt"} {
		if b, err := os.ReadFile(filepath.Join(p.dir, task.ID.String(), name)); err != nil || len(b) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
	if missing, _, err := p.MissingFiles(t.Context()); err != nil || len(missing) != 0 {
		t.Errorf("missing = %v, %v", missing, err)
	}
	if err := os.Remove(filepath.Join(p.dir, task.ID.String(), "logs.txt")); err != nil {
		t.Fatal(err)
	}
	if missing, _, err := p.MissingFiles(t.Context()); err != nil || len(missing) != 1 {
		t.Errorf("missing after a removal = %v, %v", missing, err)
	}
}

func TestConcurrencyIsBounded(t *testing.T) {
	p := setup(t)
	var now, most atomic.Int64
	release := make(chan struct{})
	s := &script{steps: 1, effect: func(ctx context.Context, _ int) error {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		select {
		case <-release:
		case <-ctx.Done():
		}
		return nil
	}}
	p.work(s.run, func(c *RunnerConfig) { c.Slots = 2 })
	var tasks []research.Task
	for i := range 5 {
		task := p.submit("q")
		if want := research.Created; i < 2 && task.Status != want {
			t.Errorf("task %d is %s, want %s", i, task.Status, want)
		} else if want := research.Queued; i >= 2 && task.Status != want {
			t.Errorf("task %d is %s, want %s", i, task.Status, want)
		}
		tasks = append(tasks, task)
	}
	p.eventually("two tasks run", func() bool { return now.Load() == 2 })
	close(release)
	for _, task := range tasks {
		if got := p.await(task.ID); got.Status != research.Completed {
			t.Errorf("%s: %v", got.Status, got.Error)
		}
	}
	if most.Load() != 2 {
		t.Errorf("%d tasks ran at once, want 2", most.Load())
	}
}

func TestTransientFailuresAreTriedAgain(t *testing.T) {
	p := setup(t)
	noAnswer := &research.Failure{Code: research.CodeNoSources, Message: "The site does not answer.", Transient: true}
	s := &script{steps: 2, after: func(_ context.Context, _, try int) error {
		if try < 3 {
			return noAnswer
		}
		return nil
	}}
	p.work(s.run)
	task := p.submit("q")
	got := p.await(task.ID)
	if got.Status != research.Completed || got.Try != 3 {
		t.Errorf("status %s at try %d, want completed at 3", got.Status, got.Try)
	}
	recoverable := 0
	for _, f := range p.frames(task.ID) {
		if strings.Contains(f, `"recoverable":true`) {
			recoverable++
		}
	}
	if recoverable != 2 {
		t.Errorf("%d recoverable errors in the log, want 2", recoverable)
	}
	if s.count(1) != 1 || s.count(2) != 1 {
		t.Errorf("journaled steps were repeated: %d, %d", s.count(1), s.count(2))
	}
	if n := p.count("SELECT count(*) FROM runs WHERE task_id = $1", task.ID); n != 3 {
		t.Errorf("%d runs, want 3", n)
	}
}

func TestFailures(t *testing.T) {
	for name, c := range map[string]struct {
		agent Agent
		code  string
		try   int
		says  string
	}{
		"permanent": {func(context.Context, agent.Env) (research.Result, error) {
			return research.Result{}, &research.Failure{Code: research.CodeSeedRefused, Message: "Refused."}
		}, research.CodeSeedRefused, 1, "Refused."},
		"transient for ever": {func(context.Context, agent.Env) (research.Result, error) {
			return research.Result{}, &research.Failure{Code: research.CodeNoSources, Message: "No answer.", Transient: true}
		}, research.CodeNoSources, 3, "No answer."},
		"panic": {func(context.Context, agent.Env) (research.Result, error) { panic("secret detail") }, research.CodeInternal, 3, "Something went wrong"},
		"panic in a goroutine": {func(ctx context.Context, _ agent.Env) (research.Result, error) {
			goroutine.Go(ctx, func() { panic("secret detail") })
			<-ctx.Done() // the panic stops the run
			return research.Result{}, ctx.Err()
		}, research.CodeInternal, 3, "Something went wrong"},
		"panic that the agent does not notice": {func(ctx context.Context, _ agent.Env) (research.Result, error) {
			var group goroutine.ErrGroup
			group.Go(ctx, func() error { panic("secret detail") })
			_ = group.Wait()
			return research.Result{Answer: "half of it"}, nil
		}, research.CodeInternal, 3, "Something went wrong"},
		"forged evidence": {func(context.Context, agent.Env) (research.Result, error) {
			return research.Result{Answer: "x", Cited: []int{1}}, nil
		}, research.CodeInternal, 3, "Something went wrong"},
		"defect": {func(context.Context, agent.Env) (research.Result, error) {
			return research.Result{}, errors.New("secret detail")
		}, research.CodeInternal, 3, "Something went wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			p := setup(t)
			p.work(c.agent)
			got := p.await(p.submit("q").ID)
			if got.Status != research.Failed || *got.ErrorCode != c.code || got.Try != c.try || !strings.HasPrefix(*got.Error, c.says) {
				t.Errorf("status %s, code %v, try %d, error %v", got.Status, *got.ErrorCode, got.Try, *got.Error)
			}
			if strings.Contains(*got.Error, "secret") {
				t.Error("an internal cause left the server")
			}
		})
	}
}

func TestHardLimit(t *testing.T) {
	p := setup(t)
	s := &script{steps: 1, effect: func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }}
	p.work(s.run, func(c *RunnerConfig) { c.TaskTimeout = 100 * time.Millisecond })
	got := p.await(p.submit("q").ID)
	if got.Status != research.Failed || *got.ErrorCode != research.CodeTimeout || got.Try != 1 {
		t.Errorf("status %s, %v, try %d", got.Status, *got.ErrorCode, got.Try)
	}
}

// TestHardLimitCountsAllRuns checks that TASK_TIMEOUT includes the running time of a task's earlier runs.
func TestHardLimitCountsAllRuns(t *testing.T) {
	p := setup(t)
	task := p.submit("q")
	p.take(task.ID, 1, p.reconciler().lease.WorkerID())
	p.exec("UPDATE runs SET claimed_at = claimed_at - interval '1 hour'")
	p.exec("UPDATE tasks SET created_at = created_at - interval '1 hour', started_at = started_at - interval '1 hour'")
	p.handToNextRun(task.ID, 1)
	p.work((&script{steps: 1, effect: func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }}).run,
		func(c *RunnerConfig) { c.TaskTimeout = time.Hour })
	if got := p.await(task.ID); got.Status != research.Failed || *got.ErrorCode != research.CodeTimeout {
		t.Errorf("status %s, %v", got.Status, got.ErrorCode)
	}
}

func TestCancel(t *testing.T) {
	ctx := t.Context()
	blocked := func() (*script, chan struct{}, chan error) {
		began, ended := make(chan struct{}), make(chan error, 1)
		return &script{steps: 2, effect: func(ctx context.Context, _ int) error {
			close(began)
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return ctx.Err()
		}}, began, ended
	}
	check := func(t *testing.T, p *process, id uuid.UUID, reason string) {
		t.Helper()
		got := p.await(id)
		if got.Status != research.Cancelled || *got.Error != reason || *got.ErrorCode != research.CodeCancelled {
			t.Errorf("status %s, error %q", got.Status, *got.Error)
		}
		frames := p.frames(id)
		last := frames[len(frames)-1]
		if !strings.Contains(last, `"errorCode":"cancelled"`) || !strings.Contains(last, `"recoverable":false`) {
			t.Errorf("last frame = %s", last)
		}
	}
	t.Run("in this process", func(t *testing.T) {
		p := setup(t)
		s, began, ended := blocked()
		p.work(s.run)
		task := p.submit("q")
		wait(t, "the run", began)
		if got, err := p.Cancel(ctx, research.DefaultAccount, task.ID, ""); err != nil || got.Status != research.Cancelled {
			t.Fatalf("cancel: %v, %v", got.Status, err)
		}
		if cause := <-ended; cause == nil {
			t.Error("the run was not told to stop")
		}
		check(t, p, task.ID, DefaultReason)
		if got, err := p.Cancel(ctx, research.DefaultAccount, task.ID, "again"); err != nil || *got.Error != DefaultReason {
			t.Errorf("a second cancel: %v, %v", got.Error, err)
		}
	})
	t.Run("from another process, by River's notification", func(t *testing.T) {
		p := setup(t)
		s, began, ended := blocked()
		p.work(s.run)
		task := p.submit("q")
		wait(t, "the run", began)
		q := p.other()
		asked := time.Now()
		if _, err := q.Cancel(ctx, research.DefaultAccount, task.ID, "changed my mind"); err != nil {
			t.Fatal(err)
		}
		if cause := <-ended; cause == nil {
			t.Error("the run was not told to stop")
		}
		if d := time.Since(asked); d > 5*time.Second {
			t.Errorf("the run heard of it after %v", d)
		}
		check(t, q, task.ID, "changed my mind")
	})
	t.Run("when the notification is lost", func(t *testing.T) {
		p := setup(t)
		s, began, ended := blocked()
		p.work(s.run)
		task := p.submit("q")
		wait(t, "the run", began)
		cancelSilently(t, p, task.ID)
		if cause := <-ended; !errors.Is(cause, research.ErrFenced) {
			t.Errorf("cause = %v, want the poll's ErrFenced", cause)
		}
		check(t, p, task.ID, "silently")
	})
	t.Run("before any worker", func(t *testing.T) {
		p := setup(t)
		task := p.submit("q")
		if _, err := p.Cancel(ctx, research.DefaultAccount, task.ID, "early"); err != nil {
			t.Fatal(err)
		}
		s := &script{steps: 1}
		p.work(s.run)
		other := p.await(p.submit("other").ID)
		if other.Status != research.Completed || s.effects.Load() != 1 {
			t.Errorf("the cancelled task was worked: %d effects", s.effects.Load())
		}
		check(t, p, task.ID, "early")
	})
	t.Run("what cannot be cancelled", func(t *testing.T) {
		p := setup(t)
		s := &script{steps: 1}
		p.work(s.run)
		task := p.await(p.submit("q").ID)
		if _, err := p.Cancel(ctx, research.DefaultAccount, task.ID, ""); !errors.Is(err, research.ErrConflict) {
			t.Errorf("a completed task: %v, want ErrConflict", err)
		}
		if _, err := p.Cancel(ctx, research.DefaultAccount, uuid.New(), ""); !errors.Is(err, research.ErrNotFound) {
			t.Errorf("an unknown task: %v, want ErrNotFound", err)
		}
		if _, err := p.Cancel(ctx, "other", task.ID, ""); !errors.Is(err, research.ErrNotFound) {
			t.Errorf("another account: %v, want ErrNotFound", err)
		}
	})
}

func TestDeleteWhileRunning(t *testing.T) {
	p := setup(t).withLease(shortLease) // because the second purge runs one lease time after the delete
	began := make(chan struct{})
	s := &script{steps: 1, effect: func(ctx context.Context, _ int) error { close(began); <-ctx.Done(); return ctx.Err() }}
	p.work(s.run)
	task := p.submit("q")
	wait(t, "the run", began)
	here, there := make(chan []string, 1), make(chan []string, 1)
	q := p.other()
	for proc, out := range map[*process]chan []string{p: here, q: there} {
		go func() { out <- proc.read(task.ID, 0, -1) }()
	}
	p.eventually("both streams are open", func() bool { return p.hub.Watched() == 1 && q.hub.Watched() == 1 })
	p.eventually("all processes listen", func() bool {
		return p.count(`SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = 'legwork listener' AND state = 'idle' AND (query ILIKE 'listen%' OR query = '-- ping')`) == 3 // setup's process listens, too
	})
	if err := p.Delete(t.Context(), research.DefaultAccount, task.ID, "away with it"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]chan []string{"this": here, "the other": there} {
		frames := <-c
		if len(frames) == 0 || !strings.Contains(frames[len(frames)-1], "away with it") {
			t.Errorf("%s process's stream ended with %v, want the cancelled event", name, frames)
		}
	}
	if _, err := p.store.For(research.DefaultAccount).Task(t.Context(), task.ID); !errors.Is(err, research.ErrNotFound) {
		t.Errorf("after delete: %v", err)
	}
	if _, err := os.Stat(filepath.Join(p.dir, task.ID.String())); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("files are left: %v", err)
	}
	if n := p.count("SELECT count(*) FROM tasks"); n != 0 {
		t.Errorf("%d rows left", n)
	}
	if err := p.Delete(t.Context(), research.DefaultAccount, task.ID, ""); !errors.Is(err, research.ErrNotFound) {
		t.Errorf("second delete: %v", err)
	}
	// The purge job that runs after a lease time removes files that a stale run wrote after the delete.
	p.eventually("the stale run's write", func() bool { // it may fail while the first purge removes the folder
		return p.Artifacts.Write(t.Context(), task.ID, "late.txt", "text/plain", []byte("late")) == nil
	})
	p.eventually("the purge", func() bool {
		_, ok, err := p.Artifacts.Exists(t.Context(), task.ID, "late.txt")
		return err == nil && !ok
	})
}

// TestDeleteWithoutNotifications loses every notification of a delete. A stream in another process must still end with the
// cancelled event, although the event's row is gone when that process reads the log.
func TestDeleteWithoutNotifications(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	_, err := dbtest.Open(t, url).Pool().Exec(t.Context(), `
		CREATE SCHEMA deaf;
		CREATE FUNCTION deaf.pg_notify(text, text) RETURNS void LANGUAGE sql AS '';
		DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, deaf, pg_catalog', current_database()); END $$`)
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, url, t.TempDir())
	q := p.other()
	task := p.submit("q")
	if frames := q.read(task.ID, 0, 1); len(frames) != 1 {
		t.Fatalf("the first frames are %v", frames)
	}
	there := make(chan []string, 1)
	go func() { there <- q.read(task.ID, 1, -1) }()
	p.eventually("the stream is open", func() bool { return q.hub.Watched() == 1 })
	if err := p.Delete(t.Context(), research.DefaultAccount, task.ID, "away with it"); err != nil {
		t.Fatal(err)
	}
	frames := <-there
	if len(frames) != 1 || !strings.Contains(frames[0], `"seq":2,`) || !strings.Contains(frames[0], "away with it") {
		t.Errorf("the other process's stream ended with %v, want the cancelled event", frames)
	}
	// No copy of the answer may stay in the purge job.
	done := p.submit("q")
	p.work((&script{steps: 1}).run)
	p.await(done.ID)
	if err := p.Delete(t.Context(), research.DefaultAccount, done.ID, ""); err != nil {
		t.Fatal(err)
	}
	if _, found, err := p.store.KeptFinalEvent(t.Context(), done.ID); found || err != nil {
		t.Errorf("the end of a completed task outlived it (%v)", err)
	}
}

func TestRerunAndFollowUp(t *testing.T) {
	p := setup(t)
	s := &script{steps: 1}
	p.work(s.run)
	first := p.await(p.submit("q").ID)
	again, err := p.Rerun(t.Context(), research.DefaultAccount, first.ID, research.Author{})
	if err != nil || again.ID == first.ID || again.Question != first.Question || again.Options.MaxPages != first.Options.MaxPages {
		t.Fatalf("rerun: %+v, %v", again, err)
	}
	if got := p.await(again.ID); got.Status != research.Completed {
		t.Errorf("rerun ended %s", got.Status)
	}
	if _, err := p.Rerun(t.Context(), research.DefaultAccount, uuid.New(), research.Author{}); !errors.Is(err, research.ErrNotFound) {
		t.Errorf("rerun of nothing: %v", err)
	}
	in := research.NewTask{Question: "more?", Priority: research.High, ParentID: &first.ID, Options: first.Options}
	child, err := p.Submit(t.Context(), research.DefaultAccount, in)
	if err != nil || *child.ParentID != first.ID {
		t.Fatalf("follow-up: %+v, %v", child, err)
	}
	p.await(child.ID)
	nobody := uuid.New()
	in.ParentID = &nobody
	var v *research.ValidationError
	if _, err := p.Submit(t.Context(), research.DefaultAccount, in); !errors.As(err, &v) || v.Fields[0].Field != "parentTaskId" {
		t.Errorf("follow-up of nothing: %v", err)
	}
	if n := p.count("SELECT count(*) FROM tasks"); n != 3 {
		t.Errorf("%d tasks, want 3", n)
	}
}

// TestPinOfTheFirstRunHolds checks that a later run gets the pin of the first run.
func TestPinOfTheFirstRunHolds(t *testing.T) {
	p := setup(t)
	first := research.Pin{Provider: "openai", Model: "one", Prompt: "ask/1"}
	seen := make(chan research.Pin, 8)
	r := p.work(func(ctx context.Context, env agent.Env) (research.Result, error) {
		seen <- env.Task.Pin
		<-ctx.Done()
		return research.Result{}, ctx.Err()
	}, func(c *RunnerConfig) { c.Pin = first })
	task := p.submit("q")
	if got := <-seen; got != first {
		t.Errorf("pin of the first run = %+v", got)
	}
	stopRunner(t, r)
	p.other().work(func(_ context.Context, env agent.Env) (research.Result, error) {
		seen <- env.Task.Pin
		return research.Result{Answer: "done", Metadata: map[string]any{}}, nil
	}, func(c *RunnerConfig) { c.Pin = first })
	if got := <-seen; got != first {
		t.Errorf("pin of the second run = %+v", got)
	}
	p.await(task.ID)
}
