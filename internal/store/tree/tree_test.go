package tree_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"legwork/internal/dbtest"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/store/tree"
)

// world has a deep task with a pool in a new database.
type world struct {
	*store.Store
	rows *tree.Store
	t    *testing.T
	root uuid.UUID
}

func newWorld(t *testing.T, pool research.Share) *world {
	t.Helper()
	w := &world{Store: dbtest.New(t), t: t}
	w.rows = tree.New(w.Store)
	w.root = w.task(research.Deep)
	w.must(w.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		own := research.Share{}
		if pool.Tokens != nil {
			own.Tokens = new(int64)
		}
		return w.rows.AddRoot(ctx, tx, w.root, pool, own)
	}))
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// task stores a task that has ended, so that it needs no job.
func (w *world) task(effort research.Effort) uuid.UUID {
	w.t.Helper()
	id := uuid.Must(uuid.NewV7())
	w.must(w.InTx(w.t.Context(), func(ctx context.Context, tx pgx.Tx) error { return w.insert(ctx, tx, id, effort) }))
	return id
}

func (w *world) insert(ctx context.Context, tx pgx.Tx, id uuid.UUID, effort research.Effort) error {
	in := research.NewTask{Question: "q", Priority: research.Normal, Options: research.Options{Effort: effort, Format: research.FormatAnswer,
		MaxDepth: 3, MaxPages: 20, TimeBudget: time.Minute, SearchEngine: research.Library, MaxResults: 10}}
	_, _, err := w.For(research.DefaultAccount).CreateTask(ctx, tx, id, in, 1, dbtest.FirstEvent)
	if err != nil {
		return err
	}
	end := store.TaskEnd{Status: research.Cancelled, At: time.Now(), Failure: &research.Failure{Code: research.CodeCancelled, Message: "over"},
		Event: func(float64) research.Event { return research.ErrorEvent(research.CodeCancelled, "over", false, nil) }}
	_, err = w.Worker().EndTask(ctx, tx, id, 1, end)
	return err
}

func amount(n int64) *int64 { return &n }

// TestPoolIsNeverExceeded lets several connections give shares to children, settle and abandon them at the same time. What
// is given never exceeds the pool, and always covers the shares. In the end everything was returned that was not used.
func TestPoolIsNeverExceeded(t *testing.T) {
	t.Parallel()
	pool := research.Share{Pages: 40, Seconds: 400, Tokens: amount(40_000), Microdollars: amount(4000)}
	w := newWorld(t, pool)
	var numbers atomic.Int64
	var working sync.WaitGroup
	var given atomic.Int64
	for n := range 6 {
		r := rand.New(rand.NewPCG(uint64(n), 3))
		working.Go(func() {
			for range 60 {
				if err := w.giveAndSettle(r, &numbers, &given); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	stop := make(chan struct{})
	var checking sync.WaitGroup
	checking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				w.check(pool)
			}
		}
	})
	working.Wait()
	close(stop)
	checking.Wait()
	w.check(pool)
	if given.Load() < 100 {
		t.Errorf("only %d shares were given", given.Load())
	}
	var left int64
	w.must(w.Pool().QueryRow(t.Context(), "SELECT given_pages + given_seconds + given_tokens + given_microdollars FROM tree_nodes WHERE depth = 1").Scan(&left))
	if left != 0 {
		t.Errorf("%d is given in the end, although every child was settled and used nothing", left)
	}
}

// giveAndSettle gives a child more or less than what is left, then settles and removes it. Sometimes the transaction of the
// share is rolled back, as in a crash.
func (w *world) giveAndSettle(r *rand.Rand, numbers, given *atomic.Int64) error {
	crash := errors.New("crash")
	child := uuid.Must(uuid.NewV7())
	want := research.Share{Pages: 1 + r.Int64N(25), Seconds: 1 + r.Int64N(250), Tokens: amount(r.Int64N(25_000)), Microdollars: amount(r.Int64N(2500))}
	err := w.InTx(w.t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		got, err := w.rows.Give(ctx, tx, w.root, want)
		if err != nil {
			return fmt.Errorf("give: %w", err)
		}
		if got.Pages > want.Pages || got.Seconds > want.Seconds || *got.Tokens > *want.Tokens || *got.Microdollars > *want.Microdollars {
			return fmt.Errorf("%+v was given of %+v", got, want)
		}
		if r.IntN(5) == 0 {
			return crash
		}
		if err := w.insert(ctx, tx, child, research.Standard); err != nil {
			return err
		}
		number := int(numbers.Add(1)%research.MaxChildren) + 1
		return w.rows.AddChild(ctx, tx, w.root, child, 1, research.Subquestion{Number: number, Share: got})
	})
	var pg *pgconn.PgError
	if errors.Is(err, crash) || errors.As(err, &pg) && pg.Code == "23505" { // another child has the number
		return nil
	}
	if err != nil {
		return err
	}
	given.Add(1)
	return w.InTx(w.t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		if err := w.rows.Settle(ctx, tx, child); err != nil {
			return fmt.Errorf("settle: %w", err)
		}
		_, err := tx.Exec(ctx, "DELETE FROM tasks WHERE id = $1", child)
		return err
	})
}

func (w *world) check(pool research.Share) {
	w.t.Helper()
	var ok bool
	err := w.Pool().QueryRow(w.t.Context(), `SELECT p.given_pages BETWEEN s.pages AND $1 AND p.given_seconds BETWEEN s.seconds AND $2
		AND p.given_tokens BETWEEN s.tokens AND $3 AND p.given_microdollars BETWEEN s.microdollars AND $4
		FROM tree_nodes p, (SELECT coalesce(sum(pages), 0) AS pages, coalesce(sum(seconds), 0) AS seconds, coalesce(sum(tokens), 0) AS tokens,
			coalesce(sum(microdollars), 0) AS microdollars FROM tree_nodes WHERE depth = 2) s WHERE p.depth = 1`,
		pool.Pages, pool.Seconds, *pool.Tokens, *pool.Microdollars).Scan(&ok)
	if err != nil || !ok {
		w.t.Errorf("the pool does not hold its shares: %v", err)
	}
}

// TestShapeOfTrees: the database refuses a child of a child, a thirteenth child, a task that is its own parent, and more
// than the pool.
func TestShapeOfTrees(t *testing.T) {
	t.Parallel()
	w := newWorld(t, research.Share{Pages: 10, Seconds: 100})
	add := func(parent, child uuid.UUID, number int) error {
		return w.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
			return w.rows.AddChild(ctx, tx, parent, child, 1, research.Subquestion{Number: number})
		})
	}
	child := w.task(research.Standard)
	w.must(add(w.root, child, 1))
	for what, err := range map[string]error{
		"a child of a child":    add(child, w.task(research.Standard), 1),
		"a parent without pool": add(w.task(research.Deep), w.task(research.Standard), 1),
		"a deep task as child":  add(w.root, w.root, 2),
		"a number twice":        add(w.root, w.task(research.Standard), 1),
		"the thirteenth":        add(w.root, w.task(research.Standard), 13),
	} {
		if err == nil || !strings.Contains(err.Error(), "SQLSTATE 23") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := w.Pool().Exec(t.Context(), "UPDATE tree_nodes SET given_pages = 11 WHERE task_id = $1", w.root); err == nil {
		t.Error("more than the pool was given")
	}
	w.must(func() error {
		_, err := w.Pool().Exec(t.Context(), "DELETE FROM tree_nodes WHERE depth = 2")
		return err
	}())
}
