package tracing

import (
	"context"
	"log/slog"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"
)

// Names of the ids in log lines.
const (
	KeyRequest = "request_id"
	KeyTrace   = "trace_id"
	KeyTask    = "task_id"
	KeyRun     = "run"
)

// ids are what a context works on.
type ids struct {
	request string // id of the request that began the work; empty if none did
	trace   string // id of the trace of the task, as the process knows it that has accepted the task; empty if it was not traced
	task    uuid.UUID
	run     int
}

type idsKey struct{}

func idsOf(ctx context.Context) ids {
	found, _ := ctx.Value(idsKey{}).(ids)
	return found
}

// WithRequest returns a context that works on a request.
func WithRequest(ctx context.Context, request string) context.Context {
	return context.WithValue(ctx, idsKey{}, ids{request: request})
}

// WithRun returns a context that works on a run of a task. from says which request made the task.
func WithRun(ctx context.Context, task uuid.UUID, run int, from Origin) context.Context {
	found := ids{request: from.Request, task: task, run: run}
	if s := parse(from.Trace); s.IsValid() {
		found.trace = s.TraceID().String()
	}
	return context.WithValue(ctx, idsKey{}, found)
}

// RequestOf returns the id of the request that a context works on, and nothing if there is none.
func RequestOf(ctx context.Context) string { return idsOf(ctx).request }

// Attrs returns the ids of a context as attributes of a log line. Those that the context does not have are left out.
func Attrs(ctx context.Context) []slog.Attr {
	found := idsOf(ctx)
	span := trace.SpanContextFromContext(ctx)
	if found == (ids{}) && !span.IsValid() {
		return nil
	}
	out := make([]slog.Attr, 0, 4)
	if found.request != "" {
		out = append(out, slog.String(KeyRequest, found.request))
	}
	switch {
	case span.IsValid():
		out = append(out, slog.String(KeyTrace, span.TraceID().String()))
	case found.trace != "":
		out = append(out, slog.String(KeyTrace, found.trace))
	}
	if found.task != uuid.Nil {
		out = append(out, slog.String(KeyTask, found.task.String()), slog.Int(KeyRun, found.run))
	}
	return out
}
