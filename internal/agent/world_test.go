package agent

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/search"
	"legwork/internal/store"
	"legwork/internal/testsite"
)

// world runs the reader as the jobs package does: real pages over HTTP, real PostgreSQL, one epoch per run.
type world struct {
	t       testing.TB
	store   *store.Store
	fetcher *page.Fetcher
	worker  uuid.UUID
	engines *search.Set
	lists   *page.Lists // the operator's; nil: none
}

// openGate grants every request at once.
type openGate struct{}

func (openGate) Reserve(context.Context, string, page.Spacing) (time.Duration, error) { return 0, nil }
func (openGate) Backoff(context.Context, string, time.Duration) error                 { return nil }
func (openGate) Quiet(context.Context, string) (time.Duration, error)                 { return 0, nil }
func (openGate) Settle(context.Context, string) error                                 { return nil }

func newWorld(t testing.TB) *world {
	t.Helper()
	s := dbtest.New(t)
	w := &world{t: t, store: s, worker: uuid.New(), engines: search.NewSet(search.NewLibrary(func(ctx context.Context, account, question string, limit int) ([]research.Hit, error) {
		return s.For(account).SearchLibrary(ctx, question, limit)
	}))}
	w.fetcher = page.NewFetcher(page.Config{AllowNets: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: 10 * time.Second, Confine: testsite.StartFence(t).Confine}, openGate{})
	t.Cleanup(w.fetcher.Close)
	w.must(s.Worker().RegisterWorker(t.Context(), research.Worker{ID: w.worker, Slots: 1, Version: "test", Host: "test"}))
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// options are the defaults of the API, without a seed.
func options() research.Options {
	return research.Options{MaxDepth: 3, MaxPages: 20, TimeBudget: 5 * time.Minute, SearchEngine: research.Library,
		MaxResults: 10, SafeMode: true, AllowExternalLinks: true}
}

// submit creates a task.
func (w *world) submit(question string, o research.Options) *work {
	w.t.Helper()
	return w.follow(nil, question, o)
}

// follow creates a follow-up of a task, as the jobs package does.
func (w *world) follow(parent *research.Task, question string, o research.Options) *work {
	w.t.Helper()
	in := research.NewTask{Question: question, Options: o, Priority: research.Normal}
	if parent != nil {
		in.ParentID, in.Context = &parent.ID, &research.Context{Answer: *parent.Answer}
		if parent.Context != nil {
			in.Context.Questions = parent.Context.Questions
		}
		in.Context.Questions = append(in.Context.Questions, parent.Question)
	}
	job := &work{world: w, epoch: 1, try: 1}
	id, err := uuid.NewV7()
	w.must(err)
	w.must(w.store.InTx(w.t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		job.task, err = w.store.For(research.DefaultAccount).CreateTask(ctx, tx, id, in)
		if err != nil {
			return err
		}
		_, err = w.store.Worker().AddHead(ctx, tx, &job.task, 1, []research.Event{research.Thinking("Submitted.", nil)})
		if err == nil && parent != nil {
			err = w.store.Worker().Inherit(ctx, tx, parent.ID, id)
		}
		return err
	}))
	return job
}

// work is a task on its way.
type work struct {
	*world
	task  research.Task
	epoch int
	try   int
	spent time.Duration

	mu       sync.Mutex
	calls    []string // tools announced, over all runs
	effects  []string // loads, searches and rankings made, over all runs
	recorded int      // steps recorded, over all runs
	thoughts []string

	// Hooks of tests; nil: none. recordErr is asked before a step is recorded, after a step was.
	beforeRecord func(step research.Step) error
	afterRecord  func(step research.Step) error
	load         func(ctx context.Context, url string) (research.Visit, error)
	shoot        func(ctx context.Context, name string, r page.ShotRequest) (Picture, error) // nil: no browser
	started      func() time.Time
}

// env claims the task's epoch and gives the world of a run.
func (j *work) env() Env {
	j.t.Helper()
	s, id, epoch := j.store, j.task.ID, j.epoch
	j.must(s.InTx(j.t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		_, _, _, err := s.Worker().Claim(ctx, tx, id, epoch, j.worker, research.Pin{Provider: "reader", Prompt: ReaderVersion}, nil)
		return err
	}))
	journal, err := s.Worker().Journal(j.t.Context(), id)
	j.must(err)
	inherited, err := s.Worker().Inherited(j.t.Context(), id)
	j.must(err)
	o := j.task.Options
	e := Env{Task: j.task, Inherited: inherited, Try: j.try, Journal: journal, Spent: j.spent, Started: time.Now(), Lexemes: s.Worker().Lexemes,
		Scope: page.NewScope(o, j.lists, nil), Log: slog.New(slog.DiscardHandler)}
	if j.started != nil {
		e.Started = j.started()
	}
	e.Emit = func(ctx context.Context, events ...research.Event) error {
		j.note(events)
		return s.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
			_, err := s.Worker().Append(ctx, tx, id, epoch, events)
			return err
		})
	}
	e.Record = func(ctx context.Context, step research.Step) (citations []research.Evidence, err error) {
		if j.beforeRecord != nil {
			if err := j.beforeRecord(step); err != nil {
				return nil, err
			}
		}
		err = s.InTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
			_, citations, err = s.Worker().RecordStep(ctx, tx, id, epoch, step)
			return err
		})
		if err == nil {
			j.recorded++
			j.note(step.Events)
			if j.afterRecord != nil {
				err = j.afterRecord(step)
			}
		}
		return citations, err
	}
	e.Load = func(ctx context.Context, at page.Address) (research.Visit, error) {
		j.mu.Lock() // pages of different domains are loaded at once
		j.effects = append(j.effects, "load "+at.URL)
		j.mu.Unlock()
		if j.load != nil {
			return j.load(ctx, at.URL)
		}
		return j.fetcher.Load(ctx, at.URL, e.Scope.Policy(at))
	}
	e.Search = func(ctx context.Context, query string) (search.Answer, error) {
		j.mu.Lock()
		j.effects = append(j.effects, "search "+query)
		j.mu.Unlock()
		return j.engines.Search(ctx, o.SearchEngine, search.Query{Account: research.DefaultAccount, Text: query, Limit: o.MaxResults})
	}
	e.Page = func(ctx context.Context, id string) (research.Page, error) {
		return s.For(research.DefaultAccount).Page(ctx, id)
	}
	e.Shoot = j.shoot
	e.Rank = func(ctx context.Context, question string, limit int) ([]research.Hit, error) {
		j.effects = append(j.effects, "rank")
		return s.Worker().Rank(ctx, id, question, limit)
	}
	return e
}

func (j *work) note(events []research.Event) {
	for _, e := range events {
		switch e.Type {
		case research.EventToolCall:
			j.calls = append(j.calls, string(e.Body))
		case research.EventThinking:
			j.thoughts = append(j.thoughts, string(e.Body))
		}
	}
}

// run makes one run and ends it as the jobs package would: completed, failed, or put back to wait for the next one.
func (j *work) run(ctx context.Context) (research.Result, error) {
	j.t.Helper()
	res, err := Read(ctx, j.env())
	var failure *research.Failure
	switch {
	case err == nil:
		j.complete(res)
	case errors.As(err, &failure) && !failure.Transient:
		j.fail(failure)
	default:
		j.requeue()
	}
	return res, err
}

// complete ends the task with an answer.
func (j *work) complete(res research.Result) {
	j.t.Helper()
	j.must(j.store.InTx(j.t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		_, err := dbtest.EndTask(ctx, j.store, tx, j.task.ID, j.epoch, res, nil)
		return err
	}))
}

// fail ends the task.
func (j *work) fail(f *research.Failure) {
	j.t.Helper()
	j.must(j.store.InTx(j.t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		_, err := dbtest.EndTask(ctx, j.store, tx, j.task.ID, j.epoch, research.Result{}, f)
		return err
	}))
}

// requeue hands the task back for another run of the same try.
func (j *work) requeue() {
	j.t.Helper()
	j.must(j.store.InTx(j.t.Context(), func(ctx context.Context, tx pgx.Tx) (err error) {
		j.epoch, _, err = j.store.Worker().Requeue(ctx, tx, j.task.ID, j.epoch, j.try, store.RunHandedBack, nil)
		return err
	}))
}

// finished is the task as it ended, with its citations.
func (j *work) finished() research.Task {
	j.t.Helper()
	task, err := j.store.For(research.DefaultAccount).Task(j.t.Context(), j.task.ID)
	j.must(err)
	return task
}
