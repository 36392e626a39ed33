package httpapi

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"runtime/debug"
	"strings"

	"legwork/internal/httpapi/problem"
)

// recoverer answers 500 after a panic. When the answer has begun already, it closes the connection instead, so that the client
// notices that the answer is not complete.
func (s *server) recoverer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares by identity, too
				panic(v)
			}
			s.log.ErrorContext(r.Context(), "handler panicked", "panic", v, "path", r.URL.Path, "stack", string(debug.Stack()))
			if begun(w) {
				panic(http.ErrAbortHandler)
			}
			problem.Write(w, problem.Internal, nil)
		}()
		next.ServeHTTP(w, r)
	})
}

// limitBody refuses a body whose Content-Length exceeds problem.MaxBody without reading it. It reads at most problem.MaxBody
// bytes of a body without Content-Length.
func (s *server) limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > problem.MaxBody {
			w.Header().Set("Connection", "close")
			s.fail(w, r, problem.TooLarge)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, problem.MaxBody)
		next.ServeHTTP(w, r)
	})
}

// readBody reads a JSON body from a reader whose size is limited. It treats a body without a content type as JSON, and
// refuses a body of another type. It treats a body of only white space as empty, whatever its content type.
func readBody(body io.Reader, contentType string) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, errUnreadable)
	}
	if len(strings.TrimSpace(string(b))) == 0 || contentType == "" {
		return b, nil
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil || media != "application/json" && !strings.HasSuffix(media, "+json") {
		return nil, errNotJSON
	}
	return b, nil
}
