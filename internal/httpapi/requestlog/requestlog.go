// Package requestlog observes every request: it gives the request an id, a line in the access log, a span, and its place in the metrics.
//
// Invariants:
//
//   - The id is in the context of the request, in its answer (X-Request-ID), and in all log lines about it and about the task that it makes.
//   - No line and no span has the query of a request, which may contain a user's question.
//   - A request is counted by its operation, and never by its path, of which there are any number.
package requestlog

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"

	"legwork/internal/forwarded"
	"legwork/internal/metrics"
	"legwork/internal/tracing"
)

// Log observes requests.
type Log struct {
	Logger  *slog.Logger
	Metrics *metrics.Metrics // may be nil
	Tracer  *tracing.Tracer  // may be nil
}

// Line is what is known of one request. It is written when the request ends. A request for server-sent events ends when its stream
// closes. A WebSocket outlives its request, so the handler of the WebSocket calls Closed.
type Line struct {
	log          Log
	ctx          context.Context // of the request, without its end
	span         tracing.Span
	method, path string
	route        string
	operation    string
	remote       netip.Addr // the client's
	began        time.Time
	taken        bool // true if the handler of a WebSocket will write the line
}

// lineKey is the context key of a request's *Line.
type lineKey struct{}

func lineOf(ctx context.Context) *Line {
	line, _ := ctx.Value(lineKey{}).(*Line)
	return line
}

// plainID matches the request ids that clients may choose. An id with other characters could add lines to the log.
var plainID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// idFor returns the id of a request: the client's X-Request-ID if it matches plainID, otherwise a new one.
func idFor(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); plainID.MatchString(id) {
		return id
	}
	return uuid.NewString()
}

// Handler observes the requests that next answers.
func (l Log) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		id := idFor(r)
		line := &Line{log: l, method: r.Method, path: r.URL.Path, remote: forwarded.From(r.Context()).Address, began: time.Now()}
		ctx := context.WithValue(tracing.WithRequest(r.Context(), id), lineKey{}, line)
		ctx, line.span = l.Tracer.Request(ctx, "HTTP", r.Header.Get("Traceparent"))
		line.ctx = context.WithoutCancel(ctx)
		w.Header().Set("X-Request-Id", id)
		defer func() {
			if route := chi.RouteContext(ctx); route != nil {
				line.route = route.RoutePattern()
			}
			if line.taken {
				return
			}
			took := time.Since(line.began)
			line.write(line.level(), "request", ww.Status(), slog.Int("bytes", ww.BytesWritten()), slog.Duration("took", took))
			if strings.HasPrefix(ww.Header().Get("Content-Type"), "text/event-stream") {
				took = -1
			}
			line.end(id, ww.Status(), took)
		}()
		next.ServeHTTP(ww, r.WithContext(ctx))
	})
}

// end ends the span of a request and counts it. took is negative for a stream.
func (l *Line) end(id string, status int, took time.Duration) {
	l.log.Metrics.Requested(l.operation, status, took)
	if !l.span.On() {
		return
	}
	method := l.method
	if !knownMethods[method] {
		method = "_OTHER"
	}
	l.span.Rename(strings.TrimSpace(method + " " + l.route))
	l.span.Set(attribute.String(tracing.HTTPMethod, method), attribute.String(tracing.HTTPRoute, l.route), attribute.String(tracing.URLPath, l.path),
		attribute.Int(tracing.HTTPStatus, status), attribute.String(tracing.Operation, l.operation), attribute.String(tracing.RequestID, id))
	if status >= http.StatusInternalServerError {
		l.span.Fail(strconv.Itoa(status))
	}
	l.span.End()
}

// knownMethods are the methods of RFC 9110 and RFC 5789. Clients may send others, which are not told apart.
var knownMethods = map[string]bool{http.MethodGet: true, http.MethodHead: true, http.MethodPost: true, http.MethodPut: true, http.MethodPatch: true,
	http.MethodDelete: true, http.MethodConnect: true, http.MethodOptions: true, http.MethodTrace: true}

// Name says which operation of the contract a request is for.
func Name(ctx context.Context, operation string) {
	if line := lineOf(ctx); line != nil {
		line.operation = operation
	}
}

// level returns the level of the line: debug for the frequent requests of programs that watch this one, info for other requests.
func (l *Line) level() slog.Level {
	if l.path == "/health" || l.path == "/metrics" || strings.HasPrefix(l.path, "/health/") {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

func (l *Line) write(level slog.Level, message string, status int, more ...slog.Attr) {
	if !l.log.Logger.Enabled(l.ctx, level) {
		return
	}
	attrs := append([]slog.Attr{slog.String("method", l.method), slog.String("path", l.path), slog.Int("status", status)}, more...)
	l.log.Logger.LogAttrs(l.ctx, level, message, append(attrs, slog.String("remote", l.remote.String()))...)
}

// Take returns the line of a WebSocket's request, whose Closed the handler must call when the WebSocket closes. It also logs that the
// WebSocket has opened.
func Take(ctx context.Context) *Line {
	line := lineOf(ctx)
	line.taken = true
	line.write(slog.LevelDebug, "websocket opened", http.StatusSwitchingProtocols)
	return line
}

// Closed writes the line of a WebSocket, with the number of events that were sent and the close code (RFC 6455 §7.4; 1006
// means that the connection broke without a close frame).
func (l *Line) Closed(events int, code websocket.StatusCode) {
	l.write(slog.LevelInfo, "request", http.StatusSwitchingProtocols, slog.Int("events", events), slog.Int("close", int(code)),
		slog.Duration("took", time.Since(l.began)))
	l.end(tracing.RequestOf(l.ctx), http.StatusSwitchingProtocols, -1)
}
