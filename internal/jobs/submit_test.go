//go:build failpoints

package jobs

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"legwork/internal/research"
)

func asked(q string) research.NewTask {
	return research.NewTask{Question: q, Priority: research.Normal,
		Options: research.Options{MaxDepth: 3, MaxPages: 20, TimeBudget: time.Minute, SearchEngine: research.Library, MaxResults: 10}}
}

func (p *process) once(key string, in research.NewTask) (research.Task, bool, error) {
	p.t.Helper()
	return p.SubmitOnce(p.t.Context(), research.DefaultAccount, key, in)
}

func wantKeyRefused(t *testing.T, err error) {
	t.Helper()
	var v *research.ValidationError
	if !errors.As(err, &v) || len(v.Fields) != 1 || v.Fields[0].Field != "idempotencyKey" {
		t.Errorf("got %v, want a validation error of idempotencyKey", err)
	}
}

func TestSubmitOnce(t *testing.T) {
	p := setup(t)
	in := asked("q")
	in.Options.Metadata = map[string]any{"a": "1", "b": map[string]any{"c": true}}
	first, replayed, err := p.once("k", in)
	if err != nil || replayed {
		t.Fatalf("first: %v, %v", replayed, err)
	}
	same := in
	same.Options.AllowDomains, same.Options.DenyDomains = []string{}, []string{}
	if got, replayed, err := p.once("k", same); err != nil || !replayed || got.ID != first.ID {
		t.Errorf("again: %s, %v, %v", got.ID, replayed, err)
	}
	if got, replayed, err := p.once("K", in); err != nil || replayed || got.ID == first.ID {
		t.Errorf("another key: %s, %v, %v", got.ID, replayed, err)
	}
	changes := map[string]func(*research.NewTask){
		"question": func(n *research.NewTask) { n.Question = "q " },
		"priority": func(n *research.NewTask) { n.Priority = research.High },
		"parent":   func(n *research.NewTask) { n.ParentID = &first.ID },
		"seed":     func(n *research.NewTask) { n.Options.SeedURL = "https://example.com" },
		"pages":    func(n *research.NewTask) { n.Options.MaxPages++ },
		"safe":     func(n *research.NewTask) { n.Options.SafeMode = true },
		"allow":    func(n *research.NewTask) { n.Options.AllowDomains = []string{"a.example"} },
		"metadata": func(n *research.NewTask) { n.Options.Metadata = map[string]any{"a": "2"} },
	}
	for name, change := range changes {
		other := in
		change(&other)
		_, _, err := p.once("k", other)
		t.Logf("other %s: %v", name, err)
		wantKeyRefused(t, err)
	}
	// A submission with the same key returns the task in its present state.
	if _, err := p.Cancel(t.Context(), research.DefaultAccount, first.ID, ""); err != nil {
		t.Fatal(err)
	}
	if got, replayed, err := p.once("k", in); err != nil || !replayed || got.Status != research.Cancelled {
		t.Errorf("after the cancel: %s, %v, %v", got.Status, replayed, err)
	}
	if err := p.Delete(t.Context(), research.DefaultAccount, first.ID, ""); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.once("k", in); !errors.Is(err, research.ErrGone) {
		t.Errorf("after the delete: %v", err)
	}
	// After a day the key can be used again, whether the clean-up has removed it or not.
	p.exec("UPDATE idempotency_keys SET created_at = now() - interval '23 hours 59 minutes'")
	if _, _, err := p.once("k", in); !errors.Is(err, research.ErrGone) {
		t.Errorf("within a day: %v", err)
	}
	p.exec("UPDATE idempotency_keys SET created_at = now() - interval '24 hours 1 minute'")
	if got, replayed, err := p.once("k", asked("another")); err != nil || replayed || got.ID == first.ID {
		t.Errorf("after a day: %s, %v, %v", got.ID, replayed, err)
	}
	for _, key := range []string{"", " ", "a b", "é", "a\n", strings.Repeat("k", 256)} {
		_, _, err := p.once(key, in)
		wantKeyRefused(t, err)
	}
	if _, _, err := p.once(strings.Repeat("~", 255), in); err != nil {
		t.Errorf("the longest key: %v", err)
	}
}

// TestRetryAcrossAnUpdate checks that a retry matches its first request, although an update of the server in between brought an
// option or another default.
func TestRetryAcrossAnUpdate(t *testing.T) {
	p := setup(t)
	sent := []byte(`{"question":"q"}`)
	in := asked("q")
	in.Request = sent
	first, _, err := p.once("k", in)
	if err != nil {
		t.Fatal(err)
	}
	updated := in
	updated.Options.MaxPages, updated.Options.Fresh = 50, true
	if got, replayed, err := p.once("k", updated); err != nil || !replayed || got.ID != first.ID {
		t.Errorf("the same request with other defaults: %s, %v, %v", got.ID, replayed, err)
	}
	other := updated
	other.Request = []byte(`{"maxPages":50,"question":"q"}`)
	_, _, err = p.once("k", other)
	wantKeyRefused(t, err)
}

// TestRetryOfTheFormerVersion checks that keys of the version before still match. That version hashed requests with defaults.
func TestRetryOfTheFormerVersion(t *testing.T) {
	p := setup(t)
	former := asked("q")
	first, _, err := p.once("k", former) // without Request, so the former hash is used
	if err != nil {
		t.Fatal(err)
	}
	var hash string
	if err := p.store.Pool().QueryRow(t.Context(), "SELECT encode(request_hash, 'hex') FROM idempotency_keys").Scan(&hash); err != nil {
		t.Fatal(err)
	}
	if want := "7bed5fe8c66e84d6b38c1b2006ee8bb88f7189087d2c9ea419265f3cba3bddf9"; hash != want {
		t.Errorf("the former hash is %s now, was %s", hash, want)
	}
	now := former
	now.Request = []byte(`{"question":"q"}`)
	if got, replayed, err := p.once("k", now); err != nil || !replayed || got.ID != first.ID {
		t.Errorf("a retry after the update: %s, %v, %v", got.ID, replayed, err)
	}
	now.Question = "another"
	_, _, err = p.once("k", now)
	wantKeyRefused(t, err)
}

// TestRefusedSubmissionKeepsItsKey checks that a refused submission does not use up its idempotency key: the
// corrected submission can use the same key.
func TestRefusedSubmissionKeepsItsKey(t *testing.T) {
	p := setup(t)
	in := asked("q")
	nobody := uuid.New()
	in.ParentID = &nobody
	var v *research.ValidationError
	if _, _, err := p.once("k", in); !errors.As(err, &v) || v.Fields[0].Field != "parentTaskId" {
		t.Fatalf("unknown parent: %v", err)
	}
	in.ParentID = nil
	if _, replayed, err := p.once("k", in); err != nil || replayed {
		t.Errorf("after the refusal: %v, %v", replayed, err)
	}
}

// TestSubmitOnceInParallel sends fifty submissions with one key at once, through two processes. They must make one task.
func TestSubmitOnceInParallel(t *testing.T) {
	p := setup(t)
	q := p.other()
	const n = 50
	var all sync.WaitGroup
	ids, fresh := make([]uuid.UUID, n), make([]bool, n)
	for i := range n {
		from := p
		if i%2 == 1 {
			from = q
		}
		all.Go(func() {
			task, replayed, err := from.SubmitOnce(context.Background(), research.DefaultAccount, "k", asked("q"))
			if err != nil {
				t.Errorf("submission %d: %v", i, err)
			}
			ids[i], fresh[i] = task.ID, !replayed
		})
	}
	all.Wait()
	firsts := 0
	for i := range n {
		if ids[i] != ids[0] {
			t.Fatalf("two tasks: %s and %s", ids[0], ids[i])
		}
		if fresh[i] {
			firsts++
		}
	}
	if stored := p.count("SELECT count(*) FROM tasks"); firsts != 1 || stored != 1 {
		t.Errorf("%d submissions were the first, %d tasks are stored", firsts, stored)
	}
}

func TestFullQueue(t *testing.T) {
	p := setup(t)
	p.LimitQueue(2)
	first, _, err := p.once("k", asked("q"))
	if err != nil {
		t.Fatal(err)
	}
	p.submit("q")
	if _, err := p.Submit(t.Context(), research.DefaultAccount, asked("q")); !errors.Is(err, research.ErrQueueFull) {
		t.Errorf("third of two: %v", err)
	}
	if _, err := p.Rerun(t.Context(), research.DefaultAccount, first.ID, research.Author{}); !errors.Is(err, research.ErrQueueFull) {
		t.Errorf("a rerun: %v", err)
	}
	if _, _, err := p.once("k2", asked("q")); !errors.Is(err, research.ErrQueueFull) {
		t.Errorf("under a key: %v", err)
	}
	if _, replayed, err := p.once("k", asked("q")); err != nil || !replayed {
		t.Errorf("what was accepted is replayed also by a full queue: %v, %v", replayed, err)
	}
	p.take(first.ID, 1, p.reconciler().lease.WorkerID()) // the task runs, so it does not count as waiting
	if _, replayed, err := p.once("k2", asked("q")); err != nil || replayed {
		t.Errorf("with room again: %v, %v", replayed, err)
	}
	if n := p.count("SELECT count(*) FROM tasks"); n != 3 {
		t.Errorf("%d tasks are stored, want 3", n)
	}
	if err := p.store.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}
