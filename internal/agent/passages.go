package agent

import (
	"context"
	neturl "net/url"
	"slices"

	"github.com/google/uuid"

	"legwork/internal/research"
)

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
			res.Passages = append(res.Passages, newFound(&s))
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

// proof is a verified quote.
type proof struct {
	cited
	text string // the snapshot's, from Start to End
}

// addQuote keeps a verified quote, once.
func (b *session) addQuote(p proof) bool {
	if slices.ContainsFunc(b.proofs, func(o proof) bool { return o.Evidence == p.Evidence }) {
		return false
	}
	b.proofs = append(b.proofs, p)
	return true
}

// newFound is a ranked passage as find_in_page gives it.
func newFound(s *scored) foundPassage {
	return foundPassage{
		PageID: s.hit.PageID, VisitID: s.hit.VisitID, URL: s.hit.URL, Title: s.hit.Title, Heading: s.hit.Heading,
		Start: s.hit.Start, End: s.hit.End, Text: s.hit.Text, Entry: s.key, Score: round(s.score), Covered: round(s.covered),
		Share: round(s.share()), Shaped: s.fits(), Named: s.named(),
		Words: s.q.words(s.text | s.path | s.title),
	}
}
