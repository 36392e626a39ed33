package page

import (
	"fmt"

	"legwork/internal/research"
)

// Scope decides which addresses a task may open, depending on where each was found. All code that opens an address uses the task's one
// Scope: the reader, the tool loop, prefetches, snapshots of stored pages, the Fetcher with its redirects, the browser and its
// screenshots. The zero Scope allows everything.
//
// Two rules are not part of Refuse, because their result changes with time, and the decisions of a run must depend only on its journal.
// They are how busy a domain is (Policy.BusyAnswers, checked when a page is loaded), and how many pages and seconds are left.
type Scope struct {
	Hosts      Policy // allow and deny lists of the task, the operator's lists, busy answers
	SameDomain bool   // open only pages on the registrable domain of their start page
	OwnLinks   bool   // do not follow links from one registrable domain to another
	MaxDepth   int    // greatest number of links from a start page; 0 means no limit
	SeedDomain string // registrable domain of the task's seed URL; empty if the task has none
}

// Address is an address with the place where it was found. The place decides whether the address may be opened.
type Address struct {
	URL   string
	Depth int    // number of links from a start page; 0 means that this is a start page
	From  string // registrable domain of the page that links to this address; empty for a start page
	Root  string // registrable domain of the start page that leads to this address; empty if not known
	// Unlinked means that only a model named this address: it was in no link, search result or question. Then From is the address's own domain
	// if a page of that domain was read, and otherwise empty.
	Unlinked bool
}

// NewScope returns the scope of a task. busyAnswers contains the counts from the task's earlier runs.
func NewScope(o research.Options, lists *Lists, busyAnswers *BusyAnswers) Scope {
	s := Scope{SameDomain: o.SameDomainOnly, OwnLinks: !o.AllowExternalLinks, MaxDepth: o.MaxDepth,
		Hosts: Policy{AllowDomains: o.AllowDomains, DenyDomains: o.DenyDomains, Lists: lists, BusyAnswers: busyAnswers}}
	if seed, err := ParseURL(o.SeedURL); err == nil && o.SeedURL != "" {
		s.SeedDomain = Domain(seed.Host)
	}
	if s.SameDomain {
		s.Hosts.StayOn = s.SeedDomain
	}
	return s
}

// Refuse returns a sentence that says why an address may not be opened, or an empty string if it may be opened.
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

// TooDeep reports whether a page at this depth is too many links away from a start page.
func (s Scope) TooDeep(depth int) bool { return s.MaxDepth > 0 && depth > s.MaxDepth }

// Policy returns the rules for loading an address. They apply to each redirect, and also if a stored snapshot is used instead of a load. A
// redirect may lead only to an address to which the page could have a link that may be followed.
func (s Scope) Policy(at Address) Policy {
	switch root := s.root(at); {
	case s.SameDomain && root != "":
		return s.Hosts.Within(root)
	case s.OwnLinks && at.Depth > 0:
		return s.Again(at.URL)
	}
	return s.Hosts
}

// Again returns the rules for loading a page a second time, for example for its screenshot. If the address now redirects to another site,
// the load is refused, because that is not the page that was read.
func (s Scope) Again(rawURL string) Policy {
	u, err := ParseURL(rawURL)
	if err != nil {
		return s.Hosts
	}
	return s.Hosts.Within(Domain(u.Host))
}

// root returns the registrable domain that an address must be on, or an empty string if any domain is allowed.
func (s Scope) root(at Address) string {
	if at.Root != "" {
		return at.Root
	}
	return s.SeedDomain
}

// lists checks only the lists of domains, not StayOn.
func (s Scope) lists(host string) string {
	p := s.Hosts
	p.StayOn = "" // checked by root, with another message
	return p.Refuse(host)
}
