package page

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Domain is the registrable domain of a host name ("docs.example.co.uk" → "example.co.uk"), by the public suffix list.
// Addresses, single labels such as localhost, and public suffixes themselves are their own domain. A port is ignored.
func Domain(host string) string {
	host = bareHost(host)
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	if d, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return d
	}
	return host
}

// MatchDomain reports whether host is the domain named by pattern or a subdomain of it. A pattern that starts with "*."
// matches subdomains only. Letter case, ports and a trailing dot do not matter. Addresses match only themselves.
func MatchDomain(pattern, host string) bool {
	pattern, host = strings.TrimSpace(pattern), bareHost(host)
	below, wildcard := strings.CutPrefix(pattern, "*.")
	below = bareHost(below)
	if below == "" || host == "" {
		return false
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return host == below && !wildcard
	}
	return host == below && !wildcard || strings.HasSuffix(host, "."+below)
}

func bareHost(host string) string {
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return a.String()
	}
	u := url.URL{Host: canonicalHost(strings.TrimSpace(host))}
	return strings.TrimSuffix(u.Hostname(), ".")
}

// Policy says which hosts the loads of one task may request. It holds for the URL and for every redirect. The
// zero Policy allows all.
type Policy struct {
	AllowDomains []string // patterns of MatchDomain; when not empty, nothing else is opened
	DenyDomains  []string // patterns of MatchDomain; never opened, whatever AllowDomains says
	StayOn       string   // when not empty: the load must stay on this registrable domain (see Domain)
	Lists        *Lists   // the operator's lists, which hold in addition; nil: none
	Strikes      *Strikes // domains that asked the task for fewer requests too often; nil: none. Refuse does not check it
}

// Within returns p with the additional rule that loads stay on the registrable domain of host. With an empty
// host it returns p.
func (p Policy) Within(host string) Policy {
	if p.StayOn == "" { // otherwise host is on that domain already, or Refuse forbids it
		p.StayOn = host
	}
	return p
}

// Refuse says in a sentence why the policy forbids host; empty: it allows host.
func (p Policy) Refuse(host string) string {
	if why := p.Lists.Refuse(host); why != "" {
		return why
	}
	for _, d := range p.DenyDomains {
		if MatchDomain(d, host) {
			return fmt.Sprintf("%s is on the list of domains that are never opened (%s).", bareHost(host), d)
		}
	}
	if p.StayOn != "" && Domain(host) != Domain(p.StayOn) {
		return fmt.Sprintf("%s is outside %s, which must not be left.", bareHost(host), Domain(p.StayOn))
	}
	if len(p.AllowDomains) == 0 {
		return ""
	}
	for _, d := range p.AllowDomains {
		if MatchDomain(d, host) {
			return ""
		}
	}
	return fmt.Sprintf("%s is not on the list of domains that may be opened.", bareHost(host))
}
