package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
	"legwork/internal/research"
	"legwork/internal/store"
)

// largePage returns a page with n passages under ten headings. Some characters have more than one byte.
func largePage(n int) *research.Page {
	var texts []string
	for i := range n {
		texts = append(texts, fmt.Sprintf("Kettle number %d – of “this” page – boils at %d °C.", i, i%100))
	}
	p := snapshot("Kettles", "en", texts...)
	for i := range p.Passages {
		p.Passages[i].Heading = fmt.Sprintf("Kettles › Part %d", i%10)
	}
	return p
}

// TestLargePage checks that a page with more passages than one statement stores is stored before its visit, that storing the
// visit does not store it again, and that its passages are ranked with their texts and headings.
func TestLargePage(t *testing.T) {
	b := setup(t)
	task := b.task("default", question("Which kettle?"))
	b.claim(task.ID, 1)
	p := largePage(1203)
	for range 2 { // the second time it is there already
		if err := b.StorePage(b.ctx, p, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	small := visit("http://a.example/small", snapshot("Small", "en", "A page about kettle number 1100, too."))
	for i, v := range []*research.Visit{visit("http://a.example/large", p), small} {
		if _, _, err := b.record(task.ID, 1, i+1, v); err != nil {
			t.Fatal(err)
		}
	}
	var passages, headings int
	if err := b.Pool().QueryRow(b.ctx, "SELECT count(*), count(DISTINCT heading) FROM passages").Scan(&passages, &headings); err != nil || passages != 1204 || headings != 11 {
		t.Errorf("%d passages with %d headings, %v", passages, headings, err)
	}
	hits, err := b.Rank(b.ctx, task.ID, "kettle number", 2000)
	if err != nil || len(hits) != 1204 {
		t.Fatalf("%d hits, %v", len(hits), err)
	}
	text := []rune(p.Text)
	for _, h := range hits {
		if h.PageID != p.ID {
			if h.Text != "A page about kettle number 1100, too." {
				t.Errorf("the small page: %+v", h)
			}
			continue
		}
		if h.Text != string(text[h.Start:h.End]) || h.Heading != fmt.Sprintf("Kettles › Part %d", h.Ord%10) {
			t.Fatalf("passage %d: %q below %q", h.Ord, h.Text, h.Heading)
		}
	}
	if hits, err = b.Rank(b.ctx, task.ID, "1100 part", 3); err != nil || len(hits) != 3 || hits[0].PageID == p.ID || !strings.HasPrefix(hits[1].Text, "Kettle number 1100 –") { // the shorter passage is first
		t.Errorf("%+v, %v", hits, err)
	}
}

// stuck makes the database wait for an advisory lock whenever a passage is stored.
func (b bundle) stuck() {
	b.t.Helper()
	if _, err := b.Pool().Exec(b.ctx, `CREATE FUNCTION wait_here() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN new; END $$;
		CREATE TRIGGER wait_here BEFORE INSERT ON passages FOR EACH ROW EXECUTE FUNCTION wait_here()`); err != nil {
		b.t.Fatal(err)
	}
	conn, err := b.Connect(b.ctx, "holder of the lock")
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := conn.Exec(b.ctx, "SELECT pg_advisory_lock(4711)"); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(b.ctx)) })
}

// waiting waits until a statement waits for the lock of stuck.
func (b bundle) waiting() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	for n := 0; n == 0; {
		if err := b.Pool().QueryRow(ctx, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted").Scan(&n); err != nil {
			b.t.Fatal(err)
		}
	}
}

// TestCancelWhileAPageIsStored checks that a task can be changed while one of its pages is being stored, and that storing ends at
// once when its context ends, without a trace.
func TestCancelWhileAPageIsStored(t *testing.T) {
	b := setup(t)
	task := b.task("default", question("q"))
	b.claim(task.ID, 1)
	b.stuck()
	ctx, cancel := context.WithCancel(b.ctx)
	done := make(chan error)
	go func() { done <- b.StorePage(ctx, largePage(10), time.Hour) }()
	b.waiting()
	b.tx(func(ctx context.Context, tx pgx.Tx) error { // as a cancel does
		_, err := b.LockHead(ctx, tx, task.ID)
		return err
	})
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	var n int
	if err := b.Pool().QueryRow(b.ctx, "SELECT count(*) FROM pages").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d pages are left, %v", n, err)
	}
}

// TestPageThatCannotBeStoredInTime checks that a page that takes too long is reported as such, whether the time limit of the
// caller or that of a statement ends it. The error is not one after which a run tries again.
func TestPageThatCannotBeStoredInTime(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	b := bundle{Worker: dbtest.Open(t, url).Worker(), t: t, ctx: t.Context()}
	impatient, err := store.Open(t.Context(), store.Config{URL: url, MaxConns: 2, StatementTimeout: 300 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(impatient.Close)
	if _, err := b.Pool().Exec(b.ctx, `CREATE FUNCTION take_long() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN new; END $$;
		CREATE TRIGGER take_long BEFORE INSERT ON passages FOR EACH ROW EXECUTE FUNCTION take_long()`); err != nil {
		t.Fatal(err)
	}
	v := visit("http://a.example/", largePage(10))
	for name, save := range map[string]func() error{
		"limit":   func() error { return b.StorePage(b.ctx, v.Page, 300*time.Millisecond) },
		"timeout": func() error { return impatient.Worker().StorePage(b.ctx, v.Page, time.Hour) },
		"library": func() error { _, err := impatient.For("default").SaveToLibrary(b.ctx, *v); return err },
	} {
		err := store.UntilAvailable(b.ctx, save)
		if !errors.Is(err, research.ErrTooSlow) || errors.Is(err, research.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.Pool().Exec(b.ctx, "DROP TRIGGER take_long ON passages"); err != nil {
		t.Fatal(err)
	}
	if isNew, err := b.For("default").SaveToLibrary(b.ctx, *v); err != nil || !isNew {
		t.Errorf("afterwards: %v, %v", isNew, err)
	}
}
