package httpapi

import (
	"net/http"

	"legwork/internal/forwarded"
)

// maxURL is the greatest length of the path and the query of a request in bytes. The longest search in the list of tasks is
// far shorter.
const maxURL = 8 << 10

// Values of the headers that every answer has. Handlers that send something else than JSON replace some of them.
const (
	// Nothing of an answer may run, load, be framed or send a form. Answers are JSON, so nothing should.
	nothingAllowed = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	// Pages of this server use no feature of a browser that asks for permission.
	noFeatures = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), geolocation=(), " +
		"gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=(), xr-spatial-tracking=()"
	// RFC 6797, for a year. Subdomains are not included, because they may be other services.
	onlyTLS = "max-age=31536000"
)

// commonHeaders sets the headers of every answer: no caching, no guessing of types, and what browsers may do with the answer
// (nothing). It refuses URLs longer than maxURL.
func (s *server) commonHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", nothingAllowed)
		h.Set("Permissions-Policy", noFeatures)
		h.Set("Referrer-Policy", "no-referrer") // addresses have ids of tasks, and tickets
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-site")
		if forwarded.From(r.Context()).Secure {
			h.Set("Strict-Transport-Security", onlyTLS)
		}
		if len(r.RequestURI) > maxURL {
			s.fail(w, r, errLongURL)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// embedding is the Cross-Origin-Resource-Policy of files. Pages of CORS_ORIGINS show screenshots in <img>, for which browsers
// send no Origin. The header cannot name origins, so with any of them every page may show a file. It still cannot read it, and its
// requests have no session cookie, because that is SameSite=Lax.
func (o origins) embedding() string {
	if o.any || len(o.listed) > 0 {
		return "cross-origin"
	}
	return "same-site"
}
