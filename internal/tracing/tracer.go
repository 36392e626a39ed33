package tracing

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// Tracer begins the roots of spans: of requests and of runs. A nil Tracer begins none.
type Tracer struct {
	provider trace.TracerProvider
}

// New returns a Tracer on a provider whose IDGenerator asks [IDsFor].
func New(provider trace.TracerProvider) *Tracer { return &Tracer{provider: provider} }

// Request begins the span of a request. parent is its header traceparent, which may be empty or invalid.
func (t *Tracer) Request(ctx context.Context, name, parent string) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	if s := parse(parent); s.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, s)
	}
	ctx, span := t.provider.Tracer(scope).Start(ctx, name, trace.WithSpanKind(trace.SpanKindServer))
	return recorded(ctx, span)
}

// Run begins the span of a run. It belongs to the trace of the task's origin. If that was not traced, the id of the trace follows from the
// task, so that all runs are in one trace all the same. A later run links to the one before it.
func (t *Tracer) Run(ctx context.Context, task uuid.UUID, run int, from Origin) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	own := wantedIDs{span: runSpanID(task, run)}
	opts := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindConsumer)}
	parent := parse(from.Trace)
	if parent.IsValid() {
		own.trace = parent.TraceID()
		ctx = trace.ContextWithRemoteSpanContext(ctx, parent)
	} else {
		own.trace = taskTraceID(task)
		opts = append(opts, trace.WithNewRoot())
	}
	if run > 1 {
		before := trace.NewSpanContext(trace.SpanContextConfig{TraceID: own.trace, SpanID: runSpanID(task, run-1), TraceFlags: trace.FlagsSampled, Remote: true})
		opts = append(opts, trace.WithLinks(trace.Link{SpanContext: before, Attributes: []attribute.KeyValue{attribute.String(LinkKind, LinkRunBefore)}}))
	}
	ctx, span := t.provider.Tracer(scope).Start(context.WithValue(ctx, wantedKey{}, own), "run", opts...)
	return recorded(context.WithValue(ctx, wantedKey{}, wantedIDs{}), span)
}

func recorded(ctx context.Context, span trace.Span) (context.Context, Span) {
	if !span.IsRecording() { // the sampler has decided so; the context still has the ids
		return ctx, Span{}
	}
	return ctx, Span{span}
}

// Link adds a link to the task that this one was made from: the task that is asked again, or followed up.
func (s Span) Link(kind string, other Origin) {
	if c := parse(other.Trace); s.span != nil && c.IsValid() {
		s.span.AddLink(trace.Link{SpanContext: c, Attributes: []attribute.KeyValue{attribute.String(LinkKind, kind)}})
	}
}

// Present returns the span that ctx has.
func Present(ctx context.Context) Span {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		return Span{span}
	}
	return Span{}
}

// wantedIDs are the ids that the next span of a context must have. The zero value means that any will do.
type wantedIDs struct {
	trace trace.TraceID
	span  trace.SpanID
}

type wantedKey struct{}

// IDsFor returns the ids that the next span of ctx must have, if it must have certain ones. The trace is used for a root only.
func IDsFor(ctx context.Context) (trace.TraceID, trace.SpanID, bool) {
	wanted, _ := ctx.Value(wantedKey{}).(wantedIDs)
	return wanted.trace, wanted.span, wanted.span.IsValid()
}

// runSpanID returns the id of the span of a run.
func runSpanID(task uuid.UUID, run int) trace.SpanID {
	sum := sha256.Sum256(binary.BigEndian.AppendUint32(task[:], uint32(run))) //nolint:gosec // epochs are small and positive
	return trace.SpanID(sum[:8])
}

// taskTraceID returns the id of the trace of a task whose submission was not traced. The UUID itself would not do: samplers take the last
// bytes of the id for random.
func taskTraceID(task uuid.UUID) trace.TraceID {
	sum := sha256.Sum256(task[:])
	return trace.TraceID(sum[:16])
}

// parse reads a traceparent. It returns an invalid SpanContext for anything else.
func parse(parent string) trace.SpanContext {
	parts := strings.Split(parent, "-")
	if len(parts) < 4 || len(parts[0]) != 2 || parts[0] == "ff" || parts[0] == "00" && len(parts) != 4 || len(parts[3]) != 2 {
		return trace.SpanContext{}
	}
	flags, err := hex.DecodeString(parts[3])
	if err != nil {
		return trace.SpanContext{}
	}
	traceID, err1 := trace.TraceIDFromHex(parts[1])
	spanID, err2 := trace.SpanIDFromHex(parts[2])
	if err1 != nil || err2 != nil {
		return trace.SpanContext{}
	}
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID, SpanID: spanID, TraceFlags: trace.TraceFlags(flags[0]) & trace.FlagsSampled, Remote: true})
}
