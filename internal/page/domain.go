package page

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Domain returns the registrable domain of a host name ("docs.example.co.uk" → "example.co.uk"), by the public suffix list. IP
// addresses, single labels such as localhost, and public suffixes are their own domain. A port is ignored.
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

// MatchDomain reports whether host is the domain pattern or a subdomain of it. A pattern that starts with "*." matches subdomains
// only. Letter case, ports and a trailing dot do not matter. An IP address matches only itself.
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

// Policy decides which hosts the loads of one task may request. It applies to the URL and to each redirect. The zero Policy allows
// all hosts.
type Policy struct {
	AllowDomains []string     // patterns for MatchDomain; if not empty, all other hosts are refused
	DenyDomains  []string     // patterns for MatchDomain; always refused, whatever AllowDomains says
	StayOn       string       // if set, all other registrable domains are refused (see Domain)
	Lists        *Lists       // the operator's lists, which apply in addition; nil means no lists
	BusyAnswers  *BusyAnswers // domains that answered this task with 429 or 503 too often; nil means that they are not counted. Refuse does not check them
}

// Within returns p with the additional rule that loads stay on the registrable domain of host. With an empty
// host it returns p.
func (p Policy) Within(host string) Policy {
	if p.StayOn == "" { // otherwise host is on StayOn already, or Refuse will refuse it
		p.StayOn = host
	}
	return p
}

// Refuse returns a sentence that says why the policy forbids host, or an empty string if host is allowed.
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
