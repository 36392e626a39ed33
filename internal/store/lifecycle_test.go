package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
	"legwork/internal/research"
	"legwork/internal/store"
)

func TestLifecycle(t *testing.T) {
	b := setup(t)
	task := b.task("default", question("What is it?"))
	if task.Status != research.Queued {
		t.Errorf("status without any worker = %s, want queued", task.Status)
	}
	b.claim(task.ID, 1)
	page := snapshot("Title", "en", "The answer is forty-two.", "Nothing else — at all.")
	v := visit("http://a.example/x", page)
	if _, _, err := b.record(task.ID, 1, 1, v); err != nil {
		t.Fatal(err)
	}
	cite := research.Evidence{Number: 1, PageID: page.ID, VisitID: v.ID, URL: v.URL, Title: "Title", Start: 26, End: 48}
	_, cited, err := b.record(task.ID, 1, 2, nil, cite)
	if err != nil {
		t.Fatal(err)
	}
	if want := "Nothing else — at all."; cited[0].Excerpt != want {
		t.Errorf("excerpt = %q, want the snapshot's own span %q", cited[0].Excerpt, want)
	}
	b.finish(task.ID, 1, 1)

	got, err := b.For("default").Task(b.ctx, task.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != research.Completed || got.Answer == nil || got.LastSeq != 5 || len(got.Citations) != 1 || got.Citations[0].Marker != 1 {
		t.Errorf("task = %+v", got)
	}
	if got.Usage.Pages != 1 || got.Usage.ToolCalls != 2 || got.Duration == nil || *got.Duration < 0 {
		t.Errorf("usage = %+v, duration = %v", got.Usage, got.Duration)
	}
	events, err := b.Events(b.ctx, task.ID, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var told struct{ Duration float64 }
	if err := json.Unmarshal(events[len(events)-1].Body, &told); err != nil || told.Duration <= 0 || told.Duration != *got.Duration {
		t.Errorf("the event tells of %v s, the task of %v s, %v", told.Duration, *got.Duration, err)
	}
	for i, e := range events {
		if e.Seq != int64(i+1) || e.Terminal != (i == len(events)-1) {
			t.Errorf("event %d: seq %d terminal %v", i, e.Seq, e.Terminal)
		}
		if i > 0 && e.Time.Before(events[i-1].Time) {
			t.Errorf("event %d is older than the one before it", i)
		}
	}
	journal, err := b.Journal(b.ctx, task.ID)
	if err != nil || len(journal) != 2 || string(journal[0].Result) != `{"a":  1}` {
		t.Errorf("journal = %+v (%v), want the result byte for byte", journal, err)
	}
}

func TestFence(t *testing.T) {
	b := setup(t)
	task := b.task("default", question("q"))
	if _, _, err := b.record(task.ID, 2, 1, nil); !errors.Is(err, research.ErrFenced) {
		t.Errorf("write at a future epoch: %v, want ErrFenced", err)
	}
	b.claim(task.ID, 1)
	err := b.InTx(b.ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, _, _, err := b.Claim(ctx, tx, task.ID, 1, uuid.New(), research.Pin{}, store.Grant{}, nil)
		return err
	})
	if !errors.Is(err, research.ErrFenced) {
		t.Errorf("second claim of one epoch: %v, want ErrFenced", err)
	}
	// The task is queued again, at epoch 2.
	b.tx(func(ctx context.Context, tx pgx.Tx) error {
		epoch, _, err := b.Requeue(ctx, tx, task.ID, 1, 1, 0, store.RunHandedBack, []research.Event{research.Thinking("handed back", nil)})
		if err != nil {
			return err
		}
		if epoch != 2 {
			t.Errorf("new epoch = %d, want 2", epoch)
		}
		return b.SetJob(ctx, tx, task.ID, b.job(ctx, tx))
	})
	before, _ := b.Events(b.ctx, task.ID, 0, 100)
	stale := map[string]func(ctx context.Context, tx pgx.Tx) error{
		"append": func(ctx context.Context, tx pgx.Tx) error {
			_, err := b.Append(ctx, tx, task.ID, 1, []research.Event{research.Thinking("late", nil)})
			return err
		},
		"complete": func(ctx context.Context, tx pgx.Tx) error {
			_, err := dbtest.EndTask(ctx, b.Store, tx, task.ID, 1, research.Result{Answer: "late"}, nil)
			return err
		},
		"fail": func(ctx context.Context, tx pgx.Tx) error {
			_, err := dbtest.EndTask(ctx, b.Store, tx, task.ID, 1, research.Result{}, &research.Failure{Code: "internal", Message: "late"})
			return err
		},
		"requeue": func(ctx context.Context, tx pgx.Tx) error {
			_, _, err := b.Requeue(ctx, tx, task.ID, 1, 2, 0, store.RunRetry, nil)
			return err
		},
	}
	for name, write := range stale {
		if err := b.InTx(b.ctx, write); !errors.Is(err, research.ErrFenced) {
			t.Errorf("stale %s: %v, want ErrFenced", name, err)
		}
	}
	if _, _, err := b.record(task.ID, 1, 1, visit("http://a.example/", snapshot("T", "en", "x"))); !errors.Is(err, research.ErrFenced) {
		t.Errorf("stale step: %v, want ErrFenced", err)
	}
	after, _ := b.Events(b.ctx, task.ID, 0, 100)
	if len(after) != len(before) {
		t.Errorf("stale writes added %d events", len(after)-len(before))
	}
	if epochs, err := b.Epochs(b.ctx, []uuid.UUID{task.ID, uuid.New()}); err != nil || epochs[task.ID] != 2 || len(epochs) != 1 {
		t.Errorf("epochs = %v, %v", epochs, err)
	}
	if r, err := b.Resume(b.ctx, task.ID, 2); err != nil || r.Spent < 0 || r.Epoch != 2 || r.Task.ID != task.ID {
		t.Errorf("resumed %+v, %v", r, err)
	}
}

func TestConcurrentAppendsAreGapless(t *testing.T) {
	b := setup(t)
	task := b.task("default", question("q"))
	b.claim(task.ID, 1)
	const writers, each = 8, 15
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				err := b.InTx(b.ctx, func(ctx context.Context, tx pgx.Tx) error {
					_, err := b.Append(ctx, tx, task.ID, 1, []research.Event{research.Thinking("a", nil), research.Thinking("b", nil)})
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	events, err := b.Events(b.ctx, task.ID, 0, 1000)
	if err != nil || len(events) != 2+writers*each*2 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	for i, e := range events {
		if e.Seq != int64(i+1) {
			t.Fatalf("event %d has seq %d", i, e.Seq)
		}
	}
	states, err := b.LogStates(b.ctx, []uuid.UUID{task.ID, uuid.New()})
	if err != nil || states[task.ID].LastSeq != int64(len(events)) || states[task.ID].Terminal || len(states) != 1 {
		t.Errorf("states = %v, %v", states, err)
	}
}

func TestCancelledAndFailed(t *testing.T) {
	b := setup(t)
	for status, code := range map[research.Status]string{research.Cancelled: research.CodeCancelled, research.Failed: research.CodeNoSources} {
		task := b.task("default", question("q"))
		var event research.Event
		b.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
			event, err = dbtest.EndTask(ctx, b.Store, tx, task.ID, 1, research.Result{}, &research.Failure{Code: code, Message: "because"})
			return err
		})
		if !event.Terminal || event.Seq != 2 {
			t.Errorf("%s: event = %v", status, event)
		}
		got, err := b.For("default").Task(b.ctx, task.ID)
		if err != nil || got.Status != status || *got.Error != "because" || *got.ErrorCode != code || got.Duration != nil {
			t.Errorf("%s: %+v, %v", status, got, err)
		}
		if err := b.InTx(b.ctx, func(ctx context.Context, tx pgx.Tx) error {
			_, _, _, err := b.Claim(ctx, tx, task.ID, 2, uuid.New(), research.Pin{}, store.Grant{}, nil)
			return err
		}); !errors.Is(err, research.ErrFenced) {
			t.Errorf("%s: claim of a finished task: %v, want ErrFenced", status, err)
		}
	}
}

func TestAccountsAreApart(t *testing.T) {
	b := setup(t)
	if _, err := b.Pool().Exec(b.ctx, "INSERT INTO accounts (id) VALUES ('other')"); err != nil {
		t.Fatal(err)
	}
	mine := b.task("default", question("shared words"))
	theirs := b.task("other", question("shared words"))
	b.claim(theirs.ID, 1)
	secret := visit("http://intranet.example/", snapshot("Secret", "en", "the shared words of a secret page"))
	if _, _, err := b.record(theirs.ID, 1, 1, secret); err != nil {
		t.Fatal(err)
	}
	if _, err := b.For("default").Task(b.ctx, theirs.ID); !errors.Is(err, research.ErrNotFound) {
		t.Errorf("another account's task: %v, want ErrNotFound", err)
	}
	if _, err := b.For("default").Visits(b.ctx, theirs.ID); !errors.Is(err, research.ErrNotFound) {
		t.Errorf("another account's visits: %v", err)
	}
	if _, err := b.For("default").Artifacts(b.ctx, theirs.ID); !errors.Is(err, research.ErrNotFound) {
		t.Errorf("another account's artifacts: %v", err)
	}
	if _, err := b.For("default").Page(b.ctx, secret.Page.ID); !errors.Is(err, research.ErrNotFound) {
		t.Errorf("another account's snapshot: %v", err)
	}
	if p, err := b.For("other").Page(b.ctx, secret.Page.ID); err != nil || p.Text != secret.Page.Text {
		t.Errorf("own snapshot: %v, %v", p, err)
	}
	if hits, err := b.For("default").SearchLibrary(b.ctx, "secret words", 10); err != nil || len(hits) != 0 {
		t.Errorf("library of another account: %v, %v", hits, err)
	}
	if hits, err := b.For("other").SearchLibrary(b.ctx, "secret words", 10); err != nil || len(hits) != 1 {
		t.Errorf("own library: %v, %v", hits, err)
	}
	list, err := b.For("default").Tasks(b.ctx, store.TaskFilter{Query: "shared"})
	if err != nil || list.Total != 1 || list.Tasks[0].ID != mine.ID {
		t.Errorf("list: %+v %v", list, err)
	}
}
