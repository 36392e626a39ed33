package runenv

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"legwork/internal/agent"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/search"
	"legwork/internal/store"
)

// Config holds what a run needs.
type Config struct {
	Store store.Worker
	Task  research.Task // as the run claimed it: the run appends after LastSeq
	Epoch int           // that the run holds
	Try   int           // from 1
	Spent time.Duration // running time of earlier runs

	Journal   []research.Step      // steps that earlier runs recorded, in order
	Inherited []research.Inherited // evidence of the parent task; nil: there is no parent

	Pages   page.Source
	Engines *search.Set
	Lists   *page.Lists   // the operator's lists of domains; nil: none
	PageTTL time.Duration // how long a page may be read from its snapshot; 0: never

	// Publish sends committed events to streams; nil: there are no streams.
	Publish func(ctx context.Context, events []research.Event)
	// PublishFragment sends a piece of the answer to streams, with its offset in code points; nil: there are no
	// streams.
	PublishFragment func(offset int, text string)
	// AwaitLease returns when the process's lease is fresh enough for a request to the outside; nil: there is no
	// lease.
	AwaitLease func(ctx context.Context) error
	// KeepPicture writes the file of a picture; nil: no pictures are taken.
	KeepPicture func(ctx context.Context, file research.Artifact, png []byte) error
	Log         *slog.Logger // nil: no log
}

// Run is the state of one run of a task. Close it.
type Run struct {
	cfg     Config
	scope   page.Scope
	web     page.Session
	lastSeq int64 // last seq of the log that this run knows
	started time.Time
	log     *slog.Logger
}

// Open begins a run. Its time counts from this call.
func Open(cfg Config) *Run {
	r := &Run{cfg: cfg, lastSeq: cfg.Task.LastSeq, started: time.Now(), log: cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))}
	r.scope = page.NewScope(cfg.Task.Options, cfg.Lists, strikes(cfg.Journal))
	r.web = cfg.Pages.Open(r.scope)
	return r
}

// Close releases what the run used to read the web.
func (r *Run) Close() { r.web.Close() }

// Env returns the agent's interface to everything outside of it, for this run.
func (r *Run) Env() agent.Env {
	c, o := r.cfg, r.cfg.Task.Options
	return agent.Env{
		Task: c.Task, Try: c.Try, Journal: c.Journal, Inherited: c.Inherited, Spent: c.Spent, Started: r.started, Scope: r.scope,
		Emit: r.emit, Record: r.record,
		Load: r.web.Load, Recall: r.recall,
		Search: func(ctx context.Context, query string) (search.Answer, error) {
			return c.Engines.Search(ctx, o.SearchEngine, search.Query{
				Account: c.Task.AccountID, Text: query, Limit: o.MaxResults, SafeMode: o.SafeMode})
		},
		Rank: func(ctx context.Context, question string, limit int) ([]research.Hit, error) {
			return store.ReadUntilAvailable(ctx, func() ([]research.Hit, error) { return c.Store.Rank(ctx, c.Task.ID, question, limit) })
		},
		Lexemes: func(ctx context.Context, language, text string) ([]string, error) {
			return store.ReadUntilAvailable(ctx, func() ([]string, error) { return c.Store.Lexemes(ctx, language, text) })
		},
		Page: func(ctx context.Context, id string) (research.Page, error) {
			return store.ReadUntilAvailable(ctx, func() (research.Page, error) { return c.Store.For(c.Task.AccountID).Page(ctx, id) })
		},
		PublishFragment: c.PublishFragment,
		Shoot:           r.shooter(),
		Log:             r.log,
	}
}

// strikes counts how often domains asked earlier runs of the task for fewer requests.
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
