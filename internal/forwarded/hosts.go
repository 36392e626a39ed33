package forwarded

import (
	"net"
	"net/netip"
	"strings"
)

// Hosts are the host names that are allowed in the Host header of requests. The check stops DNS rebinding: an attacker
// makes the host name of a foreign page resolve to this machine, so that the browser treats the API as part of the
// page's own site. The Host header of such a request has the attacker's name. IP addresses and loopback names (RFC 6761
// §6.3) are always allowed, because no attacker controls what they resolve to.
type Hosts struct {
	any    bool
	listed map[string]bool // lower case, without port and final dot
}

// NewHosts takes the allowed names without ports; "*" allows every name. Empty names are ignored.
func NewHosts(names []string) Hosts {
	h := Hosts{listed: map[string]bool{}}
	for _, name := range names {
		name = hostOf(strings.TrimSpace(name))
		h.any = h.any || name == "*"
		h.listed[name] = name != ""
	}
	return h
}

// hostOf returns the host of a Host header without port, brackets and final dot, in lower case.
func hostOf(header string) string {
	host := header
	if h, _, err := net.SplitHostPort(header); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// Allows reports whether a request with this Host header is served. A request without the header is served, because only
// clients older than HTTP/1.1, and no browsers, leave it out.
func (h Hosts) Allows(header string) bool {
	if h.any || header == "" {
		return true
	}
	host := hostOf(header)
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || h.listed[host]
}
