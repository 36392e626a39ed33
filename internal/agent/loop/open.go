package loop

import (
	"context"

	"legwork/internal/agent"

	neturl "net/url"
	"slices"
	"strings"

	"legwork/internal/page"
	"legwork/internal/research"
)

// origin is where a URL was found.
type origin struct {
	depth int
	from  string // registrable domain of the page that has the link; empty for a start page
}

// noteOrigin records where a URL was found. If a URL was found in several places, it keeps the place with the smallest
// depth.
func (a *run) noteOrigin(url string, o origin) {
	if old, ok := a.known[url]; !ok || o.depth < old.depth {
		a.known[url] = o
	}
}

// address parses an address in the forms in which models write it. It may be relative to the page opened last.
func (a *run) address(raw string) (u *neturl.URL, ok bool) {
	raw = strings.Trim(strings.TrimSpace(raw), `<>"'()[]`)
	if n := len(a.Pages); n > 0 && !strings.Contains(raw, "://") {
		if base, err := neturl.Parse(a.Pages[n-1].URL); err == nil {
			if ref, err := base.Parse(raw); err == nil && (strings.HasPrefix(raw, "/") || strings.HasPrefix(raw, ".") || !strings.Contains(raw, ".") || a.knows(ref)) {
				raw = ref.String()
			}
		}
	}
	if !strings.Contains(raw, "://") {
		raw = "https://" + raw
	}
	u, err := page.ParseURL(raw)
	return u, err == nil
}

func (a *run) knows(u *neturl.URL) bool { _, ok := a.known[u.String()]; return ok }

// locate returns an address with the place where it was found. Once a page was read, an address that comes from no link,
// search or question is marked as unlinked, because the text of a page alone must not send the agent to another site.
func (a *run) locate(u *neturl.URL) page.Address {
	at := page.Address{URL: u.String()}
	if o, ok := a.known[at.URL]; ok {
		at.Depth, at.From = o.depth, o.from
		return at
	}
	if len(a.Pages) == 0 || strings.Contains(a.Env.Task.Question, u.Host) {
		return at
	}
	at.Unlinked = true
	domain := page.Domain(u.Host)
	if i := slices.IndexFunc(a.Pages, func(p agent.Opened) bool { return agent.HostDomain(p.URL) == domain }); i >= 0 {
		at.Depth, at.From = a.Pages[i].Depth+1, domain
	}
	return at
}

// admit returns an address with the place where it was found, and the reason why it may not be opened. The reason is
// empty if it may be opened.
func (a *run) admit(u *neturl.URL) (at page.Address, why string) {
	at = a.locate(u)
	if a.Scope.TooDeep(at.Depth) {
		a.NoteBudget("maxDepth")
	}
	return at, a.Scope.Refuse(at)
}

// open opens a page. If the page is open already, it returns that page without loading it again.
func (a *run) open(ctx context.Context, raw string) (*agent.Opened, shownOutcome, error) {
	u, ok := a.address(raw)
	if !ok {
		return nil, a.refuse(agent.ToolNavigate, "%q is no address of a web page. Give one that starts with http:// or https://.", research.Truncate(raw, 100)), nil
	}
	at, early := a.early[u.String()]
	delete(a.early, u.String())
	if i, ok := a.byURL[u.String()]; ok && !early {
		out, err := a.showBeginning(ctx, &a.Pages[i])
		return &a.Pages[i], out, err
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
	p := &a.Pages[a.byURL[u.String()]]
	out, err := a.showBeginning(ctx, p)
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
			a.noteOrigin(u.String(), origin{depth: o.Depth + 1, from: agent.HostDomain(o.URL)})
		}
	}
}
