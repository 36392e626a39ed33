package agent

import (
	"context"
	"log/slog"
	"time"

	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/search"
)

// Env is one run's world, given by its caller. Load, Recall, Search and Shoot may be called from several goroutines at once,
// every other func from the run's goroutine only: writes come one after the other.
type Env struct {
	Task    research.Task
	Try     int             // this run's try, from 1
	Journal []research.Step // what earlier runs and tries recorded, in order
	// Inherited is the evidence that a follow-up begins with; nil for any other task.
	Inherited []research.Inherited
	Spent     time.Duration // running time of earlier runs
	Started   time.Time     // of this run, by the local clock

	// Emit appends events behind the fence. When it returns nil the lease was checked: the next effect may be made.
	// research.ErrFenced: the run must stop at once.
	Emit func(ctx context.Context, events ...research.Event) error
	// Record journals a step with its events, visit and citations in one transaction, and gives the citations with
	// the excerpts that the database cut.
	Record func(ctx context.Context, step research.Step) ([]research.Evidence, error)
	// Scope says which addresses the task may open.
	Scope page.Scope
	// Load reads a page. Redirects are followed within the scope. What goes wrong with the page is in the visit; an error is
	// that of the context or of the database.
	Load func(ctx context.Context, at page.Address) (research.Visit, error)
	// Recall gives a page that the account has read, as Load would, from its snapshot, without a request: one that is fresh
	// enough, or of any age where nothing newer is expected. It reports false when there is none. A nil Recall has none.
	Recall func(ctx context.Context, at page.Address, anyAge bool) (research.Visit, bool, error)
	// Search asks the task's search engine, or what stands in for it.
	Search func(ctx context.Context, query string) (search.Answer, error)
	// Rank gives the best passages for a question on the pages that the task read.
	Rank func(ctx context.Context, question string, limit int) ([]research.Hit, error)
	// Lexemes gives the words of a text as full-text search sees them; stop words have none.
	Lexemes func(ctx context.Context, language, text string) ([]string, error)
	// Page gives a snapshot that the task read, without passages.
	Page func(ctx context.Context, id string) (research.Page, error)
	// PublishFragment publishes a piece of the answer while it is being written, at an offset in code points. Offset 0 starts
	// the answer again from its beginning. It must not block. Nil: nothing is published.
	PublishFragment func(offset int, text string)
	// Shoot takes a picture of a page and keeps it under a name of ours, to which the caller adds what makes it the
	// run's own. What is wrong with the picture is a *page.ShotError. Unlike the others it is called from several
	// goroutines at once. Nil: pages are read without a browser.
	Shoot func(ctx context.Context, name string, r page.ShotRequest) (Picture, error)
	Log   *slog.Logger // nil: no log
}

// reserveShare and minReserve say how much of the time budget is kept for the answer. A budget so small that the
// minimum would be more than half of it is halved.
const (
	reserveShare = 10 // a tenth
	minReserve   = 2 * time.Second
)

// ReadingTime is how much of the time budget is left for reading; negative when it is used up.
func (e *Env) ReadingTime() time.Duration {
	budget := e.Task.Options.TimeBudget
	reserve := min(max(budget/reserveShare, minReserve), budget/2)
	return budget - reserve - e.Spent - time.Since(e.Started)
}

// TimeLeft is how much of the whole time budget is left; negative when it is used up.
func (e *Env) TimeLeft() time.Duration {
	return e.Task.Options.TimeBudget - e.Spent - time.Since(e.Started)
}
