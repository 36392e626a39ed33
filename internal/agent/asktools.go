package agent

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"legwork/internal/page"
	"legwork/internal/research"
)

// Bounds of what the model is shown, in code points and items.
const (
	chunkSize   = 6000
	firstLook   = 3000 // of a page that was just opened
	shownLinks  = 60
	shownFound  = 8
	shownResult = 10
)

// snapshot is a page's text, as code points and, once a quote was looked for, folded.
type snapshot struct {
	runes  []rune
	folded *folded
}

// text gives the snapshot of a page that was read.
func (a *asker) text(ctx context.Context, pageID string) (*snapshot, error) {
	if s := a.texts[pageID]; s != nil {
		return s, nil
	}
	p, err := a.env.Page(ctx, pageID)
	if err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", pageID, err)
	}
	s := &snapshot{runes: []rune(p.Text)}
	a.texts[pageID] = s
	return s, nil
}

// shownOutcome is what a tool call gave: what the model is shown, and whether it brought anything new.
type shownOutcome struct {
	text  string
	fresh bool
}

// refuse answers a call that is not carried out. What it says is told in the log with the next reply of the model, once,
// however often the run is resumed.
func (a *asker) refuse(tool, format string, args ...any) shownOutcome {
	message := fmt.Sprintf(format, args...)
	a.pending = append(a.pending, research.ToolResult(tool, map[string]any{"message": message}, false, nil))
	return shownOutcome{text: "Error: " + message}
}

// carryOut makes one call that the model wishes.
func (a *asker) carryOut(ctx context.Context, w wish) (shownOutcome, error) {
	spec := toolNamed(w.name)
	if spec == nil {
		var names []string
		for _, t := range offered(a.env.Shoot != nil) {
			names = append(names, t.Name)
		}
		return a.refuse(research.Truncate(w.name, 60), "there is no such tool. The tools are %s.", strings.Join(names, ", ")), nil
	}
	args, err := spec.arguments(w.args)
	if err != nil {
		return a.refuse(spec.name, "%s", err), nil
	}
	raw, err := research.EncodeJSON(args)
	if err != nil {
		return shownOutcome{}, err
	}
	key := callKey(spec.name, raw)
	if a.repeats[key]++; a.repeats[key] > maxRepeats {
		return a.refuse(spec.name, "you have made this very call %d times; it gives the same again. Do something else, or say DONE.", a.repeats[key]), nil
	}
	out, err := a.dispatch(ctx, spec.name, args)
	if a.repeats[key] > 1 {
		out.fresh = false
		out.text = "(You made this very call before.)\n" + out.text
	}
	return out, err
}

func (a *asker) dispatch(ctx context.Context, tool string, args map[string]any) (shownOutcome, error) {
	str := func(name string) string { s, _ := args[name].(string); return s }
	switch tool {
	case ToolSearch:
		return a.searchTool(ctx, str("query"))
	case ToolNavigate:
		_, out, err := a.open(ctx, str("url"))
		return out, err
	case ToolContent:
		return a.contentTool(ctx, tool, str("url"), 1)
	case ToolChunk:
		n, _ := args["chunk"].(int)
		return a.contentTool(ctx, tool, str("url"), max(n, 1))
	case ToolLinks:
		return a.linksTool(ctx, str("url"), str("contains"))
	case ToolFind:
		return a.findTool(ctx, str("query"), str("url"))
	case ToolCite:
		return a.citeTool(ctx, str("url"), str("quote"))
	default:
		full, _ := args["fullPage"].(bool)
		return a.screenshotTool(ctx, str("url"), full)
	}
}

func (a *asker) searchTool(ctx context.Context, query string) (shownOutcome, error) {
	found, err := a.search(ctx, query)
	if err != nil {
		return shownOutcome{}, err
	}
	a.searched = &found
	var b strings.Builder
	for i, r := range found.Results[:min(len(found.Results), shownResult, max(a.opts.MaxResults, 1))] {
		u, err := page.ParseURL(r.URL)
		if err != nil || a.scope.Refuse(page.Address{URL: r.URL, Root: page.Domain(u.Host)}) != "" {
			continue
		}
		a.know(u.String(), origin{})
		fmt.Fprintf(&b, "%d. %s\n   %s\n   %s\n", i+1, r.Title, u, research.Truncate(r.Snippet, 300))
	}
	if b.Len() == 0 {
		return shownOutcome{text: "Nothing was found. Try other words, or open a page whose address you know.", fresh: len(a.pages) == 0}, nil
	}
	return shownOutcome{text: a.untrusted(b.String()), fresh: true}, nil
}

// look shows the beginning of a page.
func (a *asker) look(ctx context.Context, o *opened) (shownOutcome, error) {
	s, err := a.text(ctx, o.PageID)
	if err != nil {
		return shownOutcome{}, err
	}
	text := fmt.Sprintf("Opened %s (%d characters, %d links).\n", o.URL, len(s.runes), len(o.Links))
	shown := s.runes
	if len(shown) > firstLook {
		shown = shown[:firstLook]
	}
	text += a.untrusted(o.Title + "\n\n" + string(shown))
	if len(shown) < len(s.runes) {
		text += fmt.Sprintf("\nThis is the beginning. The whole text has %d chunks: get_page_content_chunk. find_in_page finds passages in it.", chunks(s))
	}
	return shownOutcome{text: text}, nil
}

func chunks(s *snapshot) int { return (len(s.runes) + chunkSize - 1) / chunkSize }

// shownChunk is the journaled result of the two content tools: a reference, since the text is the snapshot's.
type shownChunk struct {
	PageID string `json:"pageId"`
	URL    string `json:"url"`
	Chunk  int    `json:"chunk"`
	Chunks int    `json:"chunks"`
	Start  int    `json:"start"`
	End    int    `json:"end"`
}

func (a *asker) contentTool(ctx context.Context, tool, url string, n int) (shownOutcome, error) {
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
	if tool == ToolChunk {
		args["chunk"] = n
	}
	var c shownChunk
	err = a.call(ctx, tool, args, nil, &c, func(context.Context) (effect, error) {
		c := shownChunk{PageID: o.PageID, URL: o.URL, Chunk: n, Chunks: chunks(s), Start: (n - 1) * chunkSize, End: min(n*chunkSize, len(s.runes))}
		return effect{result: c, success: true, preview: map[string]any{"url": c.URL, "chunk": c.Chunk, "chunks": c.Chunks, "chars": c.End - c.Start}}, nil
	})
	if err != nil {
		return shownOutcome{}, err
	}
	head := fmt.Sprintf("%s, chunk %d of %d:\n", c.URL, c.Chunk, c.Chunks)
	return shownOutcome{text: head + a.untrusted(string(s.runes[c.Start:c.End])), fresh: true}, nil
}

// shownLink is a link as extract_links_from_page gives it.
type shownLink struct {
	URL     string `json:"url"`
	Text    string `json:"text"`
	Heading string `json:"heading,omitempty"` // nearest one above it on the page
	Depth   int    `json:"depth"`             // links followed in a row to get there
}

func (a *asker) linksTool(ctx context.Context, url, contains string) (shownOutcome, error) {
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
	err = a.call(ctx, ToolLinks, args, nil, &res, func(ctx context.Context) (effect, error) {
		q, err := a.question(ctx, o.Language)
		if err != nil {
			return effect{}, err
		}
		links := fittingLinks(q, o.Links, o.Depth+1, contains)
		res := map[string]any{"links": links[:min(len(links), shownLinks)], "total": len(links)}
		return effect{result: res, success: true, preview: map[string]any{"url": o.URL, "count": len(links)}}, nil
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

// fittingLinks are the links with a text, each address once, those with more words of the question first.
func fittingLinks(q *question, links []research.Link, depth int, contains string) []shownLink {
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
		all = append(all, scoredLink{shownLink{URL: l.URL, Text: l.Text, Heading: l.Heading, Depth: depth}, len(q.words(q.matchText(l.Text + " " + l.Heading)))})
	}
	slices.SortStableFunc(all, func(x, y scoredLink) int { return cmp.Compare(y.words, x.words) })
	out := make([]shownLink, len(all))
	for i, l := range all {
		out[i] = l.shownLink
	}
	return out
}

func (a *asker) findTool(ctx context.Context, query, url string) (shownOutcome, error) {
	if url != "" {
		o, out, err := a.open(ctx, url)
		if err != nil || o == nil {
			return out, err
		}
		url = o.URL
	}
	if len(a.pages) == 0 {
		return a.refuse(ToolFind, "no page is open yet. Open one with navigate_to."), nil
	}
	args := map[string]any{"query": query, "pages": len(a.pages)} // more pages make it another call
	if url != "" {
		args["url"] = url
	}
	var found foundPassages
	err := a.call(ctx, ToolFind, args, nil, &found, func(ctx context.Context) (effect, error) {
		ranked, err := a.rankFor(ctx, query, url)
		if err != nil {
			return effect{}, err
		}
		res := foundPassages{Passages: []foundPassage{}}
		for _, s := range ranked[:min(len(ranked), shownFound)] {
			res.Passages = append(res.Passages, newFound(&s))
		}
		return effect{result: res, success: len(ranked) > 0, preview: map[string]any{"pages": len(a.pages), "passages": len(ranked)}}, nil
	})
	if err != nil {
		return shownOutcome{}, err
	}
	var b strings.Builder
	for _, p := range found.Passages {
		fmt.Fprintf(&b, "%s (%s):\n%s\n\n", p.URL, p.Heading, p.Text)
	}
	if b.Len() == 0 {
		return shownOutcome{text: "No passage fits. Try other words, or open another page."}, nil
	}
	return shownOutcome{text: a.untrusted(b.String()), fresh: true}, nil
}

// rankFor ranks the passages of the pages read, or of one, for any query.
func (a *asker) rankFor(ctx context.Context, query, url string) ([]scored, error) {
	q := newQuestion(query, "", nil)
	hits, err := a.env.Rank(ctx, q.query(), maxHits)
	if err != nil {
		return nil, err
	}
	if url != "" {
		hits = slices.DeleteFunc(hits, func(h research.Hit) bool { return h.URL != url })
	}
	return a.rankHits(q, hits), nil
}

// rankHits scores passages of the pages read by a question of any kind.
func (a *asker) rankHits(q *question, hits []research.Hit) []scored {
	facts := map[string]pageFacts{}
	for _, o := range a.pages {
		facts[o.PageID] = newFacts(q, o.Links)
	}
	return rank(hits, facts, nil)
}
