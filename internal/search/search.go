// Package search finds start pages for a question.
//
// Invariants:
//
//   - An engine that cannot be used never fails a search silently or fatally: the Answer says which engine was asked,
//     which one answered, and why each one between was passed over.
//   - The order of engines is fixed when the Set is made, so the same state gives the same answer.
//   - Results are ordered best first, have absolute http(s) URLs, and name no URL twice.
package search

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"legwork/internal/research"
)

// Query is one search.
type Query struct {
	Account  string // whose library is searched
	Text     string // what is looked for, in the user's words
	Limit    int    // greatest number of results; 0 or less: none
	SafeMode bool   // ask the engine to leave out explicit results; the library ignores it
}

// Result is one page that an engine proposes.
type Result struct {
	URL     string // absolute http(s) URL
	Title   string // may be empty
	Snippet string // text of the page that fits the query; may be empty
}

// Engine answers queries. Implementations are safe for concurrent use.
type Engine interface {
	// Name is the engine's name in options and metadata.
	Name() research.Engine
	// Search gives at most q.Limit results, best first. Its error says what is wrong in a sentence fit for the user;
	// research.ErrUnavailable, wrapped, means that our own database cannot answer, and the context's error that the
	// caller gave up.
	Search(ctx context.Context, q Query) ([]Result, error)
}

// Skipped is an engine that was passed over.
type Skipped struct {
	Engine research.Engine `json:"engine"`
	Reason string          `json:"reason"` // a sentence for the user
}

// Answer is what a search gave and how it came about.
type Answer struct {
	Asked   research.Engine
	Used    research.Engine // empty: no engine could answer
	Results []Result        // best first
	Skipped []Skipped       // in the order in which they were tried
}

// Set holds the engines that are configured. It is immutable.
type Set struct {
	engines []Engine
}

// NewSet takes the configured engines in the order in which they stand in for one that cannot be used.
func NewSet(engines ...Engine) *Set {
	return &Set{engines: append([]Engine(nil), engines...)}
}

// Configured reports whether an engine can be asked.
func (s *Set) Configured(name research.Engine) bool { return s.find(name) != nil }

// Search asks the engine named asked and, where it is not configured or fails, the others in order. The error is the
// context's, or that of a database that cannot answer; everything else is told in the Answer.
func (s *Set) Search(ctx context.Context, asked research.Engine, q Query) (Answer, error) {
	answer := Answer{Asked: asked}
	order := make([]Engine, 0, len(s.engines)+1)
	if e := s.find(asked); e != nil {
		order = append(order, e)
	} else {
		answer.Skipped = append(answer.Skipped, Skipped{Engine: asked,
			Reason: fmt.Sprintf("The search engine %q is not configured on this server.", asked)})
	}
	for _, e := range s.engines {
		if e.Name() != asked {
			order = append(order, e)
		}
	}
	for _, e := range order {
		results, err := e.Search(ctx, q)
		switch {
		case ctx.Err() != nil:
			return Answer{}, ctx.Err()
		case errors.Is(err, research.ErrUnavailable):
			return Answer{}, fmt.Errorf("search with %s: %w", e.Name(), err)
		case err != nil:
			answer.Skipped = append(answer.Skipped, Skipped{Engine: e.Name(), Reason: err.Error()})
			continue
		}
		answer.Used, answer.Results = e.Name(), clean(results, q.Limit)
		return answer, nil
	}
	return answer, nil
}

func (s *Set) find(name research.Engine) Engine {
	for _, e := range s.engines {
		if e.Name() == name {
			return e
		}
	}
	return nil
}

// clean keeps the first limit results with a usable URL that was not named before.
func clean(results []Result, limit int) []Result {
	seen := map[string]bool{}
	var out []Result
	for _, r := range results {
		if len(out) >= limit {
			break
		}
		u, err := url.Parse(r.URL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || seen[r.URL] {
			continue
		}
		seen[r.URL] = true
		r.Title, r.Snippet = fold(r.Title), fold(r.Snippet)
		out = append(out, r)
	}
	return out
}

func fold(s string) string { return strings.Join(strings.Fields(s), " ") }
