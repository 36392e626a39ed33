package page

import (
	"context"
	"errors"

	"legwork/internal/research"
)

// Source opens sessions. A Fetcher is one; so is a browser.
type Source interface {
	// Open begins the reading of one run within its scope. It starts nothing: what a session needs is made at its first use.
	Open(s Scope) Session
}

// Session is what one run reads the web with. It shares no cookies, storage or cache of private things with any other.
// It is safe for concurrent use, and nothing of it outlives Close.
type Session interface {
	// Load reads a page. Redirects are followed as far as the scope allows for this address (Scope.Policy); whether the
	// address itself may be opened is for the caller to ask. Whatever goes wrong with the page is told by the visit; an error
	// is that of a cancelled ctx or of a Gate that cannot answer.
	Load(ctx context.Context, at Address) (research.Visit, error)
	// Shoot takes a picture of a page that may be loaded. The error is ErrNoBrowser where no picture can be had at all,
	// a *ShotError with a sentence for the model when this one cannot, or that of a cancelled ctx.
	Shoot(ctx context.Context, r ShotRequest) (Shot, error)
	// Close frees what the session holds. It does not fail and may be called twice.
	Close()
}

// ShotRequest says what to take a picture of.
type ShotRequest struct {
	URL      string
	FullPage bool     // the whole page, bounded in height; otherwise one screen
	Quotes   []string // texts of the page to mark; the first one found is brought into view, with those that fit beside it
}

// Shot is a picture of a page.
type Shot struct {
	PNG           []byte
	Width, Height int    // pixels
	URL           string // the page's address after redirects
	Title         string
	Shown         []bool // for each quote: it was found in the page, and by the page's geometry it is inside the picture
}

// ErrNoBrowser: pages are read without a browser, so there are no pictures.
var ErrNoBrowser = errors.New("no browser is available, so no screenshot can be taken")

// ShotError says why one picture could not be taken.
type ShotError struct {
	Outcome research.Outcome // what the page load came to; OutcomeOK when the page was there and the browser failed
	Message string           // a sentence for the model and the user
}

// Error implements error.
func (e *ShotError) Error() string { return e.Message }

// Open implements Source: pages are read over HTTP and there are no pictures.
func (f *Fetcher) Open(s Scope) Session { return fetchSession{f, s} }

type fetchSession struct {
	fetcher *Fetcher
	scope   Scope
}

// Load implements Session.
func (s fetchSession) Load(ctx context.Context, at Address) (research.Visit, error) {
	return s.fetcher.Load(ctx, at.URL, s.scope.Policy(at))
}

// CanShoot says that Shoot never succeeds. A session without this method may take pictures.
func (s fetchSession) CanShoot() bool { return false }

// Shoot implements Session.
func (s fetchSession) Shoot(context.Context, ShotRequest) (Shot, error) { return Shot{}, ErrNoBrowser }

// Close implements Session.
func (s fetchSession) Close() {}
