package agent

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"legwork/internal/agent/ranking"
	"legwork/internal/page"
	"legwork/internal/research"
)

// Opened is the journaled result of navigate_to. It holds all that a resumed run needs to know about a page.
type Opened struct {
	Outcome  research.Outcome `json:"outcome"`
	Message  string           `json:"message,omitempty"`
	URL      string           `json:"url"` // the page's address after redirects
	Status   int              `json:"status,omitempty"`
	VisitID  uuid.UUID        `json:"visitId"`
	PageID   string           `json:"pageId,omitempty"`
	Title    string           `json:"title,omitempty"`
	Language string           `json:"language,omitempty"`
	Depth    int              `json:"depth"`
	Chars    int              `json:"chars,omitempty"` // length of the text in code points
	Passages int              `json:"passages,omitempty"`
	Best     digest           `json:"best"`
	Fitting  []Fitting        `json:"fitting,omitempty"` // the passages that fit the task's question best, best first
	Links    []research.Link  `json:"links,omitempty"`
	TimeUp   bool             `json:"timeUp,omitempty"` // the load was stopped because the reading time was over
	Cached   bool             `json:"cached,omitempty"` // read from a snapshot; no request was made
	Rendered bool             `json:"rendered,omitempty"`
	Note     string           `json:"note,omitempty"` // a sentence about how the page was read, if there is something to say

	PublishedAt *time.Time          `json:"publishedAt,omitempty"` // as the page says
	ModifiedAt  *time.Time          `json:"modifiedAt,omitempty"`  // as the page or its server says
	Kind        research.SourceKind `json:"kind,omitempty"`

	Inherited bool `json:"-"` // the page was read by the parent task, not by this one
}

// digest describes how well a page's best passage answers the task's question. It is computed when the page is read.
type digest struct {
	Share  float64 `json:"share"`            // share of the question's weight that the passage covers, 0..1
	Shaped bool    `json:"shaped,omitempty"` // the passage has the form of an answer
}

// Fitting is a passage of a page that fits the question. Its place is in code points.
type Fitting struct {
	Start   int    `json:"start"`
	End     int    `json:"end"`
	Heading string `json:"heading,omitempty"` // the headings above it, with the heads of the columns in a table
}

// Bounds of Opened.Fitting.
const (
	maxFitting = 3
	nearly     = 0.7 // share of what the best passage covers that the others must cover at least
)

// Navigate opens a page. If the page cannot be read, the result says why. If the reading time ends during the load, the
// outcome is a timeout.
func (b *Session) Navigate(ctx context.Context, at page.Address, before ...research.Event) (Opened, error) {
	var out Opened
	args := map[string]any{"url": at.URL}
	counted := b.Recorded(ToolNavigate, args)
	err := b.Call(ctx, ToolNavigate, args, before, &out, func(ctx context.Context) (Effect, error) {
		v, timeUp, err := b.loaded(ctx, at)
		if err != nil {
			return Effect{}, err
		}
		if v.ID, err = uuid.NewV7(); err != nil {
			return Effect{}, fmt.Errorf("id of a visit: %w", err)
		}
		v.Depth = at.Depth
		unstored, err := b.keep(ctx, &v)
		if err != nil {
			return Effect{}, err
		}
		timeUp = timeUp || unstored
		o := Opened{Outcome: v.Outcome, Message: v.Message, URL: v.FinalURL, Status: v.Status, VisitID: v.ID, Title: v.Title,
			Depth: at.Depth, TimeUp: timeUp, Cached: v.Cached, Rendered: v.Rendered, Note: v.Note}
		if v.Page != nil {
			b.describe(&o, &v)
		}
		e := Effect{Result: o, Preview: o.preview(), Success: v.Outcome == research.OutcomeOK, visit: &v}
		if v.Cached {
			e.metadata = map[string]any{"cached": true, "readAt": v.FetchedAt.UTC().Format(research.TimeFormat)}
		}
		if v.Kept > 0 {
			if e.metadata == nil {
				e.metadata = map[string]any{}
			}
			e.metadata["kept"] = math.Round(v.Kept*100) / 100
		}
		return e, nil
	})
	if err == nil && !counted {
		b.Loads++
	}
	return out, err
}

// loaded reads a page, or waits for its load if the page is being prefetched.
func (b *Session) loaded(ctx context.Context, at page.Address) (research.Visit, bool, error) {
	raw, err := research.EncodeJSON(map[string]any{"url": at.URL})
	if err != nil {
		return research.Visit{}, false, err
	}
	f := b.underWay[CallKey(ToolNavigate, raw)]
	if f == nil {
		return b.load(ctx, at, b.fromLibrary[at.URL])
	}
	if err := f.wait(ctx); err != nil {
		return research.Visit{}, false, err
	}
	return f.visit, f.timeUp, nil
}

// load reads a page within the reading time that is left. fromLibrary means that a search of the account's stored pages
// found the page.
func (b *Session) load(ctx context.Context, at page.Address, fromLibrary bool) (research.Visit, bool, error) {
	if v, ok, err := b.recall(ctx, at, fromLibrary); ok || err != nil {
		return v, false, err
	}
	bounded, cancel := context.WithTimeout(ctx, max(b.Env.ReadingTime(), time.Millisecond))
	defer cancel()
	v, err := b.loadPage(bounded, at)
	switch {
	case ctx.Err() != nil:
		return v, false, ctx.Err()
	case err != nil && errors.Is(bounded.Err(), context.DeadlineExceeded):
		return research.Visit{URL: at.URL, FinalURL: at.URL, Outcome: research.OutcomeTimeout, FetchedAt: time.Now().UTC(),
			Message: "The time budget ended while the page was loading."}, true, nil
	}
	return v, false, err
}

// largePage is a number of passages. The snapshot of a page with more passages is stored before the step of its visit.
const largePage = 300

// keep stores the snapshot of a large page. A page that cannot be stored in time counts as a page that cannot be read.
// timeUp means that the reading time ended while the page was being stored.
func (b *Session) keep(ctx context.Context, v *research.Visit) (timeUp bool, err error) {
	if b.Env.Keep == nil || v.Page == nil || v.Cached || len(v.Page.Passages) <= largePage {
		return false, nil
	}
	bounded, cancel := context.WithTimeout(ctx, max(b.Env.ReadingTime(), time.Millisecond))
	defer cancel()
	err = b.Env.Keep(bounded, v.Page)
	switch {
	case err == nil:
		return false, nil
	case ctx.Err() != nil:
		return false, ctx.Err()
	case errors.Is(err, research.ErrTooSlow):
		v.Outcome, v.Message = research.OutcomeTooLarge, "The page is so large that it could not be stored in time."
	case errors.Is(bounded.Err(), context.DeadlineExceeded):
		timeUp = true
		v.Outcome, v.Message = research.OutcomeTimeout, "The time budget ended while the page was being stored."
	default:
		return false, err
	}
	v.Page, v.Links, v.Note, v.Kept, v.Rendered = nil, nil, "", 0, false
	return timeUp, nil
}

// recall returns a page from its snapshot. The snapshot may be of any age if a search of the account's stored pages
// found the page.
func (b *Session) recall(ctx context.Context, at page.Address, fromLibrary bool) (research.Visit, bool, error) {
	if b.Env.Recall == nil {
		return research.Visit{}, false, nil
	}
	return b.Env.Recall(ctx, at, b.Env.Task.Options.SearchEngine == research.Library || fromLibrary)
}

// describe stores in o the facts about a page that a resumed run needs.
func (b *Session) describe(o *Opened, v *research.Visit) {
	p := v.Page
	o.PublishedAt, o.ModifiedAt, o.Kind = p.PublishedAt, p.ModifiedAt, p.Kind
	o.PageID, o.Language, o.Passages, o.Chars = p.ID, p.Language, len(p.Passages), utf8.RuneCountInString(p.Text)
	if o.Title == "" {
		o.Title = p.Title
	}
	o.Links = v.Links[:min(len(v.Links), maxStepLinks)]
	o.Best, o.Fitting = digestOf(b.Question(p.Language), p, o)
}

// digestOf describes a page by its best passage. All terms count as equally rare, so that pages can be compared. It also
// returns the passages that cover nearly as much of the question as the best one.
func digestOf(q *ranking.Question, p *research.Page, o *Opened) (digest, []Fitting) {
	text := research.NewCutter(p.Text)
	hits := make([]research.Hit, 0, len(p.Passages))
	for _, ps := range p.Passages {
		if passage, ok := text.Cut(ps.Start, ps.End); ok {
			hits = append(hits, research.Hit{Passage: ps, PageID: p.ID, Title: o.Title, Text: passage})
		}
	}
	ranked := ranking.Rank(hits, map[string]ranking.PageFacts{p.ID: ranking.NewPageFacts(q, o.Links)}, nil)
	if len(ranked) == 0 {
		return digest{}, nil
	}
	best := ranked[0]
	var fitting []Fitting
	for _, s := range ranked[:min(len(ranked), maxFitting)] {
		if s.Share() > 0 && s.Share() >= nearly*best.Share() {
			fitting = append(fitting, Fitting{Start: s.Hit.Start, End: s.Hit.End, Heading: s.Hit.Heading})
		}
	}
	return digest{Share: best.Share() * best.Factor, Shaped: best.Fits()}, fitting
}

// preview returns the facts about a page that the tool_result event has.
func (o *Opened) preview() map[string]any {
	p := map[string]any{"url": o.URL, "outcome": string(o.Outcome)}
	if o.Status != 0 {
		p["status"] = o.Status
	}
	if o.Message != "" {
		p["message"] = o.Message
	}
	if o.Note != "" {
		p["note"] = o.Note
	}
	if o.Rendered {
		p["rendered"] = true
	}
	if o.Outcome == research.OutcomeOK {
		p["title"], p["chars"], p["links"] = o.Title, o.Chars, len(o.Links)
	}
	return p
}
