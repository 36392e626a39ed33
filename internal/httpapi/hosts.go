package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// hosts are the names under which clients may address this server. The check stops DNS rebinding: a foreign page whose
// name is made to resolve to this machine has its own name in the Host header, and could otherwise read and change
// everything as a page of the same origin. An IP address cannot be rebound, nor can a loopback name (RFC 6761 §6.3).
type hosts struct {
	any    bool
	listed map[string]bool // lower case, without port and final dot
}

// newHosts takes names without port; "*" allows every name. Empty names are ignored.
func newHosts(names []string) hosts {
	h := hosts{listed: map[string]bool{}}
	for _, name := range names {
		name = hostOf(strings.TrimSpace(name))
		h.any = h.any || name == "*"
		h.listed[name] = name != ""
	}
	return h
}

// hostOf is the host of a Host header without port, brackets and final dot, in lower case.
func hostOf(header string) string {
	host := header
	if h, _, err := net.SplitHostPort(header); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// allows reports whether a request with this Host header is served. Only clients older than HTTP/1.1 send none; browsers
// always do.
func (h hosts) allows(header string) bool {
	if h.any || header == "" {
		return true
	}
	host := hostOf(header)
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || h.listed[host]
}

// checkHost refuses requests to names that are not this server's, before anything else is looked at.
func (s *server) checkHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.hosts.allows(r.Host) {
			s.fail(w, r, errHost)
			return
		}
		next.ServeHTTP(w, r)
	})
}
