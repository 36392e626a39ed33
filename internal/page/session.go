package page

import (
	"context"
	"errors"

	"legwork/internal/research"
)

// Source opens sessions. Fetcher and the browser implement it.
type Source interface {
	// Open starts a session with scope s for one run. A session uses no resources until it is used for the first time.
	Open(s Scope) Session
}

// Session reads the web for one run. It shares no cookies, storage or private cache with other sessions. It is safe for concurrent use.
type Session interface {
	// Load reads a page. It follows redirects as the scope allows for this address (Scope.Policy). It does not check the address itself:
	// the caller does. A problem with the page is reported in the visit. An error means that ctx was cancelled or the Gate failed.
	Load(ctx context.Context, at Address) (research.Visit, error)
	// Shoot takes a picture of a page that may be opened. The error is ErrNoBrowser if no pictures are possible, a *ShotError if this
	// picture failed, or the error of a cancelled ctx.
	Shoot(ctx context.Context, r ShotRequest) (Shot, error)
	// Close releases the session's resources. It may be called twice.
	Close()
}

// ShotRequest describes a picture to take.
type ShotRequest struct {
	URL      string
	FullPage bool     // the whole page, up to a bounded height; otherwise one screen
	Quotes   []string // texts to mark; the picture shows the first text that is found, and each other one that fits on the screen

	// Around has, for each quote, the text before and after it in the page, which tells apart places with the same words. It may be nil.
	Around [][2]string
}

// Shot is a picture of a page.
type Shot struct {
	PNG           []byte
	Width, Height int    // pixels
	URL           string // the page's address after redirects
	Title         string
	Shown         []bool // for each quote: true if it was found and its position is inside the picture
}

// ErrNoBrowser means that there is no browser, so no pictures can be taken.
var ErrNoBrowser = errors.New("no browser is available, so no screenshot can be taken")

// ShotError is the reason why one picture could not be taken.
type ShotError struct {
	Outcome research.Outcome // outcome of the page's load; OutcomeOK if the page was loaded and the browser failed
	Message string           // a sentence for the model and the user
}

// Error implements error.
func (e *ShotError) Error() string { return e.Message }

// Open implements Source. The session reads pages over HTTP and takes no pictures.
func (f *Fetcher) Open(s Scope) Session { return fetchSession{f, s} }

type fetchSession struct {
	fetcher *Fetcher
	scope   Scope
}

// Load implements Session.
func (s fetchSession) Load(ctx context.Context, at Address) (research.Visit, error) {
	return s.fetcher.Load(ctx, at.URL, s.scope.Policy(at))
}

// CanShoot returns false, since Shoot always fails. Callers treat a session without this method as one that can take pictures.
func (s fetchSession) CanShoot() bool { return false }

// Shoot implements Session.
func (s fetchSession) Shoot(context.Context, ShotRequest) (Shot, error) { return Shot{}, ErrNoBrowser }

// Close implements Session.
func (s fetchSession) Close() {}
