package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"legwork/api"
	"legwork/internal/artifact"
	"legwork/internal/auth"
	"legwork/internal/httpapi/accounts"
	"legwork/internal/research"
)

// problem is an error as clients get it. It implements error, so that handlers can return it.
type problem struct {
	status  int
	code    string
	message string
}

// Error implements error.
func (p problem) Error() string { return p.code + ": " + p.message }

// retryHelps reports whether the same request may succeed later. It is true for every status 503 except too_slow: the
// same request would take too long again, so the client must ask for less.
func (p problem) retryHelps() bool {
	return p.status == http.StatusServiceUnavailable && p.code != "too_slow"
}

// statusClientGone is the status in the access log of a request whose client left before the answer. nginx uses the same
// number.
const statusClientGone = 499

// retryAfter is the default value of the Retry-After header, in seconds.
const retryAfter = 5

// Errors that arise in this package.
var (
	errNoLogin    = problem{http.StatusUnauthorized, "unauthenticated", "This needs a login or an API key; send the key as Authorization: Bearer lw_…, or log in."}
	errNoRoute    = problem{http.StatusNotFound, "not_found", "There is nothing at this address; /api/openapi.yaml lists what there is."}
	errTooLarge   = problem{http.StatusRequestEntityTooLarge, "payload_too_large", fmt.Sprintf("The request body may have at most %d bytes.", maxBody)}
	errLongURL    = problem{http.StatusRequestURITooLong, "uri_too_long", fmt.Sprintf("The address may have at most %d bytes; ask for less in its query.", maxURL)}
	errNotJSON    = problem{http.StatusUnsupportedMediaType, "unsupported_media_type", "Send the body as JSON, with Content-Type: application/json."}
	errUnreadable = problem{http.StatusBadRequest, "bad_request", "The request body could not be read to its end."}
	errOrigin     = problem{http.StatusForbidden, "origin_refused", "This origin may not open streams; add it to CORS_ORIGINS."}
	errCrossSite  = problem{http.StatusForbidden, "cross_site_refused", "A page of another site may not do this; add its origin to CORS_ORIGINS."}
	errHost       = problem{http.StatusMisdirectedRequest, "host_refused", "This host name is not the server's own; use its IP address, or add the name to ALLOWED_HOSTS."}
	errUpgrade    = problem{http.StatusUpgradeRequired, "upgrade_required", "This address is a WebSocket; connect with a WebSocket client, or read …/events."}
	errHandshake  = problem{http.StatusBadRequest, "bad_handshake", "The WebSocket handshake is invalid; it must have version 13 and one key (RFC 6455)."}
	errStopping   = problem{http.StatusServiceUnavailable, "stopping", "The server is stopping; send requests to another one."}
	errDatabase   = problem{http.StatusServiceUnavailable, "unavailable", "The database cannot answer at the moment; try again in a few seconds."}
	errDeleted    = problem{http.StatusGone, "gone", "The task of this Idempotency-Key was deleted; use a new key to ask again."}
	errElsewhere  = problem{http.StatusServiceUnavailable, "file_elsewhere", "The file is in a store that this server process does not see; all processes need the same ARTIFACT_DIR."}
	errQueueFull  = problem{http.StatusServiceUnavailable, "queue_full", "Too many tasks wait for a worker; try again later."}
	errGone       = problem{statusClientGone, "client_gone", "The client left before the answer."}
	errTooSlow    = problem{http.StatusServiceUnavailable, "too_slow", "The request takes longer than the server allows; ask for fewer or rarer words, or a shorter period."}
	errInternal   = problem{http.StatusInternalServerError, "internal", "Something went wrong in the server; its log has the cause."}
)

// classify decides which error a client gets for err. No other function decides this.
func classify(r *http.Request, err error) (p problem, details []research.FieldError) {
	var invalid *research.ValidationError
	var large *http.MaxBytesError
	var rejected *auth.Rejected
	var own *accounts.Problem
	var limit *research.LimitError
	var files *artifact.Error
	switch {
	case errors.As(err, &large):
		return errTooLarge, nil
	case errors.As(err, &p):
		return p, nil
	case errors.As(err, &own):
		return problem{own.Status, own.Code, own.Message}, nil
	case errors.As(err, &rejected):
		return problem{http.StatusUnauthorized, errNoLogin.code, rejected.Reason}, nil
	case errors.As(err, &invalid):
		message := invalid.Error()
		if n := len(invalid.Fields); n > 1 {
			message = strconv.Itoa(n) + " fields are invalid; details.errors names them."
		}
		return problem{http.StatusUnprocessableEntity, "validation_error", message}, invalid.Fields
	case errors.As(err, &files):
		return filesUnavailable(files.Reason()), nil
	case errors.Is(err, research.ErrNotFound):
		return problem{http.StatusNotFound, "not_found", "There is no such task or file."}, nil
	case errors.Is(err, research.ErrGone):
		return errDeleted, nil
	case errors.As(err, &limit):
		return problem{http.StatusTooManyRequests, limit.Code, limit.Message}, nil
	case errors.Is(err, research.ErrQueueFull):
		return errQueueFull, nil
	case errors.Is(err, research.ErrNoPlan):
		return problem{http.StatusConflict, "conflict", "The task does not wait for its plan to be confirmed."}, nil
	case errors.Is(err, research.ErrConflict):
		return problem{http.StatusConflict, "conflict", "The task has already ended, so it cannot be cancelled."}, nil
	case r.Context().Err() != nil && errors.Is(err, context.Canceled):
		return errGone, nil
	case errors.Is(err, research.ErrTooSlow): // must come before ErrUnavailable, because repeating the request does not help
		return errTooSlow, nil
	case errors.Is(err, research.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return errDatabase, nil
	}
	return errInternal, nil
}

// filesUnavailable returns the error of a request that needs the store of files, while that cannot be used.
func filesUnavailable(reason string) problem {
	return problem{http.StatusServiceUnavailable, "files_unavailable", "The server's store of files cannot be used at the moment: " + reason + "."}
}

// fail answers with the error envelope for err. It logs the cause of the error and does not send it. When the answer has
// begun already, fail only logs.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p, fields := classify(r, err)
	ctx := r.Context()
	switch {
	case p.status == http.StatusInternalServerError:
		s.log.ErrorContext(ctx, "request failed", "error", err, "path", r.URL.Path, "request", requestIDOf(ctx))
	case p.status == http.StatusServiceUnavailable:
		s.log.WarnContext(ctx, "request refused", "error", err, "path", r.URL.Path, "request", requestIDOf(ctx))
	}
	if begun(w) {
		s.log.DebugContext(ctx, "answer not completed", "error", err, "path", r.URL.Path, "request", requestIDOf(ctx))
		return
	}
	if p.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", s.Challenge()) // RFC 9110 §15.5.2
	}
	var own *accounts.Problem
	if errors.As(err, &own) && own.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(own.RetryAfter.Seconds()))))
	}
	var limit *research.LimitError
	if errors.As(err, &limit) {
		setLimitHeaders(w.Header(), limit, time.Now())
	}
	writeProblem(w, p, fields)
}

// begun reports whether the status line was sent already.
func begun(w http.ResponseWriter) bool {
	ww, ok := w.(middleware.WrapResponseWriter)
	return ok && ww.Status() != 0
}

func writeProblem(w http.ResponseWriter, p problem, fields []research.FieldError) {
	body := api.Error{Status: api.ErrorStatusError, Error: p.message, ErrorCode: p.code}
	if len(fields) > 0 {
		errs := make([]api.FieldError, len(fields))
		for i, f := range fields {
			errs[i] = api.FieldError(f)
		}
		body.Details.Errors = &errs
	}
	h := w.Header()
	for _, stale := range []string{"Content-Length", "Content-Encoding", "ETag", "Last-Modified"} {
		h.Del(stale) // headers of the answer that is replaced
	}
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if p.retryHelps() && h.Get("Retry-After") == "" {
		h.Set("Retry-After", strconv.Itoa(retryAfter))
	}
	w.WriteHeader(p.status)
	_ = json.NewEncoder(w).Encode(body) // an error means that the client has left
}

// setLimitHeaders tells the client which limit refused the request and after how many seconds a retry may succeed. It
// sets Retry-After (RFC 9110 §10.2.3) and RateLimit-Limit, -Remaining and -Reset
// (draft-ietf-httpapi-ratelimit-headers-06). A limit without a reset time has room again as soon as, for instance, a
// stream closes, so the client may retry soon.
func setLimitHeaders(h http.Header, l *research.LimitError, now time.Time) {
	seconds := strconv.Itoa(retryAfter)
	if !l.ResetsAt.IsZero() {
		seconds = strconv.Itoa(secondsUntil(l.ResetsAt, now))
	}
	h.Set("Retry-After", seconds)
	h.Set("RateLimit-Limit", strconv.FormatInt(l.Limit, 10))
	h.Set("RateLimit-Remaining", "0")
	h.Set("RateLimit-Reset", seconds)
}

// secondsUntil returns the whole seconds until a time, at least one.
func secondsUntil(at, now time.Time) int { return int(math.Ceil(max(at.Sub(now).Seconds(), 1))) }

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
	s.fail(w, r, problem{http.StatusMethodNotAllowed, "method_not_allowed",
		"This address does not answer " + research.Truncate(r.Method, 32) + "; the Allow header names what it answers."})
}
