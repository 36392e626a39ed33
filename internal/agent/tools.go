package agent

import (
	"context"
	"errors"
	"fmt"
	neturl "net/url"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/search"
)

// Bounds of what a step keeps.
const (
	maxStepLinks = 5000
	maxHits      = 600 // passages that are ranked; each costs the database about a millisecond where pages are huge
	maxFound     = 40  // passages that find_in_page gives
)

// foundPages is the journaled result of search_for_question.
type foundPages struct {
	Asked   research.Engine  `json:"asked"`
	Used    research.Engine  `json:"used,omitempty"`
	Results []search.Result  `json:"results"`
	Skipped []search.Skipped `json:"skipped,omitempty"`
	// Rewritten is the simpler query that the results answer; empty: the query as it was.
	Rewritten string `json:"rewritten,omitempty"`
}

// search asks the task's search engine. An engine that could not be used is told in an event of its own.
func (b *session) search(ctx context.Context, query string, before ...research.Event) (foundPages, error) {
	var out foundPages
	err := b.call(ctx, ToolSearch, map[string]any{"query": query}, before, &out, func(ctx context.Context) (effect, error) {
		a, err := b.ask(ctx, query)
		if err != nil {
			return effect{}, err
		}
		results := make([]any, 0, len(a.Results))
		for _, r := range a.Results {
			results = append(results, map[string]any{"url": r.URL, "title": r.Title})
		}
		e := effect{
			result: foundPages{Asked: a.Asked, Used: a.Used, Results: append([]search.Result{}, a.Results...),
				Skipped: a.Skipped, Rewritten: a.Rewritten},
			preview: map[string]any{"engine": string(a.Used), "count": len(a.Results), "results": results},
			success: a.Used != "",
		}
		if a.Used == "" {
			delete(e.preview, "engine")
			e.preview["message"] = "No search engine could answer."
		}
		if a.Rewritten != "" {
			e.preview["query"] = a.Rewritten
			e.then = append(e.then, research.Thinking(fmt.Sprintf("The question as it was found little, so %q was searched for.", a.Rewritten),
				map[string]any{"query": map[string]any{"asked": query, "used": a.Rewritten}}))
		}
		if len(a.Skipped) > 0 {
			e.then = append(e.then, research.Thinking(fallbackSentence(a), map[string]any{
				"searchEngine": map[string]any{"asked": a.Asked, "used": a.Used, "skipped": a.Skipped}}))
		}
		return e, nil
	})
	if out.Used == research.Library {
		for _, r := range out.Results {
			if u, err := page.ParseURL(r.URL); err == nil {
				b.shelved[u.String()] = true
			}
		}
	}
	return out, err
}

// ask asks the search engine, or takes what was asked ahead.
func (b *session) ask(ctx context.Context, query string) (search.Answer, error) {
	raw, err := research.EncodeJSON(map[string]any{"query": query})
	if err != nil {
		return search.Answer{}, err
	}
	if f := b.flights[callKey(ToolSearch, raw)]; f != nil {
		err := f.land(ctx)
		if err != nil {
			return search.Answer{}, err
		}
		return f.found, nil
	}
	return b.env.Search(ctx, query)
}

// fallbackSentence says which engine was asked, why it did not answer, and what stands in.
func fallbackSentence(a search.Answer) string {
	s := fmt.Sprintf("The search engine %s was asked for.", a.Asked)
	for _, skipped := range a.Skipped {
		s += " " + skipped.Reason
	}
	switch {
	case a.Used == "":
		return s + " No other engine could stand in for it."
	case len(a.Results) == 0:
		return s
	}
	if a.Used == research.Library {
		return s + " Instead, the library of pages read earlier was searched."
	}
	return s + fmt.Sprintf(" Instead, %s was searched.", a.Used)
}

// opened is the journaled result of navigate_to: all that a resumed run needs of a page.
type opened struct {
	Outcome  research.Outcome `json:"outcome"`
	Message  string           `json:"message,omitempty"`
	URL      string           `json:"url"` // after redirects
	Status   int              `json:"status,omitempty"`
	VisitID  uuid.UUID        `json:"visitId"`
	PageID   string           `json:"pageId,omitempty"`
	Title    string           `json:"title,omitempty"`
	Language string           `json:"language,omitempty"`
	Depth    int              `json:"depth"`
	Chars    int              `json:"chars,omitempty"` // code points of text
	Passages int              `json:"passages,omitempty"`
	Best     digest           `json:"best"`
	Links    []research.Link  `json:"links,omitempty"`
	TimeUp   bool             `json:"timeUp,omitempty"` // the time budget ended the load
	Cached   bool             `json:"cached,omitempty"` // taken from a snapshot; no request was made
	Rendered bool             `json:"rendered,omitempty"`
	Note     string           `json:"note,omitempty"` // how the page was read, when that is worth knowing

	inherited bool // read by the task that this one follows up, not by this one
}

// digest is how well a page answers the task's question by its best passage, judged when it was read.
type digest struct {
	Share  float64 `json:"share"`            // of the question's weight that the passage covers, 0..1
	Shaped bool    `json:"shaped,omitempty"` // it looks like an answer
}

// navigate opens a page. What is wrong with it is told in the result. A load that the end of the reading time cuts off
// counts as timed out.
func (b *session) navigate(ctx context.Context, at page.Address, before ...research.Event) (opened, error) {
	var out opened
	args := map[string]any{"url": at.URL}
	counted := b.recorded(ToolNavigate, args)
	err := b.call(ctx, ToolNavigate, args, before, &out, func(ctx context.Context) (effect, error) {
		v, timeUp, err := b.loaded(ctx, at)
		if err != nil {
			return effect{}, err
		}
		if v.ID, err = uuid.NewV7(); err != nil {
			return effect{}, fmt.Errorf("id of a visit: %w", err)
		}
		v.Depth = at.Depth
		o := opened{Outcome: v.Outcome, Message: v.Message, URL: v.FinalURL, Status: v.Status, VisitID: v.ID, Title: v.Title,
			Depth: at.Depth, TimeUp: timeUp, Cached: v.Cached, Rendered: v.Rendered, Note: v.Note}
		if v.Page != nil {
			if err := b.describe(ctx, &o, &v); err != nil {
				return effect{}, err
			}
		}
		e := effect{result: o, preview: o.preview(), success: v.Outcome == research.OutcomeOK, visit: &v}
		if v.Cached {
			e.metadata = map[string]any{"cached": true, "readAt": v.FetchedAt.UTC().Format(research.TimeFormat)}
		}
		return e, nil
	})
	if err == nil && !counted {
		b.loads++
	}
	return out, err
}

// loaded reads a page, or takes what was loaded ahead.
func (b *session) loaded(ctx context.Context, at page.Address) (research.Visit, bool, error) {
	raw, err := research.EncodeJSON(map[string]any{"url": at.URL})
	if err != nil {
		return research.Visit{}, false, err
	}
	f := b.flights[callKey(ToolNavigate, raw)]
	if f == nil {
		return b.load(ctx, at, b.shelved[at.URL])
	}
	if err := f.land(ctx); err != nil {
		return research.Visit{}, false, err
	}
	return f.visit, f.timeUp, nil
}

// load reads a page, which a search of the library may have given (shelved), for at most the reading time that is left.
func (b *session) load(ctx context.Context, at page.Address, shelved bool) (research.Visit, bool, error) {
	if v, ok, err := b.recall(ctx, at, shelved); ok || err != nil {
		return v, false, err
	}
	bounded, cancel := context.WithTimeout(ctx, max(b.env.readingTime(), time.Millisecond))
	defer cancel()
	v, err := b.env.Load(bounded, at)
	switch {
	case ctx.Err() != nil:
		return v, false, ctx.Err()
	case err != nil && errors.Is(bounded.Err(), context.DeadlineExceeded):
		return research.Visit{URL: at.URL, FinalURL: at.URL, Outcome: research.OutcomeTimeout, FetchedAt: time.Now().UTC(),
			Message: "The time budget ended while the page was loading."}, true, nil
	}
	return v, false, err
}

// recall gives a page from its snapshot. What the library was asked for, or found, is taken as the library has it.
func (b *session) recall(ctx context.Context, at page.Address, shelved bool) (research.Visit, bool, error) {
	if b.env.Recall == nil {
		return research.Visit{}, false, nil
	}
	return b.env.Recall(ctx, at, b.env.Task.Options.SearchEngine == research.Library || shelved)
}

// describe notes what a resumed run needs of a page that was read.
func (b *session) describe(ctx context.Context, o *opened, v *research.Visit) error {
	p := v.Page
	o.PageID, o.Language, o.Passages, o.Chars = p.ID, p.Language, len(p.Passages), utf8.RuneCountInString(p.Text)
	if o.Title == "" {
		o.Title = p.Title
	}
	o.Links = v.Links[:min(len(v.Links), maxStepLinks)]
	q, err := b.question(ctx, p.Language)
	if err != nil {
		return err
	}
	o.Best = digestOf(q, p, o)
	return nil
}

// digestOf judges a page by its best passage, every term being as rare as any other.
func digestOf(q *question, p *research.Page, o *opened) digest {
	runes := []rune(p.Text)
	hits := make([]research.Hit, len(p.Passages))
	for i, ps := range p.Passages {
		hits[i] = research.Hit{Passage: ps, PageID: p.ID, Title: o.Title, Text: string(runes[ps.Start:ps.End])}
	}
	ranked := rank(hits, map[string]pageFacts{p.ID: newFacts(q, o.Links)}, nil)
	if len(ranked) == 0 {
		return digest{}
	}
	best := ranked[0]
	return digest{Share: best.share() * best.factor, Shaped: !q.shape.asksForm() || best.shaped > 0}
}

// preview is what the event tells of a page.
func (o *opened) preview() map[string]any {
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

// foundPassages is the journaled result of find_in_page.
type foundPassages struct {
	Passages []foundPassage `json:"passages"`         // best first
	Budget   string         `json:"budget,omitempty"` // the one that ended the reading before
}

// foundPassage is a passage with what speaks for it. Its text is the snapshot's.
type foundPassage struct {
	PageID  string    `json:"pageId"`
	VisitID uuid.UUID `json:"visitId"`
	URL     string    `json:"url"`
	Title   string    `json:"title,omitempty"`
	Heading string    `json:"heading,omitempty"`
	Start   int       `json:"start"`
	End     int       `json:"end"`
	Text    string    `json:"text"`
	Entry   string    `json:"entry,omitempty"` // passages with the same one belong together
	Score   float64   `json:"score"`
	Covered float64   `json:"covered"` // share of the question by weight and rarity, 0..1
	Share   float64   `json:"share"`   // share of the question by weight alone, 0..1
	Shaped  bool      `json:"shaped,omitempty"`
	Named   bool      `json:"named,omitempty"` // it has a name that the question has
	Words   []string  `json:"words,omitempty"` // of the question
}

// find ranks the passages of the pages read so far for a query. budget names what ended the reading, if it was a budget;
// it is kept with the result, since a resumed run may have more time left than the one that it continues.
func (b *session) find(ctx context.Context, query string, pages []opened, budget string, before ...research.Event) (foundPassages, error) {
	var out foundPassages
	err := b.call(ctx, ToolFind, map[string]any{"query": query}, before, &out, func(ctx context.Context) (effect, error) {
		base, err := b.question(ctx, "")
		if err != nil {
			return effect{}, err
		}
		hits, err := b.env.Rank(ctx, base.query(), maxHits)
		if err != nil {
			return effect{}, err
		}
		facts, totals, err := b.facts(ctx, pages)
		if err != nil {
			return effect{}, err
		}
		ranked := rank(hits, facts, totals)
		res := foundPassages{Passages: []foundPassage{}, Budget: budget}
		for _, s := range ranked[:min(len(ranked), maxFound)] {
			res.Passages = append(res.Passages, s.found())
		}
		preview := map[string]any{"pages": len(pages), "passages": len(hits)}
		if len(ranked) > 0 {
			best := ranked[0]
			preview["best"] = map[string]any{"url": best.hit.URL, "title": best.hit.Title, "text": research.Truncate(best.hit.Text, 300)}
		}
		return effect{result: res, preview: preview, success: len(hits) > 0}, nil
	})
	return out, err
}

// facts gives what ranking needs to know of the pages read, and the number of their passages by language.
func (b *session) facts(ctx context.Context, pages []opened) (map[string]pageFacts, map[*question]int, error) {
	facts, totals := map[string]pageFacts{}, map[*question]int{}
	for _, o := range pages {
		if o.PageID == "" {
			continue
		}
		q, err := b.question(ctx, o.Language)
		if err != nil {
			return nil, nil, err
		}
		if _, ok := facts[o.PageID]; !ok {
			totals[q] += o.Passages
		}
		facts[o.PageID] = newFacts(q, o.Links)
	}
	return facts, totals, nil
}

// cited is the journaled result of cite.
type cited struct {
	Evidence int    `json:"evidence"`
	PageID   string `json:"pageId"`
	URL      string `json:"url"`
	Title    string `json:"title,omitempty"`
	Start    int    `json:"start"`
	End      int    `json:"end"`
}

// cite takes a span of a page that was read as evidence. The database cuts the excerpt out of the snapshot.
func (b *session) cite(ctx context.Context, p foundPassage, before ...research.Event) (cited, error) {
	var out cited
	if u, err := neturl.Parse(p.URL); err == nil && p.Title == "" {
		p.Title = u.Hostname()
	}
	args := map[string]any{"url": p.URL, "quote": p.Text}
	err := b.call(ctx, ToolCite, args, before, &out, func(context.Context) (effect, error) {
		c := cited{Evidence: b.evidence + 1, PageID: p.PageID, URL: p.URL, Title: p.Title, Start: p.Start, End: p.End}
		return effect{
			result: c, success: true,
			preview: map[string]any{"evidence": c.Evidence, "url": c.URL, "title": c.Title, "verified": true},
			citations: []research.Evidence{{Number: c.Evidence, PageID: c.PageID, VisitID: p.VisitID, URL: c.URL,
				Title: c.Title, Start: c.Start, End: c.End}},
		}, nil
	})
	b.evidence = max(b.evidence, out.Evidence)
	return out, err
}
