//go:build failpoints

package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/failpoint"
	"legwork/internal/research"
)

const month = 30 * 24 * time.Hour

// readPage claims a task, records that it read a page with the given text, and ends the task.
func (p *process) readPage(id uuid.UUID, text string) {
	p.t.Helper()
	p.take(id, 1, p.reconciler().lease.WorkerID())
	sum := sha256.Sum256([]byte(text))
	visit := &research.Visit{ID: uuid.Must(uuid.NewV7()), URL: "http://a.example/", FinalURL: "http://a.example/", Outcome: research.OutcomeOK, Status: 200,
		Page: &research.Page{ID: hex.EncodeToString(sum[:]), Text: text, Passages: []research.Passage{{Start: 0, End: len(text)}}}}
	err := p.store.InTx(p.t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		_, _, err := p.store.RecordStep(ctx, tx, id, 1, research.Step{Turn: 1, CallNo: 1, Try: 1, Kind: research.ToolStep, Tool: "navigate_to",
			Result: []byte("{}"), Success: true, Visit: visit,
			Evidence: []research.Evidence{{Number: 1, PageID: visit.Page.ID, VisitID: visit.ID, URL: visit.URL, Start: 0, End: 3}}})
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.end(id)
}

// end cancels a task and writes its files.
func (p *process) end(id uuid.UUID) {
	p.t.Helper()
	task, err := p.Cancel(p.t.Context(), research.DefaultAccount, id, "")
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.EnsureArtifacts(p.t.Context(), task); err != nil {
		p.t.Fatal(err)
	}
}

// age changes a task's times as if it had ended that many days ago.
func (p *process) age(id uuid.UUID, days float64) {
	p.t.Helper()
	p.exec(`UPDATE tasks SET completed_at = now() - make_interval(secs => $2 * 86400), created_at = now() - make_interval(secs => $2 * 86400),
	        started_at = NULL WHERE id = $1`, id, days)
}

// exists reports whether a task exists. It fails the test when only one of the task's row and its files exists.
func (p *process) exists(id uuid.UUID) bool {
	p.t.Helper()
	_, err := p.store.For(research.DefaultAccount).Task(p.t.Context(), id)
	if err != nil && !errors.Is(err, research.ErrNotFound) {
		p.t.Fatal(err)
	}
	_, serr := os.Stat(filepath.Join(p.dir, id.String(), "result.json"))
	if (err == nil) != (serr == nil) {
		p.t.Errorf("task %s: %v, its files: %v", id, err, serr)
	}
	return err == nil
}

func TestCleanup(t *testing.T) {
	p := setup(t)
	old, young, open := p.submit("old"), p.submit("young"), p.submit("open")
	p.readPage(old.ID, "only the old one read this")
	shared := p.submit("old, too")
	p.readPage(shared.ID, "both read this")
	p.readPage(young.ID, "both read this")
	p.exec("DELETE FROM evidence WHERE task_id = $1", young.ID) // so that only the visit refers to the snapshot
	p.age(old.ID, 30.1)
	p.age(shared.ID, 400)
	p.age(young.ID, 29.9)
	p.exec("UPDATE tasks SET created_at = now() - interval '1 year' WHERE id = $1", open.ID)
	const orphans = cleanupBatch + 20
	p.exec(`INSERT INTO pages (sha256, title, language, config, chars, content)
	        SELECT sha256(i::text::bytea), '', '', 'simple', length(i::text), i::text FROM generate_series(1, $1::int) i`, orphans)
	for _, key := range []string{"old", "new"} {
		if _, _, err := p.once(key, asked("q")); err != nil {
			t.Fatal(err)
		}
	}
	p.exec("UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = 'old'")
	p.exec(`INSERT INTO login_attempts (subject, failures, last_at, locked_until)
	        SELECT 'email:' || i, 1, now() - interval '25 hours', now() - interval '25 hours' FROM generate_series(1, $1::int) i`, orphans)
	p.exec("INSERT INTO login_attempts (subject, failures) VALUES ('email:today', 1)")

	if got, err := p.Expired(t.Context(), 0); err != nil || got != (Cleaned{Pages: orphans, Keys: 1}) {
		t.Errorf("without a retention it would remove %+v, %v", got, err)
	}
	want := Cleaned{Tasks: 2, Pages: orphans + 1, Keys: 1}
	if got, err := p.Expired(t.Context(), month); err != nil || got != want {
		t.Errorf("it would remove %+v, %v; want %+v", got, err, want)
	}
	if !p.exists(old.ID) {
		t.Fatal("the dry run removed a task")
	}
	if got, err := p.Cleanup(t.Context(), month); err != nil || got != want {
		t.Errorf("it removed %+v, %v; want %+v", got, err, want)
	}
	if p.exists(old.ID) || p.exists(shared.ID) || !p.exists(young.ID) {
		t.Error("it removed the wrong tasks")
	}
	if n := p.count("SELECT count(*) FROM pages"); n != 1 {
		t.Errorf("%d snapshots are left, want the one that the young task read", n)
	}
	if n := p.count("SELECT count(*) FROM tasks WHERE id = $1", open.ID); n != 1 {
		t.Error("it removed an open task")
	}
	if n := p.count("SELECT count(*) FROM login_attempts"); n != 1 {
		t.Errorf("%d failed logins are left, want that of today", n)
	}
	if n := p.count("SELECT count(*) FROM idempotency_keys WHERE key = 'new'"); n != 1 {
		t.Error("it removed a key that counts")
	}
	if got, err := p.Cleanup(t.Context(), month); err != nil || got != (Cleaned{}) {
		t.Errorf("the second time it removed %+v, %v", got, err)
	}
}

// TestCleanupKeepsPagesInUse runs a clean-up while a transaction that is not committed yet refers to an orphaned snapshot.
func TestCleanupKeepsPagesInUse(t *testing.T) {
	p := setup(t)
	first, second := p.submit("first"), p.submit("second")
	p.readPage(first.ID, "the same page")
	p.exec("DELETE FROM evidence")
	p.exec("DELETE FROM visits")
	p.take(second.ID, 1, p.reconciler().lease.WorkerID())
	sum := sha256.Sum256([]byte("the same page"))
	visit := &research.Visit{ID: uuid.Must(uuid.NewV7()), URL: "http://b.example/", FinalURL: "http://b.example/", Outcome: research.OutcomeOK, Status: 200,
		Page: &research.Page{ID: hex.EncodeToString(sum[:]), Text: "the same page"}}
	err := p.store.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		_, _, err := p.store.RecordStep(ctx, tx, second.ID, 1, research.Step{Turn: 1, CallNo: 1, Try: 1, Kind: research.ToolStep,
			Tool: "navigate_to", Result: []byte("{}"), Success: true, Visit: visit})
		if err != nil {
			return err
		}
		if got, err := p.Cleanup(t.Context(), month); err != nil || got.Pages != 0 {
			t.Errorf("while a transaction refers to the snapshot: %+v, %v", got, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := p.count("SELECT count(*) FROM pages"); n != 1 {
		t.Errorf("%d snapshots are left, want 1", n)
	}
	p.end(second.ID)
}

// TestCleanupInBatches removes more tasks than fit in one batch, by three clean-ups at once. They skip a locked task.
func TestCleanupInBatches(t *testing.T) {
	p := setup(t)
	const tasks = cleanupBatch + 20
	held := p.submit("held")
	p.end(held.ID)
	for range tasks {
		if _, err := p.Cancel(t.Context(), research.DefaultAccount, p.submit("q").ID, ""); err != nil {
			t.Fatal(err)
		}
	}
	p.exec("UPDATE tasks SET completed_at = now() - interval '31 days', started_at = NULL")
	err := p.store.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		if _, err := p.store.LockHead(ctx, tx, held.ID); err != nil {
			return err
		}
		var all sync.WaitGroup
		var removed [3]Cleaned
		for i := range removed {
			all.Go(func() {
				got, err := p.Cleanup(ctx, month)
				if err != nil {
					t.Errorf("clean-up: %v", err)
				}
				removed[i] = got
			})
		}
		all.Wait()
		if n := removed[0].Tasks + removed[1].Tasks + removed[2].Tasks; n != tasks {
			t.Errorf("%d tasks were removed, want %d", n, tasks)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Cleanup(t.Context(), month); err != nil || got.Tasks != 1 || p.exists(held.ID) {
		t.Errorf("after the lock was released: %+v, %v", got, err)
	}
}

// TestCleanupRunsByItself checks that a worker removes tasks older than the retention time, and their files.
func TestCleanupRunsByItself(t *testing.T) {
	p := setup(t)
	task := p.submit("q")
	p.end(task.ID)
	p.age(task.ID, 31)
	p.work((&script{}).run, func(c *RunnerConfig) { c.Retention = month })
	p.eventually("the task is gone", func() bool {
		_, err := p.store.For(research.DefaultAccount).Task(t.Context(), task.ID)
		return errors.Is(err, research.ErrNotFound)
	})
	p.eventually("its files are gone", func() bool {
		_, err := os.Stat(filepath.Join(p.dir, task.ID.String()))
		return errors.Is(err, os.ErrNotExist)
	})
}

// TestReindexRunsByItself checks that a worker splits passages into words anew that an older version has split.
func TestReindexRunsByItself(t *testing.T) {
	p := setup(t)
	p.readPage(p.submit("q").ID, "an old page")
	p.exec("UPDATE pages SET words_version = 0")
	p.work((&script{}).run)
	p.eventually("the words are those of this version", func() bool { return p.count("SELECT count(*) FROM pages WHERE words_version > 0") == 1 })
}

// TestFilesOfADeadCleanup stops a clean-up after its commit and before it removes files. The purge jobs must remove them.
func TestFilesOfADeadCleanup(t *testing.T) {
	p := setup(t)
	task := p.submit("q")
	p.end(task.ID)
	p.age(task.ID, 31)
	p.fp.Func("after_expire", func(context.Context) { panic("dies here") })
	func() {
		defer func() { _ = recover() }()
		_, _ = p.Cleanup(failpoint.With(t.Context(), p.fp), month)
	}()
	if _, err := os.Stat(filepath.Join(p.dir, task.ID.String(), "result.json")); err != nil {
		t.Fatalf("the files are gone already: %v", err)
	}
	q := p.other()
	q.work((&script{}).run)
	q.eventually("its files are gone", func() bool {
		_, err := os.Stat(filepath.Join(p.dir, task.ID.String()))
		return errors.Is(err, os.ErrNotExist)
	})
}
