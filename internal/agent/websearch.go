package agent

import (
	"context"
	"fmt"

	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/search"
)

// Bounds of what a step stores.
const (
	maxStepLinks = 5000
	MaxHits      = 600 // greatest number of passages that are ranked; on huge pages each costs the database about a millisecond
	maxFound     = 40  // greatest number of passages in a result of find_in_page
)

// FoundPages is the journaled result of search_for_question.
type FoundPages struct {
	Asked   research.Engine  `json:"asked"`
	Used    research.Engine  `json:"used,omitempty"`
	Results []search.Result  `json:"results"`
	Skipped []search.Skipped `json:"skipped,omitempty"`
	// Rewritten is the simpler query that was used; empty if the query was used unchanged.
	Rewritten string `json:"rewritten,omitempty"`
}

// Search asks the task's search engine. If that engine does not answer, an event says so.
func (b *Session) Search(ctx context.Context, query string, before ...research.Event) (FoundPages, error) {
	var out FoundPages
	err := b.Call(ctx, ToolSearch, map[string]any{"query": query}, before, &out, func(ctx context.Context) (Effect, error) {
		a, err := b.ask(ctx, query)
		if err != nil {
			return Effect{}, err
		}
		results := make([]any, 0, len(a.Results))
		for _, r := range a.Results {
			results = append(results, map[string]any{"url": r.URL, "title": r.Title})
		}
		e := Effect{
			Result: FoundPages{Asked: a.Asked, Used: a.Used, Results: append([]search.Result{}, a.Results...),
				Skipped: a.Skipped, Rewritten: a.Rewritten},
			Preview: map[string]any{"engine": string(a.Used), "count": len(a.Results), "results": results},
			Success: a.Used != "",
		}
		if a.Used == "" {
			delete(e.Preview, "engine")
			e.Preview["message"] = "No search engine could answer."
		}
		if a.Rewritten != "" {
			e.Preview["query"] = a.Rewritten
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
				b.fromLibrary[u.String()] = true
			}
		}
	}
	return out, err
}

// ask asks the search engine, or takes the result of a prefetched search.
func (b *Session) ask(ctx context.Context, query string) (search.Answer, error) {
	raw, err := research.EncodeJSON(map[string]any{"query": query})
	if err != nil {
		return search.Answer{}, err
	}
	if f := b.underWay[CallKey(ToolSearch, raw)]; f != nil {
		if err := f.wait(ctx); err != nil {
			return search.Answer{}, err
		}
		return f.found, nil
	}
	return b.search(ctx, query)
}

// SearchSaid tells a model what it must know about how its search was answered: that another engine was asked, or that
// other words were searched for. It is empty if there is nothing to tell.
func SearchSaid(f FoundPages) string {
	said := ""
	if len(f.Skipped) > 0 {
		said = fallbackSentence(search.Answer{Asked: f.Asked, Used: f.Used, Results: f.Results, Skipped: f.Skipped}) + "\n"
	}
	if f.Rewritten != "" {
		said += fmt.Sprintf("The query found little, so %q was searched for.\n", f.Rewritten)
	}
	return said
}

// fallbackSentence says which engine was asked, why it did not answer, and which engine was used instead.
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
