package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"legwork/internal/agent"
	"legwork/internal/failpoint"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/search"
	"legwork/internal/store"
)

// run is this process's hold on one task. Its writes come from the goroutine of the agent alone (see agent.Env).
type run struct {
	runner  *Runner
	job     *river.Job[ResearchArgs]
	task    research.Task
	epoch   int
	try     int
	lastSeq int64 // of the log, as this run left it: only the run that holds the epoch appends
	spent   time.Duration
	started time.Time
	journal []research.Step
	known   []research.Inherited // evidence of the task that this one follows up
	web     page.Session         // open while the agent works
}

// load reads what a run needs to go on from where earlier ones ended.
func (r *Runner) load(ctx context.Context, job *river.Job[ResearchArgs], try int) (*run, error) {
	id, epoch := job.Args.TaskID, job.Args.Epoch
	task, at, err := r.store.TaskForRun(ctx, id)
	if err != nil {
		return nil, err
	}
	if at != epoch {
		return nil, research.ErrFenced
	}
	journal, err := r.store.Journal(ctx, id)
	if err != nil {
		return nil, err
	}
	spent, err := r.store.Spent(ctx, id, epoch)
	if err != nil {
		return nil, err
	}
	var known []research.Inherited
	if task.Context != nil {
		if known, err = r.store.Inherited(ctx, id); err != nil {
			return nil, err
		}
	}
	return &run{runner: r, job: job, known: known, task: task, epoch: epoch, try: try, lastSeq: task.LastSeq,
		spent: spent, started: time.Now(), journal: journal}, nil
}

// research runs the agent within the task's hard limit. A panic is a failure like any other.
func (c *run) research(ctx context.Context) (result research.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			c.runner.cfg.Log.ErrorContext(ctx, "the agent panicked", "task", c.task.ID, "panic", p, "stack", string(debug.Stack()))
			err = &research.Failure{Code: research.CodeInternal, Transient: true, Cause: fmt.Errorf("panic: %v", p),
				Message: "Something went wrong inside the server; its log has the cause."}
		}
	}()
	left := c.runner.cfg.TaskTimeout - c.spent
	ctx, cancel := context.WithTimeoutCause(ctx, max(left, time.Millisecond), errTimeout)
	defer cancel()
	c.web = c.runner.cfg.Pages.Open(c.policy())
	defer c.web.Close()
	if result, err = c.runner.cfg.Agent(ctx, c.env()); err != nil && ctx.Err() != nil {
		// Whatever the agent made of it, the context says why it had to stop.
		return research.Result{}, context.Cause(ctx)
	}
	return result, err
}

// policy says which hosts the task may ask, redirects included.
func (c *run) policy() page.Policy {
	o := c.task.Options
	policy := page.Policy{AllowDomains: o.AllowDomains, DenyDomains: o.DenyDomains, Lists: c.runner.cfg.Lists, Strikes: strikes(c.journal)}
	if seed, err := page.ParseURL(o.SeedURL); err == nil && o.SameDomainOnly {
		policy.StayOn = page.Domain(seed.Host)
	}
	return policy
}

// strikes counts what earlier runs of a task heard from domains that wanted fewer requests.
func strikes(journal []research.Step) *page.Strikes {
	s := new(page.Strikes)
	for _, step := range journal {
		var visit struct {
			URL    string `json:"url"`
			Status int    `json:"status"`
		}
		if step.Tool != agent.ToolNavigate || json.Unmarshal(step.Result, &visit) != nil {
			continue
		}
		if u, err := page.ParseURL(visit.URL); err == nil {
			s.Note(u.Host, visit.Status)
		}
	}
	return s
}

// env is the agent's world: its tools bound to this task, its writes fenced by this epoch. What it reads from the database
// waits, as what it writes does, while that is away: an outage costs time and no try. Page loads and searches wait where
// they ask the database, so that no site is asked again for it.
func (c *run) env() agent.Env {
	o := c.task.Options
	return agent.Env{
		Task: c.task, Try: c.try, Journal: c.journal, Inherited: c.known, Spent: c.spent, Started: c.started,
		Emit: c.emit, Record: c.record,
		Load: c.web.Load, Recall: c.recall,
		Search: func(ctx context.Context, query string) (search.Answer, error) {
			return c.runner.cfg.Engines.Search(ctx, o.SearchEngine, search.Query{
				Account: c.task.AccountID, Text: query, Limit: o.MaxResults, SafeMode: o.SafeMode})
		},
		Rank: func(ctx context.Context, question string, limit int) ([]research.Hit, error) {
			return store.ReadUntilAvailable(ctx, func() ([]research.Hit, error) { return c.runner.store.Rank(ctx, c.task.ID, question, limit) })
		},
		Lexemes: func(ctx context.Context, language, text string) ([]string, error) {
			return store.ReadUntilAvailable(ctx, func() ([]string, error) { return c.runner.store.Lexemes(ctx, language, text) })
		},
		Page: func(ctx context.Context, id string) (research.Page, error) {
			return store.ReadUntilAvailable(ctx, func() (research.Page, error) { return c.runner.store.Page(ctx, c.task.AccountID, id) })
		},
		Say:   func(offset int, text string) { c.runner.publisher.PublishFragment(c.task.ID, c.epoch, offset, text) },
		Shoot: c.shooter(),
		Lists: c.runner.cfg.Lists,
		Log:   c.runner.cfg.Log.With("task", c.task.ID),
	}
}

// recall gives a page of this account from its snapshot when it is fresh enough and the task may have it. Addresses below
// .invalid (RFC 6761 §6.4) exist in libraries alone, so nothing can be fresher than their snapshots.
func (c *run) recall(ctx context.Context, url, stayOn string, anyAge bool) (research.Visit, bool, error) {
	u, err := page.ParseURL(url)
	if err != nil {
		return research.Visit{}, false, nil //nolint:nilerr // loading it says what is wrong
	}
	o, maxAge, policy := c.task.Options, c.runner.cfg.PageTTL, c.policy().Within(stayOn)
	switch {
	case strings.HasSuffix(u.Hostname(), ".invalid"):
		maxAge = store.AnyAge
	case o.Fresh || maxAge <= 0:
		return research.Visit{}, false, nil
	case anyAge:
		maxAge = store.AnyAge
	}
	v, err := store.ReadUntilAvailable(ctx, func() (research.Visit, error) {
		return c.runner.store.Recall(ctx, c.task.AccountID, maxAge, url, u.String())
	})
	switch {
	case errors.Is(err, research.ErrNotFound):
		return v, false, nil
	case err != nil:
		return v, false, err
	}
	final, err := page.ParseURL(v.FinalURL)
	if err != nil || policy.Refuse(u.Host) != "" || policy.Refuse(final.Host) != "" {
		return research.Visit{}, false, nil //nolint:nilerr // loading it says what is wrong
	}
	return v, true, nil
}

// keepLinks settles whether other tasks may take a page from its snapshot: they need its links, and where they may not
// there is no reason to store them.
func (c *run) keepLinks(v *research.Visit) {
	switch {
	case v == nil || v.Page == nil:
	case c.runner.cfg.PageTTL <= 0:
		v.Links = nil
	case v.Links == nil:
		v.Links = []research.Link{}
	}
}

// emit appends events and then makes sure of the lease: after it the next external effect may be made.
func (c *run) emit(ctx context.Context, events ...research.Event) error {
	err := c.commit(ctx, len(events), func() ([]research.Event, error) {
		return c.runner.store.Append(ctx, nil, c.task.ID, c.epoch, events)
	})
	if err != nil {
		return err
	}
	failpoint.Hit(ctx, "before_effect")
	return c.runner.lease.await(ctx)
}

// record journals a step with everything it brought.
func (c *run) record(ctx context.Context, step research.Step) ([]research.Evidence, error) {
	step.Try = c.try
	c.keepLinks(step.Visit)
	var citations []research.Evidence
	failpoint.Hit(ctx, "before_step_commit")
	err := c.commit(ctx, len(step.Events), func() ([]research.Event, error) {
		events, stored, err := c.runner.store.RecordStep(ctx, nil, c.task.ID, c.epoch, step)
		if stored != nil { // also when the answer to COMMIT was lost
			citations = stored
		}
		return events, err
	})
	failpoint.Hit(ctx, "after_step_commit")
	return citations, err
}

// commit runs one fenced transaction that appends n events, and publishes them. While the database is away it tries
// again; a COMMIT whose answer was lost is settled by the log: only this run appends at this epoch, so a log that has
// grown by n has them, and they are read back from there.
func (c *run) commit(ctx context.Context, n int, fn func() ([]research.Event, error)) error {
	var events []research.Event
	tried := false
	err := store.UntilAvailable(ctx, func() (err error) {
		if tried && n > 0 {
			done, err := c.committed(ctx, n)
			if err == nil && done {
				events, err = c.runner.store.Events(ctx, c.task.ID, c.lastSeq, n)
			}
			if done || err != nil {
				return err
			}
		}
		tried = true
		events, err = fn()
		return err
	})
	if err != nil {
		if ctx.Err() != nil && !errors.Is(err, research.ErrFenced) {
			return context.Cause(ctx)
		}
		return err
	}
	c.lastSeq += int64(n)
	c.runner.publish(ctx, events)
	return nil
}

// committed reports whether a transaction of this run that appended n events took place although it reported an error.
func (c *run) committed(ctx context.Context, n int) (bool, error) {
	id := []uuid.UUID{c.task.ID}
	epochs, err := c.runner.store.Epochs(ctx, id)
	if err != nil {
		return false, err
	}
	if epochs[c.task.ID] != c.epoch {
		return false, research.ErrFenced
	}
	states, err := c.runner.store.LogStates(ctx, id)
	return err == nil && states[c.task.ID].LastSeq == c.lastSeq+int64(n), err
}

// exit ends a run for good: it is tried until the database takes it, beyond the run's own context, and given up only
// when the process must end. It returns an error only when the database answered and refused, a defect of ours.
func (r *Runner) exit(ctx context.Context, log *slog.Logger, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(r.exits, cancel)()
	err := store.UntilAvailable(ctx, func() error { return f(ctx) })
	switch {
	case err == nil, errors.Is(err, research.ErrFenced), errors.Is(err, research.ErrNotFound):
		return nil
	case ctx.Err() != nil, errors.Is(err, research.ErrUnavailable):
		log.ErrorContext(ctx, "the run could not be ended before the process had to; its task waits for the reconciler", "error", err)
		return nil
	default:
		log.ErrorContext(ctx, "the end of the run was refused", "error", err)
		return err
	}
}
