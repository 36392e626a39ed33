package agent

import (
	"context"
	"fmt"
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

// admit says how deep a URL is, or why it may not be opened. Once a page was read, an address has to come from a link, a
// search or the question, or be on a site that was read: words of a page alone cannot send the agent anywhere.
func (a *asker) admit(u *neturl.URL) (depth int, why string) {
	o, ok := a.known[u.String()]
	domain := page.Domain(u.Host)
	switch {
	case ok:
	case len(a.pages) == 0 || strings.Contains(a.env.Task.Question, u.Host):
	default:
		at := slices.IndexFunc(a.pages, func(p opened) bool { return hostDomain(p.URL) == domain })
		if at < 0 {
			return 0, "this address is neither a link of a page that was opened nor a search result. Use extract_links_from_page or search_for_question."
		}
		o = origin{depth: a.pages[at].Depth + 1, from: domain}
	}
	switch {
	case o.depth > a.opts.MaxDepth:
		a.cutBy("maxDepth")
		return 0, fmt.Sprintf("the page is more than %d links away from a start page, which is the limit.", a.opts.MaxDepth)
	case a.policy.Refuse(u.Host) != "":
		return 0, a.policy.Refuse(u.Host)
	}
	if why := a.strays(domain, o.from); why != "" {
		return 0, why
	}
	return o.depth, ""
}

// strays says why a domain may not be read by a link from another one; empty: it may.
func (a *asker) strays(domain, from string) string {
	switch {
	case a.opts.SameDomainOnly && a.root != "" && domain != a.root:
		return "this task stays on " + a.root + "."
	case !a.opts.AllowExternalLinks && from != "" && domain != from:
		return "this task does not follow links to other sites."
	}
	return ""
}

// place is where a page is, as the rules of domains and depth see it.
type place struct {
	url   string
	depth int    // the number of links followed in a row to get there
	root  string // registrable domain of the start page; empty: not known
}

// stayOn is the registrable domain that a redirect of the page must not leave, since a link there would not be followed;
// empty: there is none.
func (b *toolbox) stayOn(p place) string {
	o := b.env.Task.Options
	switch {
	case o.SameDomainOnly && p.root != "":
		return p.root
	case !o.AllowExternalLinks && p.depth > 0:
		return hostDomain(p.url)
	}
	return ""
}

func hostDomain(raw string) string {
	u, err := neturl.Parse(raw)
	if err != nil {
		return ""
	}
	return page.Domain(u.Host)
}

func (a *asker) cutBy(budget string) {
	if a.cut == "" {
		a.cut = budget
	}
}

// open opens a page, or finds it among those that are open.
func (a *asker) open(ctx context.Context, raw string) (*opened, shownOutcome, error) {
	u, ok := a.address(raw)
	if !ok {
		return nil, a.refuse(ToolNavigate, "%q is no address of a web page. Give one that starts with http:// or https://.", research.Truncate(raw, 100)), nil
	}
	depth, ahead := a.ahead[u.String()]
	delete(a.ahead, u.String())
	if i, ok := a.byURL[u.String()]; ok && !ahead {
		out, err := a.look(ctx, &a.pages[i])
		return &a.pages[i], out, err
	}
	if !ahead {
		var why string
		if depth, why = a.admit(u); why != "" {
			return nil, a.refuse(ToolNavigate, "%s", why), nil
		}
	}
	if !ahead && !a.recorded(ToolNavigate, map[string]any{"url": u.String()}) {
		switch {
		case a.loads+a.loading() >= a.opts.MaxPages:
			a.cutBy("maxPages")
			return nil, a.refuse(ToolNavigate, "the limit of %d pages is reached. Cite from the pages that are open, then say DONE.", a.opts.MaxPages), nil
		case a.env.readingTime() <= 0:
			a.cutBy("timeBudget")
			return nil, a.refuse(ToolNavigate, "the time is up. Say DONE."), nil
		}
	}
	o, err := a.navigate(ctx, place{url: u.String(), depth: depth, root: a.root})
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
	at := &a.pages[a.byURL[u.String()]]
	out, err := a.look(ctx, at)
	out.fresh = true
	return at, out, err
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
