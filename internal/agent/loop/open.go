package loop

import (
	"context"
	neturl "net/url"
	"slices"
	"strings"

	"legwork/internal/agent"
	"legwork/internal/agent/addresses"
	"legwork/internal/page"
	"legwork/internal/research"
)

// admit returns an address with the place where it was found, and the reason why it may not be opened. The reason is
// empty if it may be opened.
func (a *run) admit(u *neturl.URL) (at page.Address, why string) {
	at = a.known.Locate(u, a.Pages, a.Env.Task.Question)
	if a.Scope.TooDeep(at.Depth) {
		a.NoteBudget("maxDepth")
	}
	return at, a.Scope.Refuse(at)
}

// open opens a page. If the page is open already, it returns that page without loading it again. Only if show is true,
// the outcome has the text of the page.
func (a *run) open(ctx context.Context, raw string, show bool) (*agent.Opened, shownOutcome, error) {
	u, ok := a.known.Parse(raw, a.Pages)
	if !ok {
		return nil, a.refuse(agent.ToolNavigate, "%q is no address of a web page. Give one that starts with http:// or https://.", research.Truncate(raw, 100)), nil
	}
	at, early := a.early[u.String()]
	delete(a.early, u.String())
	_, fragment, _ := strings.Cut(addresses.Trim(raw), "#")
	shown := func(o *agent.Opened) (*agent.Opened, shownOutcome, error) {
		if !show {
			return o, shownOutcome{}, nil
		}
		out, err := a.showPage(ctx, o, fragment)
		return o, out, err
	}
	if i, ok := a.byURL[u.String()]; ok && !early {
		return shown(&a.Pages[i])
	}
	if !early {
		var why string
		if at, why = a.admit(u); why != "" {
			return nil, a.refuse(agent.ToolNavigate, "%s", why), nil
		}
	}
	if !early && !a.Recorded(agent.ToolNavigate, map[string]any{"url": u.String()}) {
		switch {
		case a.Loads+a.Loading() >= a.Opts.MaxPages:
			a.NoteBudget("maxPages")
			return nil, a.refuse(agent.ToolNavigate, "the limit of %d pages is reached. Cite from the pages that are open, then say DONE.", a.Opts.MaxPages), nil
		case a.Env.ReadingTime() <= 0:
			a.NoteBudget("timeBudget")
			return nil, a.refuse(agent.ToolNavigate, "the time is up. Say DONE."), nil
		}
	}
	o, err := a.Navigate(ctx, at)
	if err != nil {
		return nil, shownOutcome{}, err
	}
	if o.TimeUp {
		a.NoteBudget("timeBudget")
	}
	if o.Outcome != research.OutcomeOK {
		a.Failed = append(a.Failed, o)
		return nil, shownOutcome{text: "The page could not be read: " + o.Message}, nil
	}
	a.keepPage(o, u.String())
	a.gained = true
	p, out, err := shown(&a.Pages[a.byURL[u.String()]])
	out.fresh = true
	return p, out, err
}

// keepPage adds a page that was read to Pages, and records that its links were found on it.
func (a *run) keepPage(o agent.Opened, asked string) {
	at := slices.IndexFunc(a.Pages, func(p agent.Opened) bool { return p.PageID == o.PageID && p.URL == o.URL })
	switch {
	case at < 0:
		a.Pages, at = append(a.Pages, o), len(a.Pages)
	case a.Pages[at].Inherited:
		a.Pages[at] = o
	}
	a.byURL[asked] = at
	if u, err := page.ParseURL(o.URL); err == nil {
		a.byURL[u.String()] = at
	}
	for _, l := range o.Links {
		if u, err := page.ParseURL(l.URL); err == nil {
			a.known.Note(u, addresses.Origin{Depth: o.Depth + 1, From: agent.HostDomain(o.URL)})
		}
	}
}
