package httpapi

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"legwork/internal/access"
	"legwork/internal/dbtest"
	"legwork/internal/forwarded"
	"legwork/internal/store/identities"
)

// TestRequestsPerSecond checks that the requests of each client address are limited separately, and that health checks
// are not limited. IPv6 addresses of one /64 network are counted together.
func TestRequestsPerSecond(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config, _ *timing) {
		c.RequestsPerSecond = 2
		c.Proxies = forwarded.Proxies{Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	})
	from := func(address string) response { return b.get("/api/tasks", "X-Forwarded-For", address) }
	refused := func(address func(i int) string) (n int) {
		for i := range 25 {
			if res := from(address(i)); res.status == http.StatusTooManyRequests {
				res.wantError(http.StatusTooManyRequests, "rate_limited")
				if res.header.Get("Retry-After") != "1" || res.header.Get("RateLimit-Limit") != "2" {
					t.Errorf("headers %v", res.header)
				}
				n++
			}
		}
		return n
	}
	if n := refused(func(int) string { return "203.0.113.7" }); n < 1 || n > 5 { // 5 are refused, or fewer if the window ends in between
		t.Errorf("%d of 25 requests were refused, at 2 per second over ten", n)
	}
	if n := refused(func(i int) string { return fmt.Sprintf("2001:db8:0:1::%x", i) }); n < 1 || n > 5 {
		t.Errorf("%d of 25 requests of one IPv6 network were refused", n)
	}
	if n := refused(func(i int) string { return fmt.Sprintf("198.51.100.%d", i) }); n != 0 {
		t.Errorf("%d requests of different addresses were refused", n)
	}
	for range 30 {
		if res := b.get("/health/live", "X-Forwarded-For", "203.0.113.7"); res.status != http.StatusOK {
			t.Fatalf("probe: %d", res.status)
		}
	}
}

// TestRequestsPerSecondOfAKey checks that the requests of a key are limited, however many addresses use it.
func TestRequestsPerSecondOfAKey(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	l.api.server.keyRate = newRate(2)
	busy, _ := l.key(identities.NewKey{Scopes: []access.Scope{access.TasksRead}})
	calm, _ := l.key(identities.NewKey{})
	var refused atomic.Int64
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			for range 5 {
				if l.get("/api/tasks", bearer(busy)...).status == http.StatusTooManyRequests {
					refused.Add(1)
				}
			}
		})
	}
	group.Wait()
	if n := refused.Load(); n < 1 || n > 5 {
		t.Errorf("%d of 25 requests were refused", n)
	}
	if res := l.get("/api/tasks", bearer(calm)...); res.status != http.StatusOK {
		t.Errorf("another key: %d", res.status)
	}
}

// TestLoginsPerSecond checks that a client address may make fewer steps of logins than other requests, and that other addresses
// are not concerned.
func TestLoginsPerSecond(t *testing.T) {
	t.Parallel()
	l := setupLockedOn(t, dbtest.New(t), func(c *Config) {
		c.RequestsPerSecond = 10_000
		c.Proxies = forwarded.Proxies{Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	})
	const most = loginsPerSecond * int(rateWindow/time.Second)
	refused := func(method, path, body, address string) (n int) {
		for range most + 5 {
			res := l.do(method, path, strings.NewReader(body), "Content-Type", "application/json", "X-Forwarded-For", address)
			if res.status == http.StatusTooManyRequests {
				res.wantError(http.StatusTooManyRequests, "rate_limited")
				n++
			}
		}
		return n
	}
	if n := refused("POST", "/api/auth/invitations/accept", `{"token":"x"}`, "203.0.113.7"); n < 1 || n > 5 { // fewer are refused if a window ends in between
		t.Errorf("%d of %d were refused", n, most+5)
	}
	if n := refused("GET", "/api/auth/methods", "", "203.0.113.7"); n != 0 {
		t.Errorf("%d requests that are no logins were refused", n)
	}
	if res := l.do("POST", "/api/auth/invitations/accept", strings.NewReader(`{"token":"x"}`), "Content-Type", "application/json", "X-Forwarded-For", "203.0.113.8"); res.status == http.StatusTooManyRequests {
		t.Error("another address is refused")
	}
}
