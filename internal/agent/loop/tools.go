package loop

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"legwork/internal/agent"
	"legwork/internal/agent/addresses"
	"legwork/internal/agent/pagetext"
	"legwork/internal/agent/quotes"
	"legwork/internal/agent/ranking"
	"legwork/internal/agent/toolcalls"
	"legwork/internal/page"
	"legwork/internal/research"
)

// Bounds of what the model is shown: lengths of texts in code points, and numbers of items.
const (
	firstLook   = 1000 // length of the beginning that is shown of a long page that was just opened
	shownLinks  = 30
	shownFound  = 5
	shownResult = 10
	snippetSize = 200 // bytes of a snippet of a search result
	maxNotes    = 20
	maxNote     = 400 // bytes of a note
)

// shownOutcome is the result of a tool call: the text for the model, and whether it contains anything that the model has
// not seen.
type shownOutcome struct {
	text  string
	fresh bool
	parts []shownPart // the parts of pages that it shows
}

// shownPart is a part of a page that a message shows.
type shownPart struct {
	pageID string
	quotes.Span
}

// refuse returns an error message for the model, and the call is not made. The refusal is stored with the model's next
// reply, and only once, even if the run is resumed.
func (a *run) refuse(tool, format string, args ...any) shownOutcome {
	message := fmt.Sprintf(format, args...)
	a.AddToNext(research.ToolResult(tool, map[string]any{"message": message}, false, nil))
	return shownOutcome{text: "Error: " + message}
}

// carryOut makes one call that the model asked for.
func (a *run) carryOut(ctx context.Context, w toolcalls.Call) (shownOutcome, error) {
	spec := toolcalls.Named(w.Name)
	if spec == nil {
		var names []string
		for _, t := range toolcalls.Offered(a.Env.Shoot != nil) {
			names = append(names, t.Name)
		}
		return a.refuse(research.Truncate(w.Name, 60), "there is no such tool. The tools are %s.", strings.Join(names, ", ")), nil
	}
	args, err := spec.Arguments(w.Arguments)
	if err != nil {
		return a.refuse(spec.Name, "%s", err), nil
	}
	raw, err := research.EncodeJSON(args)
	if err != nil {
		return shownOutcome{}, err
	}
	key := agent.CallKey(spec.Name, raw)
	if a.repeats[key]++; a.repeats[key] > maxRepeats {
		return a.refuse(spec.Name, "you have made this very call %d times; it gives the same again. Do something else, or say DONE.", a.repeats[key]), nil
	}
	out, err := a.dispatch(ctx, spec.Name, args)
	if a.repeats[key] > 1 {
		out.fresh = false
		out.text = "(You made this very call before.)\n" + out.text
	}
	return out, err
}

func (a *run) dispatch(ctx context.Context, tool string, args map[string]any) (shownOutcome, error) {
	str := func(name string) string { s, _ := args[name].(string); return s }
	switch tool {
	case agent.ToolSearch:
		return a.searchTool(ctx, str("query"))
	case agent.ToolNavigate:
		_, out, err := a.open(ctx, str("url"), true)
		return out, err
	case agent.ToolContent:
		return a.contentTool(ctx, tool, str("url"), 1)
	case agent.ToolChunk:
		n, _ := args["chunk"].(int)
		return a.contentTool(ctx, tool, str("url"), max(n, 1))
	case agent.ToolLinks:
		return a.linksTool(ctx, str("url"), str("contains"))
	case agent.ToolFind:
		return a.findTool(ctx, str("query"), str("url"))
	case agent.ToolCite:
		given, _ := args["quotes"].([]string)
		return a.citeTool(ctx, str("url"), str("for"), given)
	case agent.ToolUncite:
		n, _ := args["evidence"].(int)
		return a.unciteTool(ctx, n)
	case agent.ToolNote:
		return a.noteTool(ctx, str("text"))
	default:
		full, _ := args["fullPage"].(bool)
		return a.screenshotTool(ctx, str("url"), full)
	}
}

func (a *run) searchTool(ctx context.Context, query string) (shownOutcome, error) {
	found, err := a.Search(ctx, query)
	if err != nil {
		return shownOutcome{}, err
	}
	a.Searched = &found
	a.noteQuery(query)
	fresh := false
	var b strings.Builder
	for i, r := range found.Results[:min(len(found.Results), shownResult, max(a.Opts.MaxResults, 1))] {
		u, err := page.ParseURL(r.URL)
		if err != nil || a.Scope.Refuse(page.Address{URL: r.URL, Root: page.Domain(u.Host)}) != "" {
			continue
		}
		fresh = fresh || !a.known.Has(u)
		a.known.Note(u, addresses.Origin{})
		fmt.Fprintf(&b, "%d. %s\n   %s\n   %s\n", i+1, r.Title, u, research.Truncate(r.Snippet, snippetSize))
	}
	said := agent.SearchSaid(found)
	if b.Len() == 0 {
		return shownOutcome{text: said + "Nothing was found. Try other words, or open a page whose address you know.", fresh: len(a.Pages) == 0}, nil
	}
	return shownOutcome{text: said + a.untrusted(b.String()), fresh: fresh}, nil
}

func (a *run) linksTool(ctx context.Context, url, contains string) (shownOutcome, error) {
	o, out, err := a.open(ctx, url, false)
	if err != nil || o == nil {
		return out, err
	}
	args := map[string]any{"url": o.URL}
	if contains != "" {
		args["contains"] = contains
	}
	var res struct {
		Links []pagetext.ShownLink `json:"links"`
		Total int                  `json:"total"`
	}
	err = a.Call(ctx, agent.ToolLinks, args, nil, &res, func(context.Context) (agent.Effect, error) {
		q := a.Question(o.Language)
		links := pagetext.FittingLinks(q, o.Links, o.Depth+1, contains)
		res := map[string]any{"links": links[:min(len(links), shownLinks)], "total": len(links)}
		return agent.Effect{Result: res, Success: true, Preview: map[string]any{"url": o.URL, "count": len(links)}}, nil
	})
	if err != nil {
		return shownOutcome{}, err
	}
	var b strings.Builder
	for _, l := range res.Links {
		fmt.Fprintf(&b, "- %s: %s\n", research.Truncate(l.Text, 120), l.URL)
	}
	if b.Len() == 0 {
		return shownOutcome{text: "The page has no such links."}, nil
	}
	text := fmt.Sprintf("%d of %d links:\n%s", len(res.Links), res.Total, a.untrusted(b.String()))
	if res.Total > len(res.Links) {
		text += "\nThe argument contains selects others."
	}
	return shownOutcome{text: text, fresh: true}, nil
}

func (a *run) findTool(ctx context.Context, query, url string) (shownOutcome, error) {
	if url != "" {
		o, out, err := a.open(ctx, url, false)
		if err != nil || o == nil {
			return out, err
		}
		url = o.URL
	}
	if len(a.Pages) == 0 {
		return a.refuse(agent.ToolFind, "no page is open yet. Open one with navigate_to."), nil
	}
	args := map[string]any{"query": query, "pages": len(a.Pages)} // the number of open pages is an argument, so that the search is repeated when more pages are open
	if url != "" {
		args["url"] = url
	}
	var found agent.FoundPassages
	err := a.Call(ctx, agent.ToolFind, args, nil, &found, func(ctx context.Context) (agent.Effect, error) {
		ranked, err := a.rankFor(ctx, query, url)
		if err != nil {
			return agent.Effect{}, err
		}
		res := agent.FoundPassages{Passages: []agent.FoundPassage{}}
		for _, s := range ranked[:min(len(ranked), shownFound)] {
			res.Passages = append(res.Passages, agent.NewFound(&s))
		}
		return agent.Effect{Result: res, Success: len(ranked) > 0, Preview: map[string]any{"pages": len(a.Pages), "passages": len(ranked)}}, nil
	})
	if err != nil {
		return shownOutcome{}, err
	}
	a.noteQuery(query)
	return a.showFound(ctx, found)
}

// showFound lists passages by their pages, best first. It is fresh if the model has not seen one of them before.
func (a *run) showFound(ctx context.Context, found agent.FoundPassages) (shownOutcome, error) {
	var pages []string
	byPage, heads := map[string][]string{}, map[string]string{}
	var parts []shownPart
	fresh := false
	for _, p := range found.Passages {
		d, err := a.text(ctx, p.PageID)
		if err != nil {
			return shownOutcome{}, err
		}
		if byPage[p.URL] == nil {
			pages = append(pages, p.URL)
		}
		head := d.Head(p.Start, p.Heading)
		text := p.Text
		if heads[p.URL] != head {
			text = head + "\n" + text
		}
		heads[p.URL] = head
		byPage[p.URL] = append(byPage[p.URL], text)
		fresh = a.see(p.PageID, quotes.Span{Start: p.Start, End: p.End}) || fresh
		parts = append(parts, shownPart{p.PageID, quotes.Span{Start: p.Start, End: p.End}})
	}
	if len(pages) == 0 {
		return shownOutcome{text: "No passage fits. Try other words, or open another page."}, nil
	}
	var b strings.Builder
	for _, url := range pages {
		fmt.Fprintf(&b, "%s\n%s\n\n", url, strings.Join(byPage[url], "\n\n"))
	}
	out := shownOutcome{text: a.untrusted(strings.TrimSpace(b.String())), fresh: fresh, parts: parts}
	if !fresh {
		out.text += "\nYou have seen these passages before."
	}
	return out, nil
}

// rankFor ranks the passages of the pages that the run has read by how well they fit query. If url is not empty, it
// returns only the passages of the page with that URL.
func (a *run) rankFor(ctx context.Context, query, url string) ([]ranking.Scored, error) {
	q := ranking.NewQuestion(query, "")
	hits, err := a.Env.Rank(ctx, q.Query(), agent.MaxHits)
	if err != nil {
		return nil, err
	}
	if url != "" {
		hits = slices.DeleteFunc(hits, func(h research.Hit) bool { return h.URL != url })
	}
	return a.rankHits(q, hits), nil
}

// rankHits scores passages of the pages that were read by how well they fit a question.
func (a *run) rankHits(q *ranking.Question, hits []research.Hit) []ranking.Scored {
	facts := map[string]ranking.PageFacts{}
	for _, o := range a.Pages {
		facts[o.PageID] = ranking.NewPageFacts(q, o.Links)
	}
	return ranking.Rank(hits, facts, nil)
}
