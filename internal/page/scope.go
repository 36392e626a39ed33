package page

import (
	"fmt"

	"legwork/internal/research"
)

// Scope says which addresses a task may open, given where each was found. Whoever wants to open one asks the task's one
// Scope: the reader, the tool loop, prefetches, snapshots of the library, the Fetcher with its redirects, the browser and its
// screenshots. The zero Scope allows everything.
//
// Two rules are not in Refuse, because what a run decides must follow from its journal alone, and they depend on the moment:
// how busy a domain is (Policy.Strikes), which holds when a page is loaded, and how many pages and seconds are left.
type Scope struct {
	Hosts      Policy // allow and deny lists of the task, the operator's lists, strikes
	SameDomain bool   // no page outside the registrable domain of its start page is opened
	OwnLinks   bool   // links from one registrable domain to another are not followed
	MaxDepth   int    // links followed in a row from a start page; 0: any number
	SeedDomain string // registrable domain of the task's seed URL; empty: it has none
}

// Address is an address together with how it was found, which decides whether it may be opened.
type Address struct {
	URL   string
	Depth int    // links followed in a row from a start page; 0: it is one
	From  string // registrable domain of the page that links to it; empty: a start page
	Root  string // registrable domain of the start page that it was reached from; empty: not known
	// Unlinked: no link, search result or question names it, only a model does. From is then the domain of a page that was
	// read on the same site; empty: none was.
	Unlinked bool
}

// NewScope gives the scope of a task. strikes are those of earlier runs.
func NewScope(o research.Options, lists *Lists, strikes *Strikes) Scope {
	s := Scope{SameDomain: o.SameDomainOnly, OwnLinks: !o.AllowExternalLinks, MaxDepth: o.MaxDepth,
		Hosts: Policy{AllowDomains: o.AllowDomains, DenyDomains: o.DenyDomains, Lists: lists, Strikes: strikes}}
	if seed, err := ParseURL(o.SeedURL); err == nil && o.SeedURL != "" {
		s.SeedDomain = Domain(seed.Host)
	}
	if s.SameDomain {
		s.Hosts.StayOn = s.SeedDomain
	}
	return s
}

// Refuse says in a sentence, for the model and the user, why an address may not be opened; empty: it may.
func (s Scope) Refuse(at Address) string {
	u, err := ParseURL(at.URL)
	if err != nil {
		return fmt.Sprintf("%q is no address of a web page. Give one that starts with http:// or https://.", research.Truncate(at.URL, 100))
	}
	domain := Domain(u.Host)
	switch {
	case at.Unlinked && at.From != domain:
		return "this address is neither a link of a page that was opened nor a search result. Use extract_links_from_page or search_for_question."
	case s.TooDeep(at.Depth):
		return fmt.Sprintf("the page is more than %d links away from a start page, which is the limit.", s.MaxDepth)
	}
	if why := s.lists(u.Host); why != "" {
		return why
	}
	switch root := s.root(at); {
	case s.SameDomain && root != "" && domain != root:
		return "this task stays on " + root + "."
	case s.OwnLinks && at.From != "" && domain != at.From:
		return "this task does not follow links to other sites."
	}
	return ""
}

// TooDeep reports whether a page that many links away from a start page is too far to be opened.
func (s Scope) TooDeep(depth int) bool { return s.MaxDepth > 0 && depth > s.MaxDepth }

// Policy is what the load of an address is held to on its way: at every redirect, and where a snapshot stands in for it. A
// redirect may lead no further than a link there could.
func (s Scope) Policy(at Address) Policy {
	switch root := s.root(at); {
	case s.SameDomain && root != "":
		return s.Hosts.Within(root)
	case s.OwnLinks && at.Depth > 0:
		return s.Again(at.URL)
	}
	return s.Hosts
}

// Again is the policy for loading a page anew, such as for its screenshot: what redirects to another site by now is not the
// page that was read.
func (s Scope) Again(rawURL string) Policy {
	u, err := ParseURL(rawURL)
	if err != nil {
		return s.Hosts
	}
	return s.Hosts.Within(Domain(u.Host))
}

// root is the registrable domain that an address must not be off, where the task keeps to one.
func (s Scope) root(at Address) string {
	if at.Root != "" {
		return at.Root
	}
	return s.SeedDomain
}

// lists is Refuse by the lists of domains alone.
func (s Scope) lists(host string) string {
	p := s.Hosts
	p.StayOn = "" // root judges it, in words of its own
	return p.Refuse(host)
}
