package agenttest

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"legwork/internal/agent"
	"legwork/internal/dbtest"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/runenv"
	"legwork/internal/search"
	"legwork/internal/store"
	"legwork/internal/testsite"
)

// World runs research as the jobs package does: real pages over HTTP, real PostgreSQL, one epoch per run.
type World struct {
	T        testing.TB
	Store    *store.Store
	Fetcher  *page.Fetcher
	worker   uuid.UUID
	Engines  *search.Set
	Lists    *page.Lists                                                       // the operator's lists of domains; nil means no lists
	research func(ctx context.Context, env agent.Env) (research.Result, error) // researches a task
	pin      research.Pin                                                      // the provider, model and prompts that tasks are pinned to
}

// OpenGate is a page.Gate that lets every request start at once.
type OpenGate struct{}

// Reserve implements page.Gate.
func (OpenGate) Reserve(context.Context, string, page.Spacing) (time.Duration, error) { return 0, nil }

// Backoff implements page.Gate.
func (OpenGate) Backoff(context.Context, string, time.Duration) error { return nil }

// Quiet implements page.Gate.
func (OpenGate) Quiet(context.Context, string) (time.Duration, error) { return 0, nil }

// Settle implements page.Gate.
func (OpenGate) Settle(context.Context, string) error { return nil }

// New makes a World that runs tasks with the function work. Tasks are pinned to pin.
func New(t testing.TB, work func(ctx context.Context, env agent.Env) (research.Result, error), pin research.Pin) *World {
	t.Helper()
	s := dbtest.New(t)
	w := &World{T: t, research: work, pin: pin, Store: s, worker: uuid.New(), Engines: search.NewSet(search.NewLibrary(func(ctx context.Context, account, question string, limit int) ([]research.Hit, error) {
		return s.For(account).SearchLibrary(ctx, question, limit)
	}))}
	w.Fetcher = page.NewFetcher(page.Config{AllowNets: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: 10 * time.Second, Confine: testsite.StartFence(t).Confine}, OpenGate{})
	t.Cleanup(w.Fetcher.Close)
	w.Must(s.Worker().RegisterWorker(t.Context(), research.Worker{ID: w.worker, Slots: 1, Version: "test", Host: "test"}))
	return w
}

// Must ends the test if err is not nil.
func (w *World) Must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

// Options returns the defaults of the API, without a start page.
func Options() research.Options {
	return research.Options{MaxDepth: 3, MaxPages: 20, TimeBudget: 5 * time.Minute, SearchEngine: research.Library,
		MaxResults: 10, SafeMode: true, AllowExternalLinks: true}
}

// Submit creates a task.
func (w *World) Submit(question string, o research.Options) *Work {
	w.T.Helper()
	return w.Follow(nil, question, o)
}

// Follow creates a follow-up of a task, as the jobs package does.
func (w *World) Follow(parent *research.Task, question string, o research.Options) *Work {
	w.T.Helper()
	in := research.NewTask{Question: question, Options: o, Priority: research.Normal}
	if parent != nil {
		in.ParentID, in.Context = &parent.ID, &research.Context{Answer: *parent.Answer}
		if parent.Context != nil {
			in.Context.Questions = parent.Context.Questions
		}
		in.Context.Questions = append(in.Context.Questions, parent.Question)
	}
	job := &Work{World: w, epoch: 1, Try: 1}
	id, err := uuid.NewV7()
	w.Must(err)
	w.Must(w.Store.InTx(w.T.Context(), func(ctx context.Context, tx pgx.Tx) error {
		job.Task, _, err = w.Store.For(research.DefaultAccount).CreateTask(ctx, tx, id, in, 1, dbtest.FirstEvent)
		if err == nil && parent != nil {
			err = w.Store.Worker().Inherit(ctx, tx, parent.ID, id)
		}
		return err
	}))
	return job
}

// Work is a task that is being researched.
type Work struct {
	*World
	Task  research.Task
	epoch int
	Try   int
	Spent time.Duration

	mu       sync.Mutex
	Calls    []string // bodies of the tool_call events, over all runs
	Effects  []string // page loads, searches and rankings that were made, over all runs
	Recorded int      // number of steps recorded, over all runs
	Thoughts []string

	// Hooks of tests; each may be nil. BeforeRecord is called before a step is recorded, AfterRecord after it.
	BeforeRecord func(step research.Step) error
	AfterRecord  func(step research.Step) error
	Load         func(ctx context.Context, url string) (research.Visit, error)
	Keep         func(ctx context.Context, p *research.Page) error                                 // stores a large page; nil means that the store does
	Shoot        func(ctx context.Context, name string, r page.ShotRequest) (agent.Picture, error) // takes pictures; nil means that there is no browser
	Started      func() time.Time
}

// Env starts a run at the task's current epoch and returns its agent.Env.
func (j *Work) Env() agent.Env {
	j.T.Helper()
	s, id, epoch := j.Store, j.Task.ID, j.epoch
	j.Must(s.InTx(j.T.Context(), func(ctx context.Context, tx pgx.Tx) error {
		_, _, _, err := s.Worker().Claim(ctx, tx, id, epoch, j.worker, j.pin, store.Grant{}, nil)
		return err
	}))
	task, _, err := s.Worker().TaskForRun(j.T.Context(), id)
	j.Must(err)
	journal, err := s.Worker().Journal(j.T.Context(), id)
	j.Must(err)
	inherited, err := s.Worker().Inherited(j.T.Context(), id)
	j.Must(err)
	run := runenv.Open(runenv.Config{Store: s.Worker(), Task: task, Epoch: epoch, Try: j.Try, Spent: j.Spent, Journal: journal, Inherited: inherited,
		Pages: j.Fetcher, Engines: j.Engines, Lists: j.Lists})
	j.T.Cleanup(run.Close)
	e := run.Env()
	if j.Started != nil {
		e.Started = j.Started()
	}
	e.Shoot = j.Shoot
	if j.Keep != nil {
		e.Keep = j.Keep
	}
	j.observe(&e)
	return e
}

// observe wraps the functions of e. They record the calls of the run, and call the hooks of the test.
func (j *Work) observe(e *agent.Env) {
	emit, record, load, find, rank := e.Emit, e.Record, e.Load, e.Search, e.Rank
	effect := func(what string) {
		j.mu.Lock() // because pages of different domains are loaded at the same time
		defer j.mu.Unlock()
		j.Effects = append(j.Effects, what)
	}
	e.Emit = func(ctx context.Context, events ...research.Event) error {
		j.note(events)
		return emit(ctx, events...)
	}
	e.Record = func(ctx context.Context, step research.Step) ([]research.Evidence, error) {
		if j.BeforeRecord != nil {
			if err := j.BeforeRecord(step); err != nil {
				return nil, err
			}
		}
		evidence, err := record(ctx, step)
		if err == nil {
			j.Recorded++
			j.note(step.Events)
			if j.AfterRecord != nil {
				err = j.AfterRecord(step)
			}
		}
		return evidence, err
	}
	e.Load = func(ctx context.Context, at page.Address) (research.Visit, error) {
		effect("load " + at.URL)
		if j.Load != nil {
			return j.Load(ctx, at.URL)
		}
		return load(ctx, at)
	}
	e.Search = func(ctx context.Context, query string) (search.Answer, error) {
		effect("search " + query)
		return find(ctx, query)
	}
	e.Rank = func(ctx context.Context, question string, limit int) ([]research.Hit, error) {
		effect("rank")
		return rank(ctx, question, limit)
	}
}

func (j *Work) note(events []research.Event) {
	for _, e := range events {
		switch e.Type {
		case research.EventToolCall:
			j.Calls = append(j.Calls, string(e.Body))
		case research.EventThinking:
			j.Thoughts = append(j.Thoughts, string(e.Body))
		}
	}
}

// Run makes one run and ends it as the jobs package does: completed, failed, or queued for the next run.
func (j *Work) Run(ctx context.Context) (research.Result, error) {
	j.T.Helper()
	res, err := j.research(ctx, j.Env())
	var failure *research.Failure
	switch {
	case err == nil:
		j.Complete(res)
	case errors.As(err, &failure) && !failure.Transient:
		j.Fail(failure)
	default:
		j.Requeue()
	}
	return res, err
}

// Complete ends the task with an answer.
func (j *Work) Complete(res research.Result) {
	j.T.Helper()
	j.Must(j.Store.InTx(j.T.Context(), func(ctx context.Context, tx pgx.Tx) error {
		_, err := dbtest.EndTask(ctx, j.Store, tx, j.Task.ID, j.epoch, res, nil)
		return err
	}))
}

// Fail ends the task with a failure.
func (j *Work) Fail(f *research.Failure) {
	j.T.Helper()
	j.Must(j.Store.InTx(j.T.Context(), func(ctx context.Context, tx pgx.Tx) error {
		_, err := dbtest.EndTask(ctx, j.Store, tx, j.Task.ID, j.epoch, research.Result{}, f)
		return err
	}))
}

// Requeue ends the run, so that another run of the same try follows.
func (j *Work) Requeue() {
	j.T.Helper()
	j.Must(j.Store.InTx(j.T.Context(), func(ctx context.Context, tx pgx.Tx) (err error) {
		j.epoch, _, err = j.Store.Worker().Requeue(ctx, tx, j.Task.ID, j.epoch, j.Try, 0, store.RunHandedBack, nil)
		return err
	}))
}

// Finished returns the finished task with its citations.
func (j *Work) Finished() research.Task {
	j.T.Helper()
	task, err := j.Store.For(research.DefaultAccount).Task(j.T.Context(), j.Task.ID)
	j.Must(err)
	return task
}

// Opens returns the addresses of the pages that were loaded, over all runs.
func (j *Work) Opens() []string {
	var out []string
	for _, e := range j.Effects {
		if url, ok := strings.CutPrefix(e, "load "); ok {
			out = append(out, url)
		}
	}
	return out
}

// Seeded returns the default options with a start page of the site.
func Seeded(site *testsite.Site, path string) research.Options {
	o := Options()
	o.SeedURL = site.URL(path)
	return o
}

// Failure requires that a run ended with a Failure, and returns it.
func Failure(t *testing.T, err error) *research.Failure {
	t.Helper()
	var f *research.Failure
	if !errors.As(err, &f) {
		t.Fatalf("err = %v, not a failure", err)
	}
	return f
}

// Remove deletes a finished task.
func (j *Work) Remove() {
	j.T.Helper()
	j.Must(j.Store.InTx(j.T.Context(), func(ctx context.Context, tx pgx.Tx) error {
		if _, err := j.Store.Worker().LockHead(ctx, tx, j.Task.ID); err != nil {
			return err
		}
		return j.Store.For(research.DefaultAccount).DeleteTask(ctx, tx, j.Task.ID)
	}))
}

// Sound requires that a finished task has citations, and that each excerpt equals the text of its span in the snapshot.
// It returns the task.
func (j *Work) Sound(t *testing.T) research.Task {
	t.Helper()
	task := j.Finished()
	require.Equal(t, research.Completed, task.Status)
	require.NotEmpty(t, task.Citations)
	for _, c := range task.Citations {
		p, err := j.Store.For(research.DefaultAccount).Page(t.Context(), c.PageID)
		require.NoError(t, err)
		require.Equal(t, string([]rune(p.Text)[c.Start:c.End]), c.Excerpt)
	}
	findings, err := j.Store.Worker().Audit(t.Context())
	require.NoError(t, err)
	for _, f := range findings { // other findings concern jobs, and this package creates none
		require.NotContains(t, f.Rule, "citation", f.Detail)
	}
	return task
}
