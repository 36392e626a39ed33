package loop

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"legwork/internal/agent"
	"legwork/internal/agent/quotes"
	"legwork/internal/agent/ranking"
	"legwork/internal/agent/toolcalls"
	"legwork/internal/page"
	"legwork/internal/research"
)

// Bounds of what the model is shown: lengths of texts in code points, and numbers of items.
const (
	chunkSize   = 6000
	firstLook   = 3000 // length of the beginning that is shown of a page that was just opened
	shownLinks  = 60
	shownFound  = 8
	shownResult = 10
)

// text returns the snapshot of a page that was read.
func (a *run) text(ctx context.Context, pageID string) (*quotes.Text, error) {
	if s := a.texts[pageID]; s != nil {
		return s, nil
	}
	p, err := a.Env.Page(ctx, pageID)
	if err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", pageID, err)
	}
	s := quotes.NewText(p.Text)
	for _, b := range p.Blocks {
		if level := b.Kind.Level(); level > 0 && 0 <= b.Start && b.Start <= b.End && b.End <= s.Len() {
			s.SetHeading(level, quotes.Span{Start: b.Start, End: b.End})
		}
	}
	a.texts[pageID] = s
	return s, nil
}

// shownOutcome is the result of a tool call: the text for the model, and whether it contains anything that the model has
// not seen.
type shownOutcome struct {
	text  string
	fresh bool
}

// refuse returns an error message for the model, and the call is not made. The refusal is stored with the model's next
// reply, and only once, even if the run is resumed.
func (a *run) refuse(tool, format string, args ...any) shownOutcome {
	message := fmt.Sprintf(format, args...)
	a.pending = append(a.pending, research.ToolResult(tool, map[string]any{"message": message}, false, nil))
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
		_, out, err := a.open(ctx, str("url"))
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
		return a.citeTool(ctx, str("url"), given)
	case agent.ToolUncite:
		n, _ := args["evidence"].(int)
		return a.unciteTool(ctx, n)
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
	var b strings.Builder
	for i, r := range found.Results[:min(len(found.Results), shownResult, max(a.Opts.MaxResults, 1))] {
		u, err := page.ParseURL(r.URL)
		if err != nil || a.Scope.Refuse(page.Address{URL: r.URL, Root: page.Domain(u.Host)}) != "" {
			continue
		}
		a.noteOrigin(u.String(), origin{})
		fmt.Fprintf(&b, "%d. %s\n   %s\n   %s\n", i+1, r.Title, u, research.Truncate(r.Snippet, 300))
	}
	if b.Len() == 0 {
		return shownOutcome{text: "Nothing was found. Try other words, or open a page whose address you know.", fresh: len(a.Pages) == 0}, nil
	}
	return shownOutcome{text: a.untrusted(b.String()), fresh: true}, nil
}

// showBeginning returns the first firstLook code points of a page.
func (a *run) showBeginning(ctx context.Context, o *agent.Opened) (shownOutcome, error) {
	s, err := a.text(ctx, o.PageID)
	if err != nil {
		return shownOutcome{}, err
	}
	text := fmt.Sprintf("Opened %s (%d characters, %d links).\n", o.URL, s.Len(), len(o.Links))
	shown := min(s.Len(), firstLook)
	a.showing[o.PageID] = []quotes.Span{{End: shown}}
	text += a.untrusted(o.Title + "\n\n" + s.Slice(0, shown))
	if shown < s.Len() {
		text += fmt.Sprintf("\nThis is the beginning. The whole text has %d chunks: get_page_content_chunk. find_in_page finds passages in it.", chunks(s))
	}
	return shownOutcome{text: text}, nil
}

func chunks(s *quotes.Text) int { return (s.Len() + chunkSize - 1) / chunkSize }

// shownChunk is the journaled result of get_page_content and get_page_content_chunk. It has only the span of the text,
// because the text itself is in the snapshot.
type shownChunk struct {
	PageID string `json:"pageId"`
	URL    string `json:"url"`
	Chunk  int    `json:"chunk"`
	Chunks int    `json:"chunks"`
	Start  int    `json:"start"`
	End    int    `json:"end"`
}

func (a *run) contentTool(ctx context.Context, tool, url string, n int) (shownOutcome, error) {
	o, out, err := a.open(ctx, url)
	if err != nil || o == nil {
		return out, err
	}
	s, err := a.text(ctx, o.PageID)
	if err != nil {
		return shownOutcome{}, err
	}
	if n > chunks(s) {
		return a.refuse(tool, "the page has %d chunks; there is no chunk %d.", chunks(s), n), nil
	}
	args := map[string]any{"url": o.URL}
	if tool == agent.ToolChunk {
		args["chunk"] = n
	}
	var c shownChunk
	err = a.Call(ctx, tool, args, nil, &c, func(context.Context) (agent.Effect, error) {
		c := shownChunk{PageID: o.PageID, URL: o.URL, Chunk: n, Chunks: chunks(s), Start: (n - 1) * chunkSize, End: min(n*chunkSize, s.Len())}
		return agent.Effect{Result: c, Success: true, Preview: map[string]any{"url": c.URL, "chunk": c.Chunk, "chunks": c.Chunks, "chars": c.End - c.Start}}, nil
	})
	if err != nil {
		return shownOutcome{}, err
	}
	a.showing[c.PageID] = []quotes.Span{{Start: c.Start, End: c.End}}
	head := fmt.Sprintf("%s, chunk %d of %d:\n", c.URL, c.Chunk, c.Chunks)
	return shownOutcome{text: head + a.untrusted(s.Slice(c.Start, c.End)), fresh: true}, nil
}

// shownLink is a link in the result of extract_links_from_page.
type shownLink struct {
	URL     string `json:"url"`
	Text    string `json:"text"`
	Heading string `json:"heading,omitempty"` // the nearest heading above the link
	Depth   int    `json:"depth"`             // number of links from a start page to this page
}

func (a *run) linksTool(ctx context.Context, url, contains string) (shownOutcome, error) {
	o, out, err := a.open(ctx, url)
	if err != nil || o == nil {
		return out, err
	}
	args := map[string]any{"url": o.URL}
	if contains != "" {
		args["contains"] = contains
	}
	var res struct {
		Links []shownLink `json:"links"`
		Total int         `json:"total"`
	}
	err = a.Call(ctx, agent.ToolLinks, args, nil, &res, func(ctx context.Context) (agent.Effect, error) {
		q, err := a.Question(ctx, o.Language)
		if err != nil {
			return agent.Effect{}, err
		}
		links := fittingLinks(q, o.Links, o.Depth+1, contains)
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
	return shownOutcome{text: fmt.Sprintf("%d of %d links:\n%s", len(res.Links), res.Total, a.untrusted(b.String())), fresh: true}, nil
}

// fittingLinks returns the links that have a text, each address once. Links whose text shares more words with the
// question come first.
func fittingLinks(q *ranking.Question, links []research.Link, depth int, contains string) []shownLink {
	type scoredLink struct {
		shownLink
		words int
	}
	var all []scoredLink
	seen := map[string]bool{}
	for _, l := range links {
		has := strings.Contains(strings.ToLower(l.Text+" "+l.URL), strings.ToLower(contains))
		if seen[l.URL] || strings.TrimSpace(l.Text) == "" || !has {
			continue
		}
		seen[l.URL] = true
		all = append(all, scoredLink{shownLink{URL: l.URL, Text: l.Text, Heading: l.Heading, Depth: depth}, len(q.Words(q.MatchText(l.Text + " " + l.Heading)))})
	}
	slices.SortStableFunc(all, func(x, y scoredLink) int { return cmp.Compare(y.words, x.words) })
	out := make([]shownLink, len(all))
	for i, l := range all {
		out[i] = l.shownLink
	}
	return out
}

func (a *run) findTool(ctx context.Context, query, url string) (shownOutcome, error) {
	if url != "" {
		o, out, err := a.open(ctx, url)
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
	var b strings.Builder
	spans := map[string][]quotes.Span{}
	for _, p := range found.Passages {
		spans[p.PageID] = append(spans[p.PageID], quotes.Span{Start: p.Start, End: p.End})
		fmt.Fprintf(&b, "%s (%s):\n%s\n\n", p.URL, p.Heading, p.Text)
	}
	maps.Copy(a.showing, spans)
	if b.Len() == 0 {
		return shownOutcome{text: "No passage fits. Try other words, or open another page."}, nil
	}
	return shownOutcome{text: a.untrusted(b.String()), fresh: true}, nil
}

// rankFor ranks the passages of the pages that the run has read by how well they fit query. If url is not empty, it
// returns only the passages of the page with that URL.
func (a *run) rankFor(ctx context.Context, query, url string) ([]ranking.Scored, error) {
	q := ranking.NewQuestion(query, "", nil)
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
