package httpapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/cors"
)

// origins holds CORS_ORIGINS: the origins whose pages may use the API from a browser, besides the API's own.
type origins struct {
	any    bool
	listed map[string]bool // lower case, without trailing slash
}

func newOrigins(list []string) origins {
	o := origins{listed: map[string]bool{}}
	for _, s := range list {
		s = strings.ToLower(strings.TrimRight(strings.TrimSpace(s), "/"))
		o.any = o.any || s == "*"
		o.listed[s] = s != ""
	}
	return o
}

func (o origins) has(origin string) bool { return o.any || o.listed[strings.ToLower(origin)] }

// allows reports whether the page that made a request may open a WebSocket. The server must check this itself, because
// browsers do not apply CORS to WebSockets. A request without an Origin header does not come from a page and is allowed.
func (o origins) allows(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || o.has(origin) {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	return strings.EqualFold(strings.TrimSuffix(u.Host, port), strings.TrimSuffix(r.Host, port))
}

// protect refuses a request that changes something when the browser's headers show that it comes from a page of another
// site, for instance from a form or a fetch without a preflight. It allows pages of this host and of listed origins. It
// also allows programs, which send neither Sec-Fetch-Site nor Origin.
func (o origins) protect(refused http.Handler) func(http.Handler) http.Handler {
	var check http.CrossOriginProtection
	check.SetDenyHandler(refused)
	return func(next http.Handler) http.Handler {
		checked := check.Handler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if o.has(r.Header.Get("Origin")) {
				next.ServeHTTP(w, r)
				return
			}
			checked.ServeHTTP(w, r)
		})
	}
}

// cors answers preflights, and allows listed origins to read answers and errors, with credentials. With the origin "*" it does
// not allow credentials, because browsers refuse that combination.
func (o origins) cors() func(http.Handler) http.Handler {
	return cors.Handler(cors.Options{
		// A function is used, because the library treats an empty list of origins as "all".
		AllowOriginFunc: func(_ *http.Request, origin string) bool { return o.has(origin) },
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
			http.MethodDelete, http.MethodOptions},
		AllowedHeaders: []string{"*"},
		ExposedHeaders: []string{"ETag", "Location", "Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset",
			"X-Request-Id", "Content-Range", "Idempotency-Replayed"},
		AllowCredentials: !o.any,
		MaxAge:           600,
	})
}
