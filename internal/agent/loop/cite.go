package loop

import (
	"context"
	"fmt"

	"legwork/internal/agent"
	"legwork/internal/agent/quotes"

	neturl "net/url"
	"slices"

	"legwork/internal/research"
)

// uncited is the journaled result of a cite call whose quote is not on the page.
type uncited struct {
	agent.Cited
	Message string `json:"message,omitempty"`
	Closest string `json:"closest,omitempty"`
}

// citeTool looks for a quote in the snapshots that this task read. A quote that is found becomes evidence, with its span in the
// snapshot. Otherwise nothing is stored, and the model is shown the closest passage.
func (a *run) citeTool(ctx context.Context, url, quote string) (shownOutcome, error) {
	candidates := a.citable(url)
	if len(candidates) == 0 {
		return a.refuse(agent.ToolCite, "no page is open that could be cited. Open it with navigate_to first."), nil
	}
	var res uncited
	err := a.Call(ctx, agent.ToolCite, map[string]any{"url": url, "quote": quote}, nil, &res, func(ctx context.Context) (agent.Effect, error) {
		for _, o := range candidates {
			s, err := a.text(ctx, o.PageID)
			if err != nil {
				return agent.Effect{}, err
			}
			if start, end, ok := s.Find(quote); ok {
				return a.kept(o, start, end), nil
			}
		}
		return a.notFound(ctx, candidates, quote)
	})
	if err != nil {
		return shownOutcome{}, err
	}
	if res.Evidence == 0 {
		text := "Not kept: " + res.Message
		if res.Closest != "" {
			text += " The closest passage is this; cite again with words copied from it:\n" + a.untrusted(res.Closest)
		}
		return shownOutcome{text: text}, nil
	}
	a.LastEvidence = max(a.LastEvidence, res.Evidence)
	s, err := a.text(ctx, res.PageID)
	if err != nil {
		return shownOutcome{}, err
	}
	fresh := a.AddQuote(agent.Quote{Cited: res.Cited, Text: s.Slice(res.Start, res.End)})
	return shownOutcome{text: fmt.Sprintf("Kept as evidence %d. You have %d so far.", res.Evidence, len(a.Quotes)), fresh: fresh}, nil
}

// citable lists the pages to look for a quote on: first the page with the URL given, then the others, newest first.
func (a *run) citable(url string) []*agent.Opened {
	var out []*agent.Opened
	if u, ok := a.address(url); ok {
		if i, ok := a.byURL[u.String()]; ok {
			out = append(out, &a.Pages[i])
		}
	}
	for i := len(a.Pages) - 1; i >= 0; i-- {
		if !slices.Contains(out, &a.Pages[i]) {
			out = append(out, &a.Pages[i])
		}
	}
	return out
}

// kept returns the effect of a quote that was found. A span that was cited before keeps its evidence number.
func (a *run) kept(o *agent.Opened, start, end int) agent.Effect {
	c := agent.Cited{Evidence: a.LastEvidence + 1, PageID: o.PageID, URL: o.URL, Title: o.Title, Start: start, End: end}
	if u, err := neturl.Parse(o.URL); err == nil && c.Title == "" {
		c.Title = u.Hostname()
	}
	e := agent.Effect{Success: true}
	at := slices.IndexFunc(a.Quotes, func(p agent.Quote) bool { return p.PageID == c.PageID && p.Start == start && p.End == end })
	if at >= 0 {
		c = a.Quotes[at].Cited
	} else {
		e.Evidence = []research.Evidence{{Number: c.Evidence, PageID: c.PageID, VisitID: o.VisitID, URL: c.URL, Title: c.Title, Start: start, End: end}}
	}
	e.Result = c
	e.Preview = map[string]any{"evidence": c.Evidence, "url": c.URL, "title": c.Title, "verified": true}
	return e
}

// notFound returns the effect of a quote that is on no page.
func (a *run) notFound(ctx context.Context, candidates []*agent.Opened, quote string) (agent.Effect, error) {
	res := uncited{Message: "these words are not on the page."}
	if quotes.TooShort(quote) {
		res.Message = fmt.Sprintf("the quote is too short; give at least %d characters.", quotes.MinLength)
	}
	for _, o := range candidates {
		s, err := a.text(ctx, o.PageID)
		if err != nil {
			return agent.Effect{}, err
		}
		if passage, ok := s.Closest(quote); ok {
			res.Closest, res.URL = passage, o.URL
			break
		}
	}
	return agent.Effect{Result: res, Preview: map[string]any{"verified": false, "message": res.Message}}, nil
}
