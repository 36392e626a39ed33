package loop

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"legwork/internal/agent"
	"legwork/internal/agent/pagetext"
	"legwork/internal/agent/quotes"
	"legwork/internal/agent/report"
	"legwork/internal/research"
)

// text returns the snapshot of a page that was read.
func (a *run) text(ctx context.Context, pageID string) (*pagetext.Doc, error) {
	if d := a.texts[pageID]; d != nil {
		return d, nil
	}
	p, err := a.Env.Page(ctx, pageID)
	if err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", pageID, err)
	}
	d := pagetext.New(p)
	a.texts[pageID] = d
	return d, nil
}

// showPage returns a short page whole. Of a long one it returns the beginning and the headings, or the part that the
// fragment names.
func (a *run) showPage(ctx context.Context, o *agent.Opened, fragment string) (shownOutcome, error) {
	d, err := a.text(ctx, o.PageID)
	if err != nil {
		return shownOutcome{}, err
	}
	head := fmt.Sprintf("Opened %s", o.URL)
	if known := report.Described(o.Source()); known != "" {
		head += " (" + known + ")"
	}
	if d.Chunks() == 1 {
		out, err := a.showPart(ctx, o, quotes.Span{End: d.Len()}, fmt.Sprintf("%s, the whole text:", head), o.Title+"\n\n")
		return out, err
	}
	head = fmt.Sprintf("%s (%d characters, %d chunks, %d links)", head, d.Len(), d.Chunks(), len(o.Links))
	outline := d.Outline(o.URL, o.Links)
	part, what := d.Beginning(firstLook), "the beginning"
	if at, ok := d.Fragment(o.URL, fragment, o.Links); ok {
		part, outline, what = d.From(at), "", fmt.Sprintf("#%s, in chunk %d", research.Truncate(fragment, 80), d.ChunkAt(at))
	}
	out, err := a.showPart(ctx, o, part, head+", "+what+":", o.Title+"\n\n")
	if err != nil {
		return out, err
	}
	if fragment != "" && outline != "" {
		out.text += fmt.Sprintf("\nWhere #%s is, is not known. find_in_page finds its words.", research.Truncate(fragment, 80))
	}
	if fitting, parts := a.fitting(d, o, part); fitting != "" {
		out.parts = append(out.parts, parts...)
		out.text += "\nThe passages that fit the question best:\n" + a.untrusted(fitting)
	}
	if outline != "" {
		out.text += "\nHeadings, each with the number of its chunk:\n" + a.untrusted(strings.TrimSpace(outline))
	}
	return out, nil
}

// fitting returns the passages of a long page that fit the question best, and records that the model sees them. Those in
// the part that is shown anyway are left out.
func (a *run) fitting(d *pagetext.Doc, o *agent.Opened, shown quotes.Span) (text string, parts []shownPart) {
	var out []string
	last := ""
	for _, f := range o.Fitting {
		if f.Start >= shown.Start && f.End <= shown.End || f.Start >= f.End || f.End > d.Len() {
			continue
		}
		span := quotes.Span{Start: f.Start, End: f.End}
		a.see(o.PageID, span)
		parts = append(parts, shownPart{o.PageID, span})
		text, head := strings.TrimSpace(d.Slice(f.Start, f.End)), d.Head(f.Start, f.Heading)
		if head != last {
			text = head + "\n" + text
		}
		out, last = append(out, text), head
	}
	// If the words of a quote stand both in one of these passages and at the beginning of the page, the passage is meant.
	seen := a.showing[o.PageID]
	at := len(seen) - len(parts)
	a.showing[o.PageID] = slices.Concat(seen[at:], seen[:at])
	return strings.Join(out, "\n\n"), parts
}

// showPart returns a part of a page with the targets of its links, and records that the model sees it. It is fresh if
// the model has not seen all of it before.
func (a *run) showPart(ctx context.Context, o *agent.Opened, part quotes.Span, head, title string) (shownOutcome, error) {
	d, err := a.text(ctx, o.PageID)
	if err != nil {
		return shownOutcome{}, err
	}
	q := a.Question(o.Language)
	text, more := d.Shown(part, o.URL, o.Links, func(l research.Link) bool { return len(q.Words(q.MatchText(l.Text))) > 0 })
	fresh := a.see(o.PageID, part)
	out := shownOutcome{text: head + "\n" + a.untrusted(title+strings.TrimSpace(text)), fresh: fresh, parts: []shownPart{{o.PageID, part}}}
	if more > 0 {
		out.text += fmt.Sprintf("\n(%d more links: extract_links_from_page.)", more)
	}
	return out, nil
}

// see records that the current calls show a part of a page. It reports whether the model has not seen all of it before.
func (a *run) see(pageID string, part quotes.Span) (fresh bool) {
	a.showing[pageID] = append(a.showing[pageID], part)
	return a.seen.Add(pageID, part)
}

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
	o, out, err := a.open(ctx, url, false)
	if err != nil || o == nil {
		return out, err
	}
	d, err := a.text(ctx, o.PageID)
	if err != nil {
		return shownOutcome{}, err
	}
	if n > d.Chunks() {
		return a.refuse(tool, "the page has %d chunks; there is no chunk %d.", d.Chunks(), n), nil
	}
	args := map[string]any{"url": o.URL}
	if tool == agent.ToolChunk {
		args["chunk"] = n
	}
	var c shownChunk
	err = a.Call(ctx, tool, args, nil, &c, func(context.Context) (agent.Effect, error) {
		part := d.Chunk(n)
		c := shownChunk{PageID: o.PageID, URL: o.URL, Chunk: n, Chunks: d.Chunks(), Start: part.Start, End: part.End}
		return agent.Effect{Result: c, Success: true, Preview: map[string]any{"url": c.URL, "chunk": c.Chunk, "chunks": c.Chunks, "chars": c.End - c.Start}}, nil
	})
	if err != nil {
		return shownOutcome{}, err
	}
	return a.showPart(ctx, o, quotes.Span{Start: c.Start, End: min(c.End, d.Len())}, fmt.Sprintf("%s, chunk %d of %d:", c.URL, c.Chunk, c.Chunks), "")
}

// noteTool keeps a remark of the model for the one that writes the answer.
func (a *run) noteTool(ctx context.Context, text string) (shownOutcome, error) {
	text = research.Truncate(strings.Join(strings.Fields(text), " "), maxNote)
	if len(a.notes) >= maxNotes {
		return a.refuse(agent.ToolNote, "%d notes are kept, which is the limit. Go on without.", maxNotes), nil
	}
	var res struct {
		Text string `json:"text"`
	}
	err := a.Call(ctx, agent.ToolNote, map[string]any{"text": text}, nil, &res, func(context.Context) (agent.Effect, error) {
		return agent.Effect{Success: true, Result: map[string]any{"text": text}, Preview: map[string]any{"notes": len(a.notes) + 1}}, nil
	})
	if err != nil {
		return shownOutcome{}, err
	}
	a.notes = append(a.notes, res.Text)
	return shownOutcome{text: "Noted."}, nil
}
