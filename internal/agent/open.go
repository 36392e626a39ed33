package agent

import (
	"context"
	neturl "net/url"
	"slices"
	"strings"

	"legwork/internal/page"
	"legwork/internal/research"
)

// origin is how a URL came to be known.
type origin struct {
	depth int
	from  string // registrable domain of the page that has the link; empty: a start page
}

// know keeps the best origin of a URL.
func (a *asker) know(url string, o origin) {
	if old, ok := a.known[url]; !ok || o.depth < old.depth {
		a.known[url] = o
	}
}

// address reads an address as models write it, also relative to the page opened last.
func (a *asker) address(raw string) (u *neturl.URL, ok bool) {
	raw = strings.Trim(strings.TrimSpace(raw), `<>"'()[]`)
	if n := len(a.pages); n > 0 && !strings.Contains(raw, "://") {
		if base, err := neturl.Parse(a.pages[n-1].URL); err == nil {
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

func (a *asker) knows(u *neturl.URL) bool { _, ok := a.known[u.String()]; return ok }

// locate says how an address was found. Once a page was read, an address has to come from a link, a search or the question,
// or be on a site that was read: words of a page alone cannot send the agent anywhere.
func (a *asker) locate(u *neturl.URL) page.Address {
	at := page.Address{URL: u.String()}
	if o, ok := a.known[at.URL]; ok {
		at.Depth, at.From = o.depth, o.from
		return at
	}
	if len(a.pages) == 0 || strings.Contains(a.env.Task.Question, u.Host) {
		return at
	}
	at.Unlinked = true
	domain := page.Domain(u.Host)
	if i := slices.IndexFunc(a.pages, func(p opened) bool { return hostDomain(p.URL) == domain }); i >= 0 {
		at.Depth, at.From = a.pages[i].Depth+1, domain
	}
	return at
}

// admit says where an address is, and why it may not be opened; empty: it may.
func (a *asker) admit(u *neturl.URL) (at page.Address, why string) {
	at = a.locate(u)
	if a.scope.TooDeep(at.Depth) {
		a.cutBy("maxDepth")
	}
	return at, a.scope.Refuse(at)
}

// open opens a page, or finds it among those that are open.
func (a *asker) open(ctx context.Context, raw string) (*opened, shownOutcome, error) {
	u, ok := a.address(raw)
	if !ok {
		return nil, a.refuse(ToolNavigate, "%q is no address of a web page. Give one that starts with http:// or https://.", research.Truncate(raw, 100)), nil
	}
	at, early := a.early[u.String()]
	delete(a.early, u.String())
	if i, ok := a.byURL[u.String()]; ok && !early {
		out, err := a.look(ctx, &a.pages[i])
		return &a.pages[i], out, err
	}
	if !early {
		var why string
		if at, why = a.admit(u); why != "" {
			return nil, a.refuse(ToolNavigate, "%s", why), nil
		}
	}
	if !early && !a.recorded(ToolNavigate, map[string]any{"url": u.String()}) {
		switch {
		case a.loads+a.loading() >= a.opts.MaxPages:
			a.cutBy("maxPages")
			return nil, a.refuse(ToolNavigate, "the limit of %d pages is reached. Cite from the pages that are open, then say DONE.", a.opts.MaxPages), nil
		case a.env.readingTime() <= 0:
			a.cutBy("timeBudget")
			return nil, a.refuse(ToolNavigate, "the time is up. Say DONE."), nil
		}
	}
	o, err := a.navigate(ctx, at)
	if err != nil {
		return nil, shownOutcome{}, err
	}
	if o.TimeUp {
		a.cutBy("timeBudget")
	}
	if o.Outcome != research.OutcomeOK {
		a.failed = append(a.failed, o)
		return nil, shownOutcome{text: "The page could not be read: " + o.Message}, nil
	}
	a.file(o, u.String())
	p := &a.pages[a.byURL[u.String()]]
	out, err := a.look(ctx, p)
	out.fresh = true
	return p, out, err
}

// file keeps a page that was read, with the links it has.
func (a *asker) file(o opened, asked string) {
	at := slices.IndexFunc(a.pages, func(p opened) bool { return p.PageID == o.PageID && p.URL == o.URL })
	switch {
	case at < 0:
		a.pages, at = append(a.pages, o), len(a.pages)
	case a.pages[at].inherited:
		a.pages[at] = o
	}
	a.byURL[asked] = at
	if u, err := page.ParseURL(o.URL); err == nil {
		a.byURL[u.String()] = at
	}
	for _, l := range o.Links {
		if u, err := page.ParseURL(l.URL); err == nil {
			a.know(u.String(), origin{depth: o.Depth + 1, from: hostDomain(o.URL)})
		}
	}
}
