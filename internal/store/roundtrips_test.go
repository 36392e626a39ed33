package store_test

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
	"legwork/internal/research"
	"legwork/internal/store"
)

// tripCounter counts what is sent to the database: statements alone, and batches. It leaves out begin, commit and rollback.
type tripCounter struct{ n atomic.Int64 }

func (c *tripCounter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	if strings.HasPrefix(d.SQL, "-- name:") {
		c.n.Add(1)
	}
	return ctx
}

func (*tripCounter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (c *tripCounter) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	c.n.Add(1)
	return ctx
}

func (*tripCounter) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (*tripCounter) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// TestRoundTrips counts the round trips of everything that a run, a GET and the job on files do in the database. Each of them
// costs every run.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	counter := new(tripCounter)
	s, err := store.Open(t.Context(), store.Config{URL: dbtest.URL(t), MaxConns: 2, AcquireTimeout: time.Minute, Tracer: counter, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w, mine, id := s.Worker(), s.For(research.DefaultAccount), uuid.Must(uuid.NewV7())
	count := func(what string, want int64, f func(ctx context.Context, tx pgx.Tx) error) {
		t.Helper()
		before := counter.n.Load()
		if err := s.InTx(t.Context(), f); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if got := counter.n.Load() - before; got != want {
			t.Errorf("%s takes %d round trips, want %d", what, got, want)
		}
	}
	count("a submission, without River's job", 1, func(ctx context.Context, tx pgx.Tx) error {
		_, _, err := mine.CreateTask(ctx, tx, id, question("q"), 1, dbtest.FirstEvent)
		return err
	})
	count("a claim", 1, func(ctx context.Context, tx pgx.Tx) error {
		_, _, _, err := w.Claim(ctx, tx, id, 1, uuid.New(), research.Pin{Provider: "reader"}, store.Grant{}, []research.Event{research.Thinking("started", nil)})
		return err
	})
	count("the beginning of a run", 1, func(ctx context.Context, _ pgx.Tx) error {
		_, err := w.Resume(ctx, id, 1)
		return err
	})
	count("an append", 1, func(ctx context.Context, _ pgx.Tx) error {
		_, err := w.Append(ctx, nil, id, 1, []research.Event{research.Thinking("t", nil)})
		return err
	})
	count("a step without a page", 1, func(ctx context.Context, _ pgx.Tx) error {
		_, _, err := w.RecordStep(ctx, nil, id, 1, research.Step{Turn: 1, CallNo: 1, Try: 1, Kind: research.ToolStep, Tool: "find_in_page", Result: []byte("{}"), Success: true})
		return err
	})
	count("the end of a task, without River's jobs", 3, func(ctx context.Context, tx pgx.Tx) error {
		head, _, err := w.LockTask(ctx, tx, id)
		if err != nil {
			return err
		}
		_, err = w.EndTask(ctx, tx, id, head.Epoch, store.TaskEnd{Status: research.Completed, At: head.At, Result: research.Result{Answer: "a"},
			Event: func(seconds float64) research.Event { return research.Complete("a", []struct{}{}, 0.5, seconds, nil) }})
		return err
	})
	count("a GET of a task", 1, func(ctx context.Context, _ pgx.Tx) error {
		_, err := mine.Task(ctx, id)
		return err
	})
	count("a list", 2, func(ctx context.Context, _ pgx.Tx) error {
		_, err := mine.Tasks(ctx, store.TaskFilter{})
		return err
	})
	count("which files a task has", 1, func(ctx context.Context, _ pgx.Tx) error {
		_, err := mine.Artifacts(ctx, id)
		return err
	})
	count("which pages a task has opened", 1, func(ctx context.Context, _ pgx.Tx) error {
		_, err := mine.Visits(ctx, id)
		return err
	})
	count("the rows of three files", 1, func(ctx context.Context, _ pgx.Tx) error {
		_, err := w.AddArtifacts(ctx, id, research.Artifact{Name: "a.json", Kind: "result"}, research.Artifact{Name: "b.json", Kind: "sources"},
			research.Artifact{Name: "c.txt", Kind: "logs"})
		return err
	})
}
