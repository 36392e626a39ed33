// Package addresses reads the addresses that a model writes, and knows where each address was found. It does no I/O.
package addresses

import (
	neturl "net/url"
	"slices"
	"strings"

	"legwork/internal/agent"
	"legwork/internal/page"
)

// Origin is where an address was found. The zero value stands for a start page, a search or the question.
type Origin struct {
	Depth int
	From  string // registrable domain of the page that has the link; empty for a start page
}

// Known has the origin of each address that was found.
type Known map[string]Origin

// Note records where an address was found. If it was found in several places, the one with the smallest depth is kept.
func (k Known) Note(u *neturl.URL, o Origin) {
	if old, ok := k[u.String()]; !ok || o.Depth < old.Depth {
		k[u.String()] = o
	}
}

// Has reports whether an address was found.
func (k Known) Has(u *neturl.URL) bool { _, ok := k[u.String()]; return ok }

// Parse parses an address in the forms in which models write it. It may be relative to one of the open pages, and have the
// signs around it with which models are shown the targets of links. The text of a link stands for its address.
func (k Known) Parse(raw string, open []agent.Opened) (u *neturl.URL, ok bool) {
	if target := linkNamed(raw, open); target != "" {
		raw = target
	}
	raw = Trim(raw)
	if !strings.Contains(raw, "://") {
		raw = k.resolve(raw, open)
	}
	if !strings.Contains(raw, "://") {
		raw = "https://" + raw
	}
	u, err := page.ParseURL(raw)
	return u, err == nil
}

// Trim removes the signs that models write around an address.
func Trim(raw string) string { return strings.Trim(strings.TrimSpace(raw), `<>"'()[]⟨⟩`) }

// linkNamed returns the address of the link with a text, on the page opened last that has such a link. It returns an empty
// text if there is none, or if links of the page with that text have different addresses.
func linkNamed(text string, open []agent.Opened) string {
	plain := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
	text = plain(text)
	if text == "" || strings.Contains(text, "://") {
		return ""
	}
	for _, o := range slices.Backward(open) {
		found := ""
		for _, l := range o.Links {
			if plain(l.Text) != text {
				continue
			}
			if found != "" && found != l.URL {
				return ""
			}
			found = l.URL
		}
		if found != "" {
			return found
		}
	}
	return ""
}

// resolve makes a relative address absolute. It tries the open pages, newest first, until the result is a known address.
// If none is known, an address that can only be relative belongs to the page opened last.
func (k Known) resolve(raw string, open []agent.Opened) string {
	last := raw
	for i, o := range slices.Backward(open) {
		base, err := neturl.Parse(o.URL)
		if err != nil {
			continue
		}
		ref, err := base.Parse(raw)
		if err != nil {
			continue
		}
		if u, err := page.ParseURL(ref.String()); err == nil && k.Has(u) {
			return ref.String()
		}
		if i == len(open)-1 && (strings.HasPrefix(raw, "/") || strings.HasPrefix(raw, ".") || !strings.Contains(raw, ".")) {
			last = ref.String()
		}
	}
	return last
}

// Locate returns an address with the place where it was found. Once a page was read, an address that comes from no link,
// search or question is marked as unlinked, because the text of a page alone must not send the agent to another site.
func (k Known) Locate(u *neturl.URL, open []agent.Opened, question string) page.Address {
	at := page.Address{URL: u.String()}
	if o, ok := k[at.URL]; ok {
		at.Depth, at.From = o.Depth, o.From
		return at
	}
	if len(open) == 0 || strings.Contains(question, u.Host) {
		return at
	}
	at.Unlinked = true
	domain := page.Domain(u.Host)
	if i := slices.IndexFunc(open, func(p agent.Opened) bool { return agent.HostDomain(p.URL) == domain }); i >= 0 {
		at.Depth, at.From = open[i].Depth+1, domain
	}
	return at
}
