package store_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
	"legwork/internal/research"
	"legwork/internal/store"
)

// bundle holds what most tests need: a store on a database of its own, the test and its context.
type bundle struct {
	store.Worker
	t   *testing.T
	ctx context.Context
}

func setup(t *testing.T) bundle {
	t.Helper()
	t.Parallel()
	return bundle{Worker: dbtest.New(t).Worker(), t: t, ctx: t.Context()}
}

func question(text string) research.NewTask {
	return research.NewTask{Question: text, Priority: research.Normal, Options: research.Options{
		MaxDepth: 3, MaxPages: 20, TimeBudget: 300 * time.Second, SearchEngine: research.Library, MaxResults: 10}}
}

// tx runs fn in a transaction and fails the test on an error.
func (b bundle) tx(fn func(ctx context.Context, tx pgx.Tx) error) {
	b.t.Helper()
	if err := b.InTx(b.ctx, fn); err != nil {
		b.t.Fatalf("transaction: %v", err)
	}
}

// task submits a task with a row in River's table as its job, because the audit requires one.
func (b bundle) task(account string, in research.NewTask) research.Task {
	b.t.Helper()
	id := uuid.Must(uuid.NewV7())
	var task research.Task
	b.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		task, _, err = b.For(account).CreateTask(ctx, tx, id, in, b.job(ctx, tx), dbtest.FirstEvent)
		return err
	})
	return task
}

func (b bundle) job(ctx context.Context, tx pgx.Tx) int64 {
	var id int64
	err := tx.QueryRow(ctx, `INSERT INTO river_job (kind, max_attempts, args) VALUES ('test', 1, '{}') RETURNING id`).Scan(&id)
	if err != nil {
		b.t.Fatalf("insert job: %v", err)
	}
	return id
}

// claim makes a new worker claim the task's epoch, and returns the worker's id.
func (b bundle) claim(id uuid.UUID, epoch int) uuid.UUID {
	b.t.Helper()
	worker := uuid.New()
	b.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, _, _, err := b.Claim(ctx, tx, id, epoch, worker, research.Pin{Provider: "reader", Prompt: "v1"}, store.Grant{},
			[]research.Event{research.Thinking("running", nil)})
		return err
	})
	return worker
}

// snapshot returns a page with the given paragraphs. Each is one passage.
func snapshot(title, language string, paragraphs ...string) *research.Page {
	p := &research.Page{Title: title, Language: language}
	for i, text := range paragraphs {
		start := utf8.RuneCountInString(p.Text)
		p.Text += text
		p.Passages = append(p.Passages, research.Passage{Ord: i, Start: start, End: utf8.RuneCountInString(p.Text), Heading: title})
		p.Text += "\n\n"
	}
	sum := sha256.Sum256([]byte(p.Text))
	p.ID = hex.EncodeToString(sum[:])
	return p
}

func visit(url string, p *research.Page) *research.Visit {
	v := &research.Visit{ID: uuid.Must(uuid.NewV7()), URL: url, FinalURL: url, Outcome: research.OutcomeOK, Status: 200, Page: p}
	if p != nil {
		v.Title = p.Title
	} else {
		v.Outcome, v.Status, v.Message = research.OutcomeNotFound, 404, "There is no such page."
	}
	return v
}

// record journals one navigate_to step with its visit.
func (b bundle) record(id uuid.UUID, epoch, turn int, v *research.Visit, citations ...research.Evidence) ([]research.Event, []research.Evidence, error) {
	var events []research.Event
	var cited []research.Evidence
	err := b.InTx(b.ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		events, cited, err = b.RecordStep(ctx, tx, id, epoch, research.Step{
			Turn: turn, CallNo: 1, Try: 1, Kind: research.ToolStep, Tool: "navigate_to", Args: []byte(`{"url":"x"}`),
			Result: []byte(`{"a":  1}`), Success: true, Duration: 1500 * time.Microsecond, Visit: v, Evidence: citations,
			Events: []research.Event{research.ToolResult("navigate_to", map[string]any{"ok": true}, true, nil)},
		})
		return err
	})
	return events, cited, err
}

// finish completes a task that is claimed at epoch.
func (b bundle) finish(id uuid.UUID, epoch int, cited ...int) []research.Event {
	b.t.Helper()
	var event research.Event
	b.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		event, err = dbtest.EndTask(ctx, b.Store, tx, id, epoch, research.Result{Answer: "forty-two [1]", Confidence: 0.5, Cited: cited}, nil)
		return err
	})
	return []research.Event{event}
}
