package tracing

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// scope is the name of the instrumentation in each span.
const scope = "legwork"

// Span is a span that is recorded, or nothing. The zero Span is nothing: its methods do nothing.
type Span struct {
	span trace.Span
}

// Start begins a span of work in this process, below the span of ctx. Its name is what, with a detail of which there are few. Without a
// recorded span in ctx it returns ctx and the zero Span. The caller must end it.
func Start(ctx context.Context, what, detail string) (context.Context, Span) {
	return start(ctx, what, detail, trace.SpanKindInternal)
}

// Call is Start for a request to another program.
func Call(ctx context.Context, what, detail string) (context.Context, Span) {
	return start(ctx, what, detail, trace.SpanKindClient)
}

func start(ctx context.Context, what, detail string, kind trace.SpanKind) (context.Context, Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Span{}
	}
	if detail != "" {
		what += " " + detail
	}
	ctx, span := parent.TracerProvider().Tracer(scope).Start(ctx, what, trace.WithSpanKind(kind))
	return ctx, Span{span}
}

// Copy returns a context with the ids and the span of another one.
func Copy(to, from context.Context) context.Context {
	to = context.WithValue(to, idsKey{}, idsOf(from))
	if span := trace.SpanFromContext(from); span.SpanContext().IsValid() {
		to = trace.ContextWithSpan(to, span)
	}
	return to
}

// On reports whether the span is recorded. Ask it before attributes are computed.
func (s Span) On() bool { return s.span != nil }

// Set adds attributes.
func (s Span) Set(attrs ...attribute.KeyValue) {
	if s.span != nil {
		s.span.SetAttributes(attrs...)
	}
}

// Rename gives the span another name.
func (s Span) Rename(name string) {
	if s.span != nil {
		s.span.SetName(name)
	}
}

// Fail marks the span as failed. kind is the value of error.type, one of few.
func (s Span) Fail(kind string) {
	if s.span == nil {
		return
	}
	s.span.SetAttributes(attribute.String("error.type", kind))
	s.span.SetStatus(codes.Error, kind)
}

// End ends the span.
func (s Span) End() {
	if s.span != nil {
		s.span.End()
	}
}

// Origin says where a task comes from. It is stored with the task.
type Origin struct {
	Request string // id of the request that made the task
	Trace   string // the span that made it, as a traceparent (https://www.w3.org/TR/trace-context/); empty if it was not traced
}

// OriginOf returns the origin of a task that is made in ctx.
func OriginOf(ctx context.Context) Origin {
	o := Origin{Request: RequestOf(ctx)}
	if s := trace.SpanContextFromContext(ctx); s.IsValid() {
		o.Trace = fmt.Sprintf("00-%s-%s-%s", s.TraceID(), s.SpanID(), s.TraceFlags()&trace.FlagsSampled)
	}
	return o
}
