package page

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"legwork/internal/testcost"
)

func TestDomain(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"example.com": "example.com", "docs.example.com": "example.com", "a.b.example.co.uk": "example.co.uk", "EXAMPLE.com:8080": "example.com",
		"example.com.": "example.com", "localhost": "localhost", "localhost:80": "localhost", "127.0.0.1": "127.0.0.1", "127.0.0.1:99": "127.0.0.1",
		"[::1]:80": "::1", "::1": "::1", "co.uk": "co.uk", "bücher.example.de": "example.de", "bücher.de": "xn--bcher-kva.de", "": "",
		"someone.github.io": "someone.github.io",
	} {
		if got := Domain(host); got != want {
			t.Errorf("Domain(%q) = %q, want %q", host, got, want)
		}
	}
}

func TestMatchDomain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, host string
		want          bool
	}{
		{"example.com", "example.com", true},
		{"example.com", "docs.example.com", true},
		{"example.com", "EXAMPLE.com:8080", true},
		{"Example.COM.", "example.com", true},
		{"example.com", "notexample.com", false},
		{"example.com", "example.com.evil.net", false},
		{"docs.example.com", "example.com", false},
		{"*.example.com", "docs.example.com", true},
		{"*.example.com", "example.com", false},
		{"bücher.de", "xn--bcher-kva.de", true},
		{"127.0.0.1", "127.0.0.1:80", true},
		{"0.0.1", "127.0.0.1", false},
		{"", "example.com", false},
		{"*.", "example.com", false},
		{"com", "example.com", true},
	} {
		if got := MatchDomain(tt.pattern, tt.host); got != tt.want {
			t.Errorf("MatchDomain(%q, %q) = %v", tt.pattern, tt.host, got)
		}
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		policy  Policy
		host    string
		refused bool
	}{
		{"zero", Policy{}, "example.com", false},
		{"denied", Policy{DenyDomains: []string{"example.com"}}, "www.example.com", true},
		{"denied beats allowed", Policy{AllowDomains: []string{"example.com"}, DenyDomains: []string{"www.example.com"}}, "www.example.com", true},
		{"allowed", Policy{AllowDomains: []string{"a.org", "example.com"}}, "www.example.com", false},
		{"not allowed", Policy{AllowDomains: []string{"a.org"}}, "example.com", true},
		{"stays", Policy{StayOn: "docs.example.com"}, "www.example.com", false},
		{"leaves", Policy{StayOn: "docs.example.com"}, "example.org", true},
		{"within", Policy{}.Within("docs.example.com"), "www.example.com", false},
		{"not within", Policy{}.Within("docs.example.com"), "example.org", true},
		{"within no matter what", Policy{}.Within(""), "example.org", false},
		{"within elsewhere does not widen", Policy{StayOn: "example.com"}.Within("example.org"), "example.org", true},
	} {
		if got := tt.policy.Refuse(tt.host); (got != "") != tt.refused {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
}

func TestParseURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"HTTP://Example.COM":          "http://example.com/",
		" https://example.com:443/a":  "https://example.com/a",
		"http://example.com:80/?q=1":  "http://example.com/?q=1",
		"http://example.com:8080/#x":  "http://example.com:8080/",
		"http://example.com./":        "http://example.com/",
		"http://bücher.de/ä":          "http://xn--bcher-kva.de/%C3%A4",
		"http://0x7f.1:81/":           "http://127.0.0.1:81/",
		"http://[::FFFF:127.0.0.1]/":  "http://[::ffff:7f00:1]/",
		"http://example.com.:81/100%": "http://example.com:81/100%25",
		"https://[2001:DB8::1]:443/":  "https://[2001:db8::1]/",
		"http://1.2.3.example/":       "http://1.2.3.example/",
	} {
		u, err := ParseURL(raw)
		if err != nil || u.String() != want {
			t.Errorf("ParseURL(%q) = %v, %v; want %s", raw, u, err, want)
			continue
		}
		if again, err := ParseURL(u.String()); err != nil || again.String() != want {
			t.Errorf("not stable: %v %v", again, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": defaultRetry, "0": 0, "120": 2 * time.Minute, " 7 ": 7 * time.Second, "99999999999999999999": maxRetry, "86400": maxRetry,
		"-5": defaultRetry, "1.5": 1500 * time.Millisecond, "soon": defaultRetry,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second, now.Add(-time.Hour).Format(http.TimeFormat): 0,
		now.Add(1000 * time.Hour).Format(http.TimeFormat): maxRetry,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", value, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "12", "Sun, 01 Mar 2026 12:00:00 GMT", "1e9", "９"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if d := retryAfter(http.Header{"Retry-After": {value}}, time.Now()); d < 0 || d > maxRetry {
			t.Errorf("%q: %v", value, d)
		}
	})
}

func FuzzParseURL(f *testing.F) {
	for _, s := range []string{"http://example.com/a?b#c", "http://0x7f.1:81/", "https://[::1%25eth0]/", "http://ex%41mple.com", "http://xn--a/", "http://Xn--"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var u *url.URL
		var err error
		testcost.Check(t, len(raw), testcost.Limit{Time: 10 * time.Microsecond, Alloc: 2000}, func() { u, err = ParseURL(raw) })
		if err != nil {
			return
		}
		again, err := ParseURL(u.String())
		if err != nil || again.String() != u.String() {
			t.Errorf("%q → %q → %v, %v", raw, u, again, err)
		}
	})
}
