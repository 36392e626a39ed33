package httpapi

import (
	"net/http"

	"legwork/internal/forwarded"
)

// maxURL is the greatest length of the path and the query of a request, in bytes. The longest search in the list of tasks,
// 1,000 characters of four bytes each, takes 12,000 bytes when it is percent-encoded.
const maxURL = 16 << 10

// These are values of headers. Handlers that send something other than JSON replace some of them.
const (
	// As Content-Security-Policy: nothing in an answer may run, load, be framed or send a form. JSON needs none of this.
	nothingAllowed = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	// As Permissions-Policy: pages of this server use no browser feature that needs the user's permission.
	noFeatures = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), geolocation=(), " +
		"gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=(), xr-spatial-tracking=()"
	// As Strict-Transport-Security (RFC 6797): browsers must use TLS for a year. Subdomains are not included, because
	// they may be other services.
	onlyTLS = "max-age=31536000"
)

// commonHeaders sets the headers of every answer. They forbid browsers to cache the answer, to guess its type and to run
// or load anything in it. commonHeaders also refuses URLs longer than maxURL.
func (s *server) commonHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", nothingAllowed)
		h.Set("Referrer-Policy", "no-referrer") // URLs contain ids of tasks and tickets, which other sites should not get
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

// documentHeaders sets the headers that only a page in a browser window needs. JSON goes without them: they would be a
// third of the bytes of a small answer.
func documentHeaders(h http.Header) {
	h.Set("Permissions-Policy", noFeatures)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// embedding returns the Cross-Origin-Resource-Policy of files. Pages of CORS_ORIGINS show screenshots in <img>, for
// which browsers send no Origin header. The policy cannot name origins, so if any origin is listed, every page may show
// a file. Such a page still cannot read the file, and its requests have no session cookie, because the cookie is
// SameSite=Lax.
func (o origins) embedding() string {
	if o.any || len(o.listed) > 0 {
		return "cross-origin"
	}
	return "same-site"
}
