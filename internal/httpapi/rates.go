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

// rateWindow is the time over which the number of requests per second is averaged. So a client that was idle may send
// the requests of the whole window at once.
const rateWindow = 10 * time.Second

// loginsPerSecond is how many steps of logins one client address may make per second. Each of them costs a password hash, a row
// in the database, or a request to the OpenID provider. There may be many people behind one address.
const loginsPerSecond = 5

// rate limits the requests per second for each name, averaged over rateWindow. A name is, for instance, a client's
// address. Each process counts its own requests only, because a count in the database would cost more than most
// requests.
type rate struct {
	perSecond int
	limiter   *httprate.RateLimiter // nil means no limit
}

func newRate(perSecond int) rate {
	r := rate{perSecond: perSecond}
	if perSecond > 0 {
		r.limiter = httprate.NewRateLimiter(perSecond*int(rateWindow/time.Second), rateWindow,
			httprate.WithResponseHeaders(httprate.ResponseHeaders{})) // the library sets no headers, because fail sets those that clients read
	}
	return r
}

// take counts one request of a name, and returns a *research.LimitError when there are too many. what describes the name
// in the error message, for instance as "address".
func (t rate) take(w http.ResponseWriter, r *http.Request, name, what string) error {
	if t.limiter == nil || !t.limiter.OnLimit(w, r, name) {
		return nil
	}
	return &research.LimitError{Code: research.CodeRateLimited, Limit: int64(t.perSecond), ResetsAt: time.Now().Add(time.Second),
		Message: fmt.Sprintf("This %s sends more than %d requests per second; send fewer, or have the limit raised.", what, t.perSecond)}
}

// limitAddress limits the requests per second of each client address. Health checks are not limited.
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

// network returns the name under which the requests of an address are counted. For IPv4 the name is the address itself.
// For IPv6 it is the /64 network, because one client commonly has a whole /64.
func network(a netip.Addr) string {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
