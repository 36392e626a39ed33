package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"legwork/api"
	"legwork/internal/httpapi/problem"
	"legwork/internal/research"
)

// Errors that arise in this package.
var (
	errNoRoute    = problem.New(http.StatusNotFound, "not_found", "There is nothing at this address; /api/openapi.yaml lists what there is.")
	errLongURL    = problem.New(http.StatusRequestURITooLong, "uri_too_long", fmt.Sprintf("The address may have at most %d bytes; ask for less in its query.", maxURL))
	errNotJSON    = problem.New(http.StatusUnsupportedMediaType, "unsupported_media_type", "Send the body as JSON, with Content-Type: application/json.")
	errUnreadable = problem.New(http.StatusBadRequest, "bad_request", "The request body could not be read to its end.")
	errOrigin     = problem.New(http.StatusForbidden, "origin_refused", "This origin may not open streams; add it to CORS_ORIGINS.")
	errCrossSite  = problem.New(http.StatusForbidden, "cross_site_refused", "A page of another site may not do this; add its origin to CORS_ORIGINS.")
	errHost       = problem.New(http.StatusMisdirectedRequest, "host_refused", "This host name is not the server's own; use its IP address, or add the name to ALLOWED_HOSTS.")
	errUpgrade    = problem.New(http.StatusUpgradeRequired, "upgrade_required", "This address is a WebSocket; connect with a WebSocket client, or read …/events.")
	errHandshake  = problem.New(http.StatusBadRequest, "bad_handshake", "The WebSocket handshake is invalid; it must have version 13 and one key (RFC 6455).")
	errStopping   = problem.New(http.StatusServiceUnavailable, "stopping", "The server is stopping; send requests to another one.")
)

// fail answers with the error envelope for err. It logs the cause of the error and does not send it. When the answer has
// begun already, fail only logs.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p, fields := problem.Of(r, err)
	ctx := r.Context()
	s.metrics.RequestFailed(p.Code)
	switch {
	case p.Status == http.StatusInternalServerError:
		s.log.ErrorContext(ctx, "request failed", "error", err, "path", r.URL.Path)
	case p.Status == http.StatusServiceUnavailable:
		s.log.WarnContext(ctx, "request refused", "error", err, "path", r.URL.Path)
	}
	if begun(w) {
		s.log.DebugContext(ctx, "answer not completed", "error", err, "path", r.URL.Path)
		return
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", s.Challenge()) // RFC 9110 §15.5.2
	}
	var limit *research.LimitError
	if errors.As(err, &limit) {
		problem.SetLimitHeaders(w.Header(), limit, time.Now())
	}
	problem.Write(w, p, fields)
}

// begun reports whether the status line was sent already.
func begun(w http.ResponseWriter) bool {
	ww, ok := w.(middleware.WrapResponseWriter)
	return ok && ww.Status() != 0
}

// paramRule returns the error message for a parameter whose value the generated code could not parse.
func paramRule(name string) string {
	switch name {
	case "offset", "limit", "before":
		return "must be given once, as an integer"
	}
	return "must be given only once"
}

// failParam answers a request that has a parameter whose value the generated code could not parse.
func (s *server) failParam(w http.ResponseWriter, r *http.Request, err error) {
	var format *api.InvalidParamFormatError
	var many *api.TooManyValuesForParamError
	var v research.ValidationError
	switch {
	case errors.As(err, &format) && format.ParamName == "id", errors.As(err, &format) && format.ParamName == "userId":
		s.fail(w, r, fmt.Errorf("%w: %w", research.ErrNotFound, err))
		return
	case errors.As(err, &format):
		v.Add(format.ParamName, "%s", paramRule(format.ParamName))
	case errors.As(err, &many) && many.ParamName == "Last-Event-ID":
		v.Add(lastEventField, "%s", paramRule(many.ParamName))
	case errors.As(err, &many) && many.ParamName == "Idempotency-Key":
		v.Add("idempotencyKey", "%s", paramRule(many.ParamName))
	default:
		s.fail(w, r, err)
		return
	}
	s.fail(w, r, v.Err())
}

// methodNotAllowed answers 405 with the methods that are allowed.
func (s *server) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	rctx := chi.RouteContext(r.Context())
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.Path
	}
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		find := m
		if m == http.MethodHead { // a handler of GET also answers HEAD
			find = http.MethodGet
		}
		if rctx.Routes.Match(chi.NewRouteContext(), find, path) {
			w.Header().Add("Allow", m)
		}
	}
	s.fail(w, r, problem.New(http.StatusMethodNotAllowed, "method_not_allowed",
		"This address does not answer "+research.Truncate(r.Method, 32)+"; the Allow header names what it answers."))
}
