package otlp

import (
	"context"
	"encoding/binary"
	"math/rand/v2"

	"go.opentelemetry.io/otel/trace"

	"legwork/internal/tracing"
)

// ids gives the span of a run the ids that follow from its task. All other spans get random ids.
type ids struct{}

// NewIDs implements sdktrace.IDGenerator.
func (ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if t, s, ok := tracing.IDsFor(ctx); ok {
		return t, s
	}
	var t trace.TraceID
	binary.NativeEndian.PutUint64(t[:8], random())
	binary.NativeEndian.PutUint64(t[8:], random())
	return t, spanID()
}

// NewSpanID implements sdktrace.IDGenerator.
func (ids) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	if _, s, ok := tracing.IDsFor(ctx); ok {
		return s
	}
	return spanID()
}

func spanID() (s trace.SpanID) {
	binary.NativeEndian.PutUint64(s[:], random())
	return s
}

// random returns a random number other than 0. An id must be unique, and is no secret.
func random() uint64 { return rand.Uint64N(1<<64-1) + 1 } //nolint:gosec // see above
