package loop

import (
	"context"
	"fmt"
	neturl "net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"legwork/internal/agent"
	"legwork/internal/agent/pagetext"
	"legwork/internal/agent/quotes"
	"legwork/internal/agent/toolcalls"
	"legwork/internal/research"
)

// uncited is the journaled result of a cite call whose quote was not found.
type uncited struct {
	agent.Cited
	Message string `json:"message,omitempty"`
	Closest string `json:"closest,omitempty"`
}

// citeTool stores the quotes of one cite call as evidence, each in a step of its own. A quote with ellipses is stored as
// several quotes.
func (a *run) citeTool(ctx context.Context, url, purpose string, given []string) (shownOutcome, error) {
	if len(given) > toolcalls.MaxQuotes {
		a.unkept = true
		return a.refuse(agent.ToolCite, "at most %d quotes in one call; none of these was kept.", toolcalls.MaxQuotes), nil
	}
	if len(a.Pages) == 0 {
		return a.refuse(agent.ToolCite, "no page is open that could be cited. Open it with navigate_to first."), nil
	}
	a.citingFor = research.Truncate(strings.Join(strings.Fields(purpose), " "), maxPurpose)
	var all shownOutcome
	var texts []string
	for _, quote := range given {
		out, err := a.citeQuote(ctx, url, quote)
		if err != nil {
			return shownOutcome{}, err
		}
		texts, all.fresh = append(texts, out.text), all.fresh || out.fresh
	}
	all.text = strings.Join(texts, "\n\n")
	return all, nil
}

// maxPurpose is the greatest length of the part of the question that a quote serves, in bytes.
const maxPurpose = 200

// place is where a quote was found.
type place struct {
	page  *agent.Opened
	text  *pagetext.Doc
	found quotes.Found
	asked bool // whether page is the one that the model named
}

// citeQuote stores one quote as evidence. If it is not found as a whole and has ellipses, its parts are stored.
func (a *run) citeQuote(ctx context.Context, url, quote string) (shownOutcome, error) {
	at, ok, err := a.findQuote(ctx, url, quote)
	if err != nil {
		return shownOutcome{}, err
	}
	if ok {
		return a.keep(ctx, url, quote, at)
	}
	parts := quotes.Parts(quote)
	if places, ok, err := a.findParts(ctx, url, parts); err != nil || ok {
		return a.keepParts(ctx, url, parts, places, err)
	}
	return a.notFound(ctx, url, quote)
}

// findParts looks for all parts of a quote with ellipses. They must be on one page, in their order.
func (a *run) findParts(ctx context.Context, url string, parts []string) ([]place, bool, error) {
	if len(parts) == 0 {
		return nil, false, nil
	}
	candidates, named := a.citable(url)
	for i, o := range candidates {
		s, err := a.text(ctx, o.PageID)
		if err != nil {
			return nil, false, err
		}
		near := a.shown[o.PageID]
		var places []place
		for _, part := range parts {
			f, ok := s.Find(part, near...)
			if !ok || len(places) > 0 && f.Start < places[len(places)-1].found.End {
				break
			}
			places = append(places, place{page: o, text: s, found: f, asked: named && i == 0})
			near = []quotes.Span{{Start: f.End, End: s.Len()}}
		}
		if len(places) == len(parts) {
			return places, true, nil
		}
	}
	return nil, false, nil
}

func (a *run) keepParts(ctx context.Context, url string, parts []string, places []place, err error) (shownOutcome, error) {
	if err != nil {
		return shownOutcome{}, err
	}
	all := shownOutcome{text: fmt.Sprintf("The words before and after an ellipsis are kept as %d quotes.", len(parts))}
	for i, part := range parts {
		out, err := a.keep(ctx, url, part, places[i])
		if err != nil {
			return shownOutcome{}, err
		}
		all.text, all.fresh = all.text+"\n"+out.text, all.fresh || out.fresh
	}
	return all, nil
}

// findQuote looks for a quote on the page that the model named, and then on the other open pages, newest first.
func (a *run) findQuote(ctx context.Context, url, quote string) (place, bool, error) {
	candidates, named := a.citable(url)
	for i, o := range candidates {
		s, err := a.text(ctx, o.PageID)
		if err != nil {
			return place{}, false, err
		}
		if f, ok := s.Find(quote, a.shown[o.PageID]...); ok {
			return place{page: o, text: s, found: f, asked: named && i == 0}, true, nil
		}
	}
	return place{}, false, nil
}

// keep stores a quote that was found as evidence, and tells the model what was stored. It refuses a quote that is longer
// than research.MaxExcerpt.
func (a *run) keep(ctx context.Context, url, quote string, at place) (shownOutcome, error) {
	if n := at.found.End - at.found.Start; n > research.MaxExcerpt {
		a.unkept = true
		return a.refuse(agent.ToolCite, "the quote has %d characters, and a quote may have at most %d. Nothing was kept. Cite the sentence that matters, or several shorter quotes.",
			n, research.MaxExcerpt), nil
	}
	args := map[string]any{"url": url, "quote": quote}
	if at.found.Number > 1 {
		args["occurrence"] = at.found.Number
	}
	var res agent.Cited
	err := a.Call(ctx, agent.ToolCite, args, nil, &res, func(context.Context) (agent.Effect, error) {
		return a.kept(at.page, at.found.Start, at.found.End, a.citingFor), nil
	})
	if err != nil {
		return shownOutcome{}, err
	}
	if res.Evidence == 0 { // an earlier version journaled this call as not found
		return shownOutcome{text: "Not kept: these words were not found."}, nil
	}
	a.LastEvidence = max(a.LastEvidence, res.Evidence)
	s, err := a.text(ctx, res.PageID)
	if err != nil {
		return shownOutcome{}, err
	}
	text := s.Slice(res.Start, res.End)
	fresh := a.AddQuote(agent.Quote{Cited: res, Text: text})
	a.gained = a.gained || fresh
	return shownOutcome{text: a.keptMessage(res, text, quote, at), fresh: fresh}, nil
}

// keptMessage tells the model what was stored: the text, its page and its headings, and in what it differs from the
// model's quote.
func (a *run) keptMessage(c agent.Cited, text, quote string, at place) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Kept as evidence %d, from %s", c.Evidence, c.URL)
	if !at.asked {
		b.WriteString(" (these words are on this page, not on the one you named)")
	}
	same, several := strings.TrimSpace(quote) == text, len(at.found.Occurrences) > 1
	if same && !several {
		b.WriteString(", word for word")
		text = shortened(text)
	}
	b.WriteString(":\n" + a.untrusted(at.text.Under(c.Start)+text))
	if !same {
		b.WriteString("\nThe quote has the page's own letters, signs and spacing, which differ from yours.")
	}
	if several {
		b.WriteString("\n" + a.occurrencesMessage(at))
	}
	return b.String()
}

// Lengths in code points of the beginning and the end of a long quote that the model has written itself.
const (
	echoBegin = 80
	echoEnd   = 40
)

// shortened returns a text without its middle, if it is long.
func shortened(text string) string {
	r := []rune(text)
	if len(r) <= echoBegin+2*echoEnd {
		return text
	}
	return string(r[:echoBegin]) + " … " + string(r[len(r)-echoEnd:])
}

// occurrencesMessage says where else on the page the words of a quote occur, and how to cite another occurrence.
func (a *run) occurrencesMessage(at place) string {
	f, count := at.found, fmt.Sprint(len(at.found.Occurrences))
	if len(f.Occurrences) == quotes.MaxOccurrences {
		count = "at least " + count
	}
	text := fmt.Sprintf("These words stand %s times on the page; number %d was kept.", count, f.Number)
	if places := at.text.Places(f.Occurrences); places != "" {
		text += " They stand under:\n" + a.untrusted(places) + "\n"
	}
	return text + " If you mean another place, take this one back with uncite, show the other with get_page_content_chunk or find_in_page, " +
		"and cite again, or quote more words around it."
}

// citable lists the pages on which a quote is looked for: first the page with the given URL, if it is open, and then the
// others, newest first. named reports whether the page with the given URL is open.
func (a *run) citable(url string) (pages []*agent.Opened, named bool) {
	if u, ok := a.known.Parse(url, a.Pages); ok {
		if i, ok := a.byURL[u.String()]; ok {
			pages, named = append(pages, &a.Pages[i]), true
		}
	}
	for i := len(a.Pages) - 1; i >= 0; i-- {
		if !slices.Contains(pages, &a.Pages[i]) {
			pages = append(pages, &a.Pages[i])
		}
	}
	return pages, named
}

// kept returns the effect that stores a span as evidence. If the span was cited before, it keeps its evidence number.
func (a *run) kept(o *agent.Opened, start, end int, purpose string) agent.Effect {
	c := agent.Cited{Evidence: a.LastEvidence + 1, PageID: o.PageID, URL: o.URL, Title: o.Title, Start: start, End: end, For: purpose}
	if u, err := neturl.Parse(o.URL); err == nil && c.Title == "" {
		c.Title = u.Hostname()
	}
	e := agent.Effect{Success: true}
	before := slices.Concat(a.Quotes, a.removed)
	at := slices.IndexFunc(before, func(p agent.Quote) bool { return p.PageID == c.PageID && p.Start == start && p.End == end })
	if at >= 0 {
		c = before[at].Cited
	} else {
		e.Evidence = []research.Evidence{{Number: c.Evidence, PageID: c.PageID, VisitID: o.VisitID, URL: c.URL, Title: c.Title, Start: start, End: end}}
	}
	e.Result = c
	e.Preview = map[string]any{"evidence": c.Evidence, "url": c.URL, "title": c.Title, "verified": true}
	return e
}

// notFound tells the model that a quote is on none of the open pages, and shows it the most similar passage. The number
// of open pages is an argument of the journaled call, so that the same quote is looked for again when more pages are
// open.
func (a *run) notFound(ctx context.Context, url, quote string) (shownOutcome, error) {
	a.unkept = true
	candidates, named := a.citable(url)
	var res uncited
	err := a.Call(ctx, agent.ToolCite, map[string]any{"url": url, "quote": quote, "pages": len(a.Pages)}, nil, &res, func(ctx context.Context) (agent.Effect, error) {
		res := uncited{Message: "these words are on no page that is open."}
		switch {
		case quotes.TooShort(quote):
			res.Message = fmt.Sprintf("the quote is too short; give at least %d characters.", quotes.MinLength)
		case !named:
			res.Message += fmt.Sprintf(" %s is not open; open it with navigate_to first.", research.Truncate(url, 200))
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
	})
	if err != nil {
		return shownOutcome{}, err
	}
	text := "Not kept: " + res.Message
	if utf8.RuneCountInString(quote) > research.MaxExcerpt {
		text += fmt.Sprintf(" A quote may have at most %d characters.", research.MaxExcerpt)
	}
	if res.Closest != "" {
		text += fmt.Sprintf(" The closest passage, on %s, is this; cite again with words copied from it:\n%s", res.URL, a.untrusted(res.Closest))
	}
	return shownOutcome{text: text}, nil
}

// unciteTool removes a quote from those that the answer may cite. The evidence remains stored. The call is journaled
// like any other.
func (a *run) unciteTool(ctx context.Context, number int) (shownOutcome, error) {
	at := slices.IndexFunc(a.Quotes, func(q agent.Quote) bool { return q.Evidence == number })
	if at < 0 {
		return a.refuse(agent.ToolUncite, "there is no evidence %d to take back.", number), nil
	}
	var res struct {
		Evidence int `json:"evidence"`
	}
	err := a.Call(ctx, agent.ToolUncite, map[string]any{"evidence": number}, nil, &res, func(context.Context) (agent.Effect, error) {
		return agent.Effect{Success: true, Result: map[string]any{"evidence": number}, Preview: map[string]any{"evidence": number}}, nil
	})
	if err != nil {
		return shownOutcome{}, err
	}
	a.removed = append(a.removed, a.Quotes[at])
	a.Quotes = slices.Delete(a.Quotes, at, at+1)
	return shownOutcome{text: fmt.Sprintf("Evidence %d was taken back.", number)}, nil
}
