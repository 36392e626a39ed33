package agent

import (
	"context"
	"log/slog"
	"time"

	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/search"
)

// Env holds what one run gets from its caller: the task, its journal, and the functions for all input and output. Load,
// Recall, Search and Shoot may be called from several goroutines at once. Every other function may be called only from
// the run's goroutine, so that writes come one after the other.
type Env struct {
	Task    research.Task
	Try     int             // number of the try that this run belongs to, from 1
	LastTry bool            // whether this is the last try: then a transient failure fails the task, too
	Journal []research.Step // steps that earlier runs recorded, in order
	// Inherited is the evidence that a follow-up task begins with, or that the children of a deep task found; nil for any
	// other task.
	Inherited []research.Inherited
	Children  []research.Child // the children of a deep task, which have ended; nil before its plan, and for any other task
	Left      research.Share   // what is left for further children of a deep task that has children
	Spent     time.Duration    // running time of earlier runs
	Started   time.Time        // when this run started, by the local clock

	// Emit appends events in a fenced transaction. A nil error means that the lease is valid, and the run may make its
	// next request to the outside. The error research.ErrFenced means that the run must stop at once.
	Emit func(ctx context.Context, events ...research.Event) error
	// Record writes a step to the journal with its events, visit and citations, in one transaction. It returns
	// the citations with the excerpts that the database took from the snapshot.
	Record func(ctx context.Context, step research.Step) ([]research.Evidence, error)
	// Scope says which addresses the task may open.
	Scope page.Scope
	// Load reads a page and follows redirects within the scope. A problem with the page is reported in the visit. The
	// error is that of the context or of the database.
	Load func(ctx context.Context, at page.Address) (research.Visit, error)
	// Recall returns a page that the account has read before, from its snapshot and without a request. The visit has the
	// same form as that of Load. The snapshot must not be too old, unless anyAge is true. Recall returns false if there
	// is no such snapshot. If Recall is nil, no snapshots are used.
	Recall func(ctx context.Context, at page.Address, anyAge bool) (research.Visit, bool, error)
	// Keep stores the snapshot of a large page before its visit is recorded, so that the transaction of the step is short.
	// The error research.ErrTooSlow means that the page could not be stored in time. If Keep is nil, the snapshot is
	// stored with the step.
	Keep func(ctx context.Context, p *research.Page) error
	// Search asks the task's search engine. If this engine cannot answer, Search asks the engines that may replace it.
	Search func(ctx context.Context, query string) (search.Answer, error)
	// Rank returns at most limit passages that fit a question best, from the pages that the task read.
	Rank func(ctx context.Context, question string, limit int) ([]research.Hit, error)
	// Page returns a snapshot that the task read. Its passages are left out.
	Page func(ctx context.Context, id string) (research.Page, error)
	// PublishFragment publishes a piece of the answer while it is being written, at an offset in code points. Offset 0
	// starts the answer again from its beginning. It must not block. If it is nil, nothing is published.
	PublishFragment func(offset int, text string)
	// Shoot takes a picture of a page and stores it under the given name, to which it adds the run's epoch. A problem
	// with the picture is a *page.ShotError. Shoot is nil if there is no browser.
	Shoot func(ctx context.Context, name string, r page.ShotRequest) (Picture, error)
	Log   *slog.Logger // nil means no log

	// Reserve is the time that the answer needs, if it is more than ReadingTime reserves by itself.
	Reserve time.Duration
}

// reserveShare, reportShare and minReserve say how much of the time budget is reserved for the answer, if Env.Reserve is
// not more. At most half of the budget is reserved.
const (
	reserveShare = 10 // the reserve is a tenth (1/reserveShare) of the time budget
	reportShare  = 2  // for a report it is a half (1/reportShare)
	minReserve   = 2 * time.Second
)

// ReadingTime is how much of the time budget is left for reading; negative when it is used up.
func (e *Env) ReadingTime() time.Duration {
	budget, share := e.Task.Options.TimeBudget, time.Duration(reserveShare)
	if e.Task.Options.Format == research.FormatReport && e.Task.Pin.Model != "" {
		share = reportShare
	}
	reserve := min(max(budget/share, minReserve, e.Reserve), budget/2)
	return budget - reserve - e.Spent - time.Since(e.Started)
}

// TimeLeft is how much of the whole time budget is left; negative when it is used up.
func (e *Env) TimeLeft() time.Duration {
	return e.Task.Options.TimeBudget - e.Spent - time.Since(e.Started)
}
