package problem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"legwork/api"
	"legwork/internal/artifact"
	"legwork/internal/auth"
	"legwork/internal/research"
)

// Problem is an error as clients get it. Handlers return it like any other error.
type Problem struct {
	Status     int
	Code       string
	Message    string
	RetryAfter time.Duration // value of the Retry-After header; 0 means the default, where a header helps
}

// New returns a Problem without a Retry-After of its own.
func New(status int, code, message string) *Problem {
	return &Problem{Status: status, Code: code, Message: message}
}

// Error implements error.
func (p *Problem) Error() string { return p.Code + ": " + p.Message }

// retryHelps reports whether the same request may succeed later. It is true for every status 503 except too_slow: the
// same request would take too long again, so the client must ask for less.
func (p *Problem) retryHelps() bool {
	return p.Status == http.StatusServiceUnavailable && p.Code != "too_slow"
}

// MaxBody is the greatest size of a request body in bytes.
const MaxBody = 64 << 10

// statusClientGone is the status in the access log of a request whose client left before the answer. nginx uses the same
// number.
const statusClientGone = 499

// retryAfter is the default value of the Retry-After header, in seconds.
const retryAfter = 5

// Problems that are the answer to errors of the program. Other problems are in the packages where they arise.
var (
	NoLogin  = New(http.StatusUnauthorized, "unauthenticated", "This needs a login or an API key; send the key as Authorization: Bearer lw_…, or log in.")
	TooLarge = New(http.StatusRequestEntityTooLarge, "payload_too_large", fmt.Sprintf("The request body may have at most %d bytes.", MaxBody))
	Internal = New(http.StatusInternalServerError, "internal", "Something went wrong in the server; its log has the cause.")

	database   = New(http.StatusServiceUnavailable, "unavailable", "The database cannot answer at the moment; try again in a few seconds.")
	deleted    = New(http.StatusGone, "gone", "The task of this Idempotency-Key was deleted; use a new key to ask again.")
	queueFull  = New(http.StatusServiceUnavailable, "queue_full", "Too many tasks wait for a worker; try again later.")
	clientGone = New(statusClientGone, "client_gone", "The client left before the answer.")
	tooSlow    = New(http.StatusServiceUnavailable, "too_slow", "The request takes longer than the server allows; ask for fewer or rarer words, or a shorter period.")
)

// Of decides which error a client gets for err, and which fields of the request are invalid.
func Of(r *http.Request, err error) (p *Problem, details []research.FieldError) {
	var invalid *research.ValidationError
	var large *http.MaxBytesError
	var rejected *auth.Rejected
	var limit *research.LimitError
	var files *artifact.Error
	switch {
	case errors.As(err, &large):
		return TooLarge, nil
	case errors.As(err, &p):
		return p, nil
	case errors.As(err, &rejected):
		return New(http.StatusUnauthorized, NoLogin.Code, rejected.Reason), nil
	case errors.As(err, &invalid):
		message := invalid.Error()
		if n := len(invalid.Fields); n > 1 {
			message = strconv.Itoa(n) + " fields are invalid; details.errors names them."
		}
		return New(http.StatusUnprocessableEntity, "validation_error", message), invalid.Fields
	case errors.As(err, &files):
		return FilesUnavailable(files.Reason()), nil
	case errors.Is(err, research.ErrNotFound):
		return New(http.StatusNotFound, "not_found", "There is no such task or file."), nil
	case errors.Is(err, research.ErrGone):
		return deleted, nil
	case errors.As(err, &limit):
		return New(http.StatusTooManyRequests, limit.Code, limit.Message), nil
	case errors.Is(err, research.ErrQueueFull):
		return queueFull, nil
	case errors.Is(err, research.ErrNoPlan):
		return New(http.StatusConflict, "conflict", "The task does not wait for its plan to be confirmed."), nil
	case errors.Is(err, research.ErrConflict):
		return New(http.StatusConflict, "conflict", "The task has already ended, so it cannot be cancelled."), nil
	case r.Context().Err() != nil && errors.Is(err, context.Canceled):
		return clientGone, nil
	case errors.Is(err, research.ErrTooSlow): // must come before ErrUnavailable, because repeating the request does not help
		return tooSlow, nil
	case errors.Is(err, research.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return database, nil
	}
	return Internal, nil
}

// FilesUnavailable returns the error of a request that needs the store of files, while that cannot be used.
func FilesUnavailable(reason string) *Problem {
	return New(http.StatusServiceUnavailable, "files_unavailable", "The server's store of files cannot be used at the moment: "+reason+".")
}

// Write answers with the envelope of a problem. fields are the fields of the request that are invalid.
func Write(w http.ResponseWriter, p *Problem, fields []research.FieldError) {
	body := api.Error{Status: api.ErrorStatusError, Error: p.Message, ErrorCode: p.Code}
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
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
	}
	if p.retryHelps() && h.Get("Retry-After") == "" {
		h.Set("Retry-After", strconv.Itoa(retryAfter))
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(body) // an error means that the client has left
}

// SetLimitHeaders tells the client which limit refused the request and after how many seconds a retry may succeed. It
// sets Retry-After (RFC 9110 §10.2.3) and RateLimit-Limit, -Remaining and -Reset
// (draft-ietf-httpapi-ratelimit-headers-06). A limit without a reset time has room again as soon as, for instance, a
// stream closes, so the client may retry soon.
func SetLimitHeaders(h http.Header, l *research.LimitError, now time.Time) {
	seconds := strconv.Itoa(retryAfter)
	if !l.ResetsAt.IsZero() {
		seconds = strconv.Itoa(SecondsUntil(l.ResetsAt, now))
	}
	h.Set("Retry-After", seconds)
	h.Set("RateLimit-Limit", strconv.FormatInt(l.Limit, 10))
	h.Set("RateLimit-Remaining", "0")
	h.Set("RateLimit-Reset", seconds)
}

// SecondsUntil returns the whole seconds until a time, at least one.
func SecondsUntil(at, now time.Time) int { return int(math.Ceil(max(at.Sub(now).Seconds(), 1))) }
