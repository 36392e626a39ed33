package forwarded

import (
	"net/netip"
	"strings"
	"testing"
)

// FuzzHosts checks that only IP addresses, loopback names and the listed name are allowed as Host header.
func FuzzHosts(f *testing.F) {
	for _, header := range []string{"research.example.org:8000", "RESEARCH.example.org.", "[::1]:80", "[research.example.org", "127.0.0.1.evil.example", "x.localhost", "localhost.evil.example", "research.example.org@evil", ":", "a:b:c"} {
		f.Add(header)
	}
	h := NewHosts([]string{"Research.example.org"})
	f.Fuzz(func(t *testing.T, header string) {
		if header == "" || !h.Allows(header) {
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
