package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/go-chi/chi/v5/middleware"

	"legwork/internal/forwarded"
)

// accessLine is the line of the access log for one request. It is written when the request ends. A request for
// server-sent events ends when its stream closes. A WebSocket outlives its request, so the handler of the WebSocket
// writes the line.
type accessLine struct {
	log              *slog.Logger
	method, path, id string
	remote           netip.Addr // the client's
	began            time.Time
	taken            bool // true if the handler of a WebSocket will write the line
}

// accessLineKey is the context key of a request's *accessLine.
type accessLineKey struct{}

// requestIDOf returns the id of a request, which is in the log and in the X-Request-ID header.
func requestIDOf(ctx context.Context) string {
	if line, ok := ctx.Value(accessLineKey{}).(*accessLine); ok {
		return line.id
	}
	return ""
}

// accessLog gives every request an id, which the answer has in X-Request-ID, and writes one line per request. The line has
// no query string, because that may contain a user's question.
func (s *server) accessLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		line := &accessLine{log: s.log, method: r.Method, path: r.URL.Path, remote: forwarded.From(r.Context()).Address, id: requestID(r), began: time.Now()}
		w.Header().Set("X-Request-Id", line.id)
		defer func() {
			if !line.taken {
				line.write(line.level(), "request", ww.Status(), slog.Int("bytes", ww.BytesWritten()), slog.Duration("took", time.Since(line.began)))
			}
		}()
		next.ServeHTTP(ww, r.WithContext(context.WithValue(r.Context(), accessLineKey{}, line)))
	})
}

// level returns the level of the line: debug for the frequent health checks, info for other requests.
func (l *accessLine) level() slog.Level {
	if l.path == "/health" || strings.HasPrefix(l.path, "/health/") {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

func (l *accessLine) write(level slog.Level, message string, status int, more ...slog.Attr) {
	if !l.log.Enabled(context.Background(), level) {
		return
	}
	attrs := append([]slog.Attr{slog.String("method", l.method), slog.String("path", l.path), slog.Int("status", status)}, more...)
	attrs = append(attrs, slog.String("remote", l.remote.String()), slog.String("request", l.id))
	l.log.LogAttrs(context.Background(), level, message, attrs...)
}

// takeAccessLine returns the line of a WebSocket's request, which the handler must write when the WebSocket closes. It also
// logs that the WebSocket has opened.
func takeAccessLine(r *http.Request) *accessLine {
	line, _ := r.Context().Value(accessLineKey{}).(*accessLine)
	line.taken = true
	line.write(slog.LevelDebug, "websocket opened", http.StatusSwitchingProtocols)
	return line
}

// closed writes the line of a WebSocket, with the number of events that were sent and the close code (RFC 6455 §7.4; 1006
// means that the connection broke without a close frame).
func (l *accessLine) closed(events int, code websocket.StatusCode) {
	l.write(slog.LevelInfo, "request", http.StatusSwitchingProtocols, slog.Int("events", events), slog.Int("close", int(code)),
		slog.Duration("took", time.Since(l.began)))
}
