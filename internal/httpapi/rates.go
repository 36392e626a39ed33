package httpapi

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/go-chi/httprate"

	"legwork/internal/forwarded"
	"legwork/internal/research"
)

// rateWindow is the time over which requests per second are counted. A client that was idle may send this many seconds' requests at
// once.
const rateWindow = 10 * time.Second

// rate bounds how many requests per second this process takes for each name, on average over rateWindow. It counts in this process
// alone, because a count in the database would cost more than most requests.
type rate struct {
	perSecond int
	limiter   *httprate.RateLimiter // nil: any number
}

func newRate(perSecond int) rate {
	r := rate{perSecond: perSecond}
	if perSecond > 0 {
		r.limiter = httprate.NewRateLimiter(perSecond*int(rateWindow/time.Second), rateWindow,
			httprate.WithResponseHeaders(httprate.ResponseHeaders{})) // fail sets those that clients read
	}
	return r
}

// take counts a request of a name. what names it in the refusal.
func (t rate) take(w http.ResponseWriter, r *http.Request, name, what string) error {
	if t.limiter == nil || !t.limiter.OnLimit(w, r, name) {
		return nil
	}
	return &research.LimitError{Code: research.CodeRateLimited, Limit: int64(t.perSecond), ResetsAt: time.Now().Add(time.Second),
		Message: fmt.Sprintf("This %s sends more than %d requests per second; send fewer, or raise RATE_REQUESTS_PER_SECOND.", what, t.perSecond)}
}

// limitAddress bounds the requests of each client address. Probes of the service's health are not bounded.
func (s *server) limitAddress(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" && !strings.HasPrefix(r.URL.Path, "/health/") {
			if err := s.addressRate.take(w, r, "address:"+network(forwarded.From(r.Context()).Address), "client address"); err != nil {
				s.fail(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// network returns the name under which the requests of an address are counted together. It is the address itself for
// IPv4 and its /64 network for IPv6, because one client commonly has a whole /64.
func network(a netip.Addr) string {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
