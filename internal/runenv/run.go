package runenv

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"legwork/internal/agent"
	"legwork/internal/metrics"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/search"
	"legwork/internal/store"
	"legwork/internal/store/tree"
)

// Config holds what a run needs.
type Config struct {
	Store   store.Worker
	Trees   *tree.Store   // copies the events of a child to its deep task; may be nil for any other task
	Task    research.Task // the task at the time when the run claimed it; the run appends events after its LastSeq
	Epoch   int           // epoch of the run
	Try     int           // number of the try, from 1
	LastTry bool          // whether this is the last try: then a transient failure fails the task, too
	Spent   time.Duration // running time of earlier runs

	Journal   []research.Step      // steps that earlier runs recorded, in order
	Inherited []research.Inherited // evidence of the parent task, or of the children; nil if there is none
	Children  []research.Child     // the children of a deep task; nil for any other task
	Left      research.Share       // what is left for further children of a deep task that has children

	Pages   page.Source
	Engines *search.Set
	Lists   *page.Lists   // the operator's lists of domains; may be nil
	PageTTL time.Duration // how long a stored snapshot is used instead of loading its page; 0 means never

	// Publish sends committed events to streams. It may be nil.
	Publish func(ctx context.Context, events []research.Event)
	// PublishFragment sends a piece of the answer to streams, with its offset in code points. It may be nil.
	PublishFragment func(offset int, text string)
	// AwaitLease waits until the lease of this process is valid, so that the run may make a request. It may be nil.
	AwaitLease func(ctx context.Context) error
	// KeepPicture writes the file of a screenshot, and notes in it which store has it. When it is nil, no screenshots are taken.
	KeepPicture func(ctx context.Context, file *research.Artifact, png []byte) error
	Metrics     *metrics.Metrics // nil means none
	Log         *slog.Logger     // nil means no log
}

// Run is the state of one run of a task. The caller must close it.
type Run struct {
	cfg     Config
	scope   page.Scope
	web     page.Session
	lastSeq int64 // seq of the last event that this run appended or found at its start
	started time.Time
	log     *slog.Logger
}

// Open begins a run. The run's time is measured from this call.
func Open(cfg Config) *Run {
	r := &Run{cfg: cfg, lastSeq: cfg.Task.LastSeq, started: time.Now(), log: cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))}
	r.scope = page.NewScope(cfg.Task.Options, cfg.Lists, busyAnswers(cfg.Journal))
	r.web = cfg.Pages.Open(r.scope)
	return r
}

// Close ends the run's session with the source of pages.
func (r *Run) Close() { r.web.Close() }

// Env returns the functions by which the agent of this run uses the database, the web and the streams.
func (r *Run) Env() agent.Env {
	c := r.cfg
	return agent.Env{
		Task: c.Task, Try: c.Try, LastTry: c.LastTry, Journal: c.Journal, Inherited: c.Inherited, Children: c.Children, Left: c.Left, Spent: c.Spent, Started: r.started, Scope: r.scope,
		Emit: r.emit, Record: r.record,
		Load: r.load, Recall: r.recall, Keep: r.keep, Search: r.search,
		Rank: func(ctx context.Context, question string, limit int) ([]research.Hit, error) {
			return store.ReadUntilAvailable(ctx, func() ([]research.Hit, error) { return c.Store.Rank(ctx, c.Task.ID, question, limit) })
		},
		Page: func(ctx context.Context, id string) (research.Page, error) {
			return store.ReadUntilAvailable(ctx, func() (research.Page, error) { return c.Store.For(c.Task.AccountID).Page(ctx, id) })
		},
		PublishFragment: c.PublishFragment,
		Shoot:           r.shooter(),
		Log:             r.log,
	}
}

// busyAnswers counts, for each domain, the responses with status 429 or 503 to earlier runs of the task.
func busyAnswers(journal []research.Step) *page.BusyAnswers {
	s := new(page.BusyAnswers)
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
