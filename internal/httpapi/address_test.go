package httpapi

import (
	"net/netip"
	"strings"
	"testing"

	"legwork/internal/forwarded"
)

// TestAccessLogNamesTheClient checks that the access log shows the client's address as a trusted proxy reports it, and
// ignores what other senders claim.
func TestAccessLogNamesTheClient(t *testing.T) {
	t.Parallel()
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for name, tt := range map[string]struct {
		trusted []netip.Prefix
		want    string
	}{
		"a trusted proxy":       {loopback, "remote=203.0.113.7 "},
		"anybody who claims it": {nil, "remote=127.0.0.1 "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(c *Config, _ *timing) { c.Proxies = forwarded.Proxies{Trusted: tt.trusted} })
			b.get("/api/tasks", "X-Forwarded-For", "198.51.100.1, 203.0.113.7")
			if !strings.Contains(b.log.String(), tt.want) {
				t.Errorf("log %s", b.log)
			}
		})
	}
}
