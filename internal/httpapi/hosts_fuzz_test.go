package httpapi

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// FuzzHosts checks that only IP addresses, loopback names and the listed name are allowed as Host header.
func FuzzHosts(f *testing.F) {
	for _, header := range []string{"research.example.org:8000", "RESEARCH.example.org.", "[::1]:80", "[research.example.org", "127.0.0.1.evil.example", "x.localhost", "localhost.evil.example", "research.example.org@evil", ":", "a:b:c"} {
		f.Add(header)
	}
	h := newHosts([]string{"Research.example.org"})
	f.Fuzz(func(t *testing.T, header string) {
		if header == "" || !h.allows(header) {
			return
		}
		host := hostOf(header)
		_, err := netip.ParseAddr(host)
		if err != nil && host != "localhost" && !strings.HasSuffix(host, ".localhost") && host != "research.example.org" {
			t.Fatalf("%q is allowed", header)
		}
		if !strings.Contains(strings.ToLower(header), host) {
			t.Fatalf("%q is read as %q", header, host)
		}
	})
}

// FuzzOrigins checks that only pages of the same host, and of listed origins, may open a WebSocket.
func FuzzOrigins(f *testing.F) {
	for _, origin := range []string{"http://localhost:3000", "http://research.example.org", "https://research.example.org:443", "null", "http://research.example.org.evil.example", "http://evil.example#research.example.org",
		"http://research.example.org@evil.example", "//research.example.org", "http://RESEARCH.example.org:80"} {
		f.Add(origin)
	}
	o := newOrigins([]string{"http://localhost:3000"})
	f.Fuzz(func(t *testing.T, origin string) {
		r := &http.Request{Host: "research.example.org", Header: http.Header{"Origin": {origin}}}
		if origin == "" || !o.allows(r) || strings.EqualFold(origin, "http://localhost:3000") {
			return
		}
		u, err := url.Parse(origin)
		if err != nil || !strings.EqualFold(u.Hostname(), "research.example.org") {
			t.Fatalf("%q is allowed", origin)
		}
	})
}
