package agent

import (
	"context"
	"fmt"
	neturl "net/url"
	"slices"

	"legwork/internal/research"
)

// uncited is the journaled result of a cite whose quote is not on the page.
type uncited struct {
	cited
	Message string `json:"message,omitempty"`
	Closest string `json:"closest,omitempty"`
}

// citeTool checks a quote against the snapshot that this task read. What is found is kept with the source's own span; what
// is not is answered with the closest passage, and nothing is kept.
func (a *asker) citeTool(ctx context.Context, url, quote string) (shownOutcome, error) {
	candidates := a.citable(url)
	if len(candidates) == 0 {
		return a.refuse(ToolCite, "no page is open that could be cited. Open it with navigate_to first."), nil
	}
	var res uncited
	err := a.call(ctx, ToolCite, map[string]any{"url": url, "quote": quote}, nil, &res, func(ctx context.Context) (effect, error) {
		for _, o := range candidates {
			s, err := a.text(ctx, o.PageID)
			if err != nil {
				return effect{}, err
			}
			if s.folded == nil {
				f := fold(string(s.runes))
				s.folded = &f
			}
			if start, end, ok := s.folded.find(quote); ok {
				if start, end = cutExcerpt(s.runes, start, end); start < end {
					return a.kept(o, start, end), nil
				}
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
	a.evidence = max(a.evidence, res.Evidence)
	s, err := a.text(ctx, res.PageID)
	if err != nil {
		return shownOutcome{}, err
	}
	fresh := a.addQuote(proof{cited: res.cited, text: string(s.runes[res.Start:res.End])})
	return shownOutcome{text: fmt.Sprintf("Kept as evidence %d. You have %d so far.", res.Evidence, len(a.proofs)), fresh: fresh}, nil
}

// citable are the pages that a quote may be on: the one named, then the others, newest first.
func (a *asker) citable(url string) []*opened {
	var out []*opened
	if u, ok := a.address(url); ok {
		if i, ok := a.byURL[u.String()]; ok {
			out = append(out, &a.pages[i])
		}
	}
	for i := len(a.pages) - 1; i >= 0; i-- {
		if !slices.Contains(out, &a.pages[i]) {
			out = append(out, &a.pages[i])
		}
	}
	return out
}

// kept is the effect of a quote that was found. A span that is evidence already stays the same evidence.
func (a *asker) kept(o *opened, start, end int) effect {
	c := cited{Evidence: a.evidence + 1, PageID: o.PageID, URL: o.URL, Title: o.Title, Start: start, End: end}
	if u, err := neturl.Parse(o.URL); err == nil && c.Title == "" {
		c.Title = u.Hostname()
	}
	e := effect{success: true}
	at := slices.IndexFunc(a.proofs, func(p proof) bool { return p.PageID == c.PageID && p.Start == start && p.End == end })
	if at >= 0 {
		c = a.proofs[at].cited
	} else {
		e.citations = []research.Evidence{{Number: c.Evidence, PageID: c.PageID, VisitID: o.VisitID, URL: c.URL, Title: c.Title, Start: start, End: end}}
	}
	e.result = c
	e.preview = map[string]any{"evidence": c.Evidence, "url": c.URL, "title": c.Title, "verified": true}
	return e
}

// notFound is the effect of a quote that is on no page.
func (a *asker) notFound(ctx context.Context, candidates []*opened, quote string) (effect, error) {
	res := uncited{Message: "these words are not on the page."}
	if len(quoteForms(quote)) == 0 {
		res.Message = fmt.Sprintf("the quote is too short; give at least %d characters.", minQuote)
	}
	for _, o := range candidates {
		s, err := a.text(ctx, o.PageID)
		if err != nil {
			return effect{}, err
		}
		if start, end, ok := closest(s.runes, quote); ok {
			res.Closest, res.URL = string(s.runes[start:end]), o.URL
			break
		}
	}
	return effect{result: res, preview: map[string]any{"verified": false, "message": res.Message}}, nil
}
