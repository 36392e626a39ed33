package httpapi

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

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
