// Package search finds start pages for a question.
//
// Invariants:
//
//   - If an engine cannot be used, the search does not fail, and the Answer says so: which engine was asked, which one answered, and why
//     each engine before it was skipped. Finding nothing is such a reason.
//   - An engine that failed is not asked for a while, so that a server without internet answers at once.
//   - Messages about failures contain neither keys nor URLs.
//   - The order of engines is fixed when the Set is made, so the same state gives the same answer.
//   - Results are ordered best first, have absolute http(s) URLs, and contain each URL once.
package search

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/unicode/norm"

	"legwork/internal/research"
	"legwork/internal/retry"
	"legwork/internal/weburl"
)

// Query is one search.
type Query struct {
	Account  string // the account whose library is searched
	Text     string // what is looked for, in the user's words
	Limit    int    // greatest number of results; 0 or less means no results
	SafeMode bool   // whether the engine is asked to leave out explicit results; the library ignores this
}

// Result is one page that an engine found.
type Result struct {
	URL     string // absolute http(s) URL
	Title   string // may be empty
	Snippet string // text of the page about the query; may be empty
}

// Engine answers queries. Implementations are safe for concurrent use.
type Engine interface {
	// Name is the engine's name in options and metadata.
	Name() research.Engine
	// Search returns at most q.Limit results, best first. The error is a sentence for the user. If it wraps
	// research.ErrUnavailable, our own database cannot answer. If it is the error of ctx, the caller cancelled the
	// search.
	Search(ctx context.Context, q Query) ([]Result, error)
}

// Skipped is an engine that was not used.
type Skipped struct {
	Engine research.Engine `json:"engine"`
	Reason string          `json:"reason"` // a sentence for the user
}

// Answer is the result of a search. It also says how the result was found.
type Answer struct {
	Asked     research.Engine
	Used      research.Engine // the engine that gave the results, or else the first one that found nothing; empty if no engine answered
	Results   []Result        // best first
	Skipped   []Skipped       // in the order in which they were tried
	Rewritten string          // the simpler query that gave the results; empty if the original query gave them
}

// Set has the configured engines, and remembers which of them have failed recently. It is safe for concurrent use.
type Set struct {
	engines  []Engine
	fallback []research.Engine

	mu     sync.Mutex
	paused map[research.Engine]pause
}

// pause is the time after a failure during which an engine is not asked. Without it, an unreachable engine would cost
// every search its timeout.
type pause struct {
	until    time.Time
	failures int    // number of failures in a row
	why      string // reason of the last failure, as a sentence
}

// Bounds of the pause, which grows with the failures in a row (see retry.Pause). An engine may ask for a longer pause.
const (
	firstPause = 30 * time.Second
	maxPause   = 10 * time.Minute
)

// NewSet returns a Set of the configured engines. If an engine cannot be used, the others replace it in this order.
func NewSet(engines ...Engine) *Set {
	s := &Set{engines: append([]Engine(nil), engines...), paused: map[research.Engine]pause{}}
	for _, e := range engines {
		s.fallback = append(s.fallback, e.Name())
	}
	return s
}

// Fallback allows only the named engines to replace others, in this order. Call it before the set is used.
func (s *Set) Fallback(order ...research.Engine) *Set {
	s.fallback = append([]research.Engine(nil), order...)
	return s
}

// Configured reports whether an engine is in the set.
func (s *Set) Configured(name research.Engine) bool { return s.find(name) != nil }

// Search asks the engine called asked. If this engine is not configured, fails or finds nothing, Search asks the engines
// that may replace it, in order; nothing replaces the library. An engine with poor results is asked once more with a simpler query. The error is the
// error of ctx, or that of a database that cannot answer. All other failures are described in the Answer.
func (s *Set) Search(ctx context.Context, asked research.Engine, q Query) (Answer, error) {
	q.Text = norm.NFC.String(q.Text) // all stored text is in form NFC
	answer := Answer{Asked: asked}
	if s.find(asked) == nil {
		answer.skip(asked, fmt.Sprintf("The search engine %q is not configured on this server.", asked))
	}
	empty := research.Engine("")
	for _, e := range s.order(asked) {
		if why := s.whyPaused(e.Name()); why != "" {
			answer.skip(e.Name(), why)
			continue
		}
		results, rewritten, err := s.ask(ctx, e, q)
		switch {
		case ctx.Err() != nil:
			return Answer{}, ctx.Err()
		case errors.Is(err, research.ErrUnavailable):
			return Answer{}, fmt.Errorf("search with %s: %w", e.Name(), err)
		case errors.Is(err, research.ErrTooSlow): // this query took too long, but the engine works
			answer.skip(e.Name(), err.Error())
			continue
		case err != nil:
			s.failed(e.Name(), err)
			answer.skip(e.Name(), err.Error())
			continue
		}
		s.succeeded(e.Name())
		if len(results) > 0 {
			answer.Used, answer.Results, answer.Rewritten = e.Name(), results, rewritten
			return answer, nil
		}
		if empty == "" {
			empty = e.Name()
		}
		answer.skip(e.Name(), fmt.Sprintf("The search engine %q found nothing.", e.Name()))
	}
	answer.Used = empty
	return answer, nil
}

func (a *Answer) skip(e research.Engine, why string) {
	a.Skipped = append(a.Skipped, Skipped{Engine: e, Reason: why})
}

// order returns the configured engines in the order in which they are tried. None replaces the library, because who asks it wants no
// question to leave the machine.
func (s *Set) order(asked research.Engine) []Engine {
	var out []Engine
	names := []research.Engine{asked}
	if asked != research.Library {
		names = append(names, s.fallback...)
	}
	for _, name := range names {
		if e := s.find(name); e != nil && !slices.ContainsFunc(out, func(o Engine) bool { return o.Name() == name }) {
			out = append(out, e)
		}
	}
	return out
}

// ask asks one engine. If the results are poor, it asks the engine once more with a simpler query. It asks the library
// only once, because the library already matches any single word of the question.
func (s *Set) ask(ctx context.Context, e Engine, q Query) (results []Result, rewritten string, err error) {
	found, err := e.Search(ctx, q)
	if err != nil {
		return nil, "", err
	}
	results = clean(found, q.Limit)
	if e.Name() == research.Library || q.Limit <= 0 || !poor(results, q.Text) {
		return results, "", nil
	}
	again := q
	if again.Text = rewrite(q.Text); again.Text == fold(q.Text) {
		return results, "", nil
	}
	found, err = e.Search(ctx, again)
	if err != nil { // the second query failed, so the results of the first are returned
		return results, "", ctx.Err()
	}
	if better := clean(found, q.Limit); len(better) > 0 && (len(results) == 0 || !poor(better, q.Text)) {
		return better, again.Text, nil
	}
	return results, "", nil
}

// whyPaused says why an engine is not asked now, and when it will be asked again. It returns an empty string if the
// engine may be asked.
func (s *Set) whyPaused(e research.Engine) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.paused[e]
	left := time.Until(p.until)
	if !ok || left <= 0 {
		return ""
	}
	return fmt.Sprintf("%s It is asked again in %s.", p.why, max(left.Round(time.Second), time.Second))
}

// failed records a failure of an engine and starts its pause.
func (s *Set) failed(e research.Engine, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.paused[e]
	if p.until.After(time.Now()) { // searches that failed at the same time count as one failure
		return
	}
	p.failures++
	wait := retry.Pause(p.failures, firstPause, maxPause)
	var f *failure
	if errors.As(err, &f) {
		wait = max(wait, f.after)
	}
	p.until, p.why = time.Now().Add(wait), err.Error()
	s.paused[e] = p
}

// succeeded records a success of an engine: its number of failures becomes 0.
func (s *Set) succeeded(e research.Engine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.paused, e)
}

func (s *Set) find(name research.Engine) Engine {
	for _, e := range s.engines {
		if e.Name() == name {
			return e
		}
	}
	return nil
}

// Bounds of a result's texts, in bytes. Longer ones are cut.
const (
	maxTitle   = 300
	maxSnippet = 1000
)

// clean returns the first limit results with a usable URL, each URL once, with titles and snippets of bounded length.
func clean(results []Result, limit int) []Result {
	seen := map[string]bool{}
	var out []Result
	for _, r := range results {
		if len(out) >= limit {
			break
		}
		u, err := weburl.Parse(r.URL)
		if err != nil {
			continue
		}
		if r.URL = u.String(); seen[r.URL] {
			continue
		}
		seen[r.URL] = true
		r.Title, r.Snippet = research.Truncate(fold(r.Title), maxTitle), research.Truncate(fold(r.Snippet), maxSnippet)
		out = append(out, r)
	}
	return out
}

func fold(s string) string { return strings.Join(strings.Fields(s), " ") }
