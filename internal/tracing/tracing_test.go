package tracing_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"legwork/internal/tracing"
)

// ids is the generator of a process that asks tracing.IDsFor.
type ids struct{ next byte }

func (g *ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if t, s, ok := tracing.IDsFor(ctx); ok {
		return t, s
	}
	g.next++
	return trace.TraceID{g.next}, trace.SpanID{g.next}
}

func (g *ids) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	_, s := g.NewIDs(ctx)
	return s
}

// process returns a Tracer as each process has one, and what it has recorded.
func process() (*tracing.Tracer, *tracetest.SpanRecorder) {
	spans := tracetest.NewSpanRecorder()
	return tracing.New(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans), sdktrace.WithIDGenerator(&ids{}))), spans
}

// TestOneTrace checks that the request that makes a task, and all its runs in any process, are one trace, and that a run links to the one before it.
func TestOneTrace(t *testing.T) {
	t.Parallel()
	task := uuid.New()
	api, requests := process()
	ctx, request := api.Request(tracing.WithRequest(t.Context(), "r1"), "POST /api/tasks", "")
	from := tracing.OriginOf(ctx)
	request.End()
	require.Equal(t, "r1", from.Request)
	require.Len(t, from.Trace, 55, "the database has room for so much")
	traceID := requests.Ended()[0].SpanContext().TraceID()

	first, one := process()
	ctx, run := first.Run(t.Context(), task, 1, from)
	_, step := tracing.Start(ctx, "execute_tool", "cite")
	step.End()
	run.End()
	second, two := process()
	_, again := second.Run(t.Context(), task, 2, from)
	again.End()

	spans := append(one.Ended(), two.Ended()...)
	require.Len(t, spans, 3)
	for _, s := range spans {
		require.Equal(t, traceID, s.SpanContext().TraceID(), s.Name())
	}
	require.Equal(t, "execute_tool cite", spans[0].Name())
	require.Equal(t, spans[1].SpanContext().SpanID(), spans[0].Parent().SpanID())
	require.Equal(t, requests.Ended()[0].SpanContext().SpanID(), spans[1].Parent().SpanID())
	require.NotEqual(t, spans[1].SpanContext().SpanID(), spans[2].SpanContext().SpanID())
	require.Len(t, spans[2].Links(), 1)
	require.Equal(t, spans[1].SpanContext().SpanID(), spans[2].Links()[0].SpanContext.SpanID(), "the id of the span of a run follows from the task")
}

// TestTaskWithoutTracedRequest checks that the runs of a task are one trace although the API did not trace its submission.
func TestTaskWithoutTracedRequest(t *testing.T) {
	t.Parallel()
	task := uuid.New()
	var traces []trace.TraceID
	for run := range 3 {
		p, spans := process()
		_, s := p.Run(t.Context(), task, run+1, tracing.Origin{})
		s.End()
		traces = append(traces, spans.Ended()[0].SpanContext().TraceID())
	}
	require.Equal(t, traces[0], traces[1])
	require.Equal(t, traces[0], traces[2])
	p, spans := process()
	_, s := p.Run(t.Context(), uuid.New(), 1, tracing.Origin{})
	s.End()
	require.NotEqual(t, traces[0], spans.Ended()[0].SpanContext().TraceID())
}

// TestParents checks which headers of clients are continued.
func TestParents(t *testing.T) {
	t.Parallel()
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for parent, continued := range map[string]bool{
		"00-" + id + "-00f067aa0ba902b7-01":                       true,
		"01-" + id + "-00f067aa0ba902b7-01":                       true, // a later version may have more
		"01-" + id + "-00f067aa0ba902b7-01-later":                 true,
		"00-" + id + "-00f067aa0ba902b7-01-x":                     false,
		"ff-" + id + "-00f067aa0ba902b7-01":                       false,
		"00-" + strings.ToUpper(id) + "-00f067aa0ba902b7-01":      false,
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01": false,
		"00-" + id + "-0000000000000000-01":                       false,
		"00-" + id + "-00f067aa0ba902b7":                          false,
		"00-" + id + "-00f067aa0ba902b7-zz":                       false,
		"00":                                                      false,
		strings.Repeat("-", 9000):                                 false,
	} {
		p, spans := process()
		_, s := p.Request(t.Context(), "HTTP", parent)
		s.End()
		require.Equal(t, continued, spans.Ended()[0].SpanContext().TraceID().String() == id, parent)
	}
}

func FuzzRequest(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Add("00-")
	p, _ := process()
	f.Fuzz(func(t *testing.T, parent string) {
		ctx, s := p.Request(t.Context(), "HTTP", parent)
		s.End()
		if from := tracing.OriginOf(ctx); len(from.Trace) != 55 {
			t.Errorf("%q became %q", parent, from.Trace)
		}
	})
}

// TestOff checks that without a Tracer nothing is done.
func TestOff(t *testing.T) {
	t.Parallel()
	var none *tracing.Tracer
	ctx, s := none.Request(t.Context(), "HTTP", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	require.False(t, s.On())
	ctx, s = none.Run(ctx, uuid.New(), 1, tracing.Origin{})
	require.False(t, s.On())
	under, s := tracing.Start(ctx, "execute_tool", "cite")
	require.False(t, s.On())
	require.Equal(t, ctx, under)
	s.Fail("x")
	s.Link("x", tracing.Origin{})
	s.End()
	require.Empty(t, tracing.OriginOf(ctx))
}

// TestOffAllocatesNothing does not run in parallel, because it counts allocations.
func TestOffAllocatesNothing(t *testing.T) {
	ctx := t.Context()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_, s := tracing.Start(ctx, "execute_tool", "cite")
		if s.On() {
			t.Error("on")
		}
		s.End()
	}))
}

// BenchmarkSpan compares a span that is recorded with one that is off. bench has no reference for it: off must be near nothing.
func BenchmarkSpan(b *testing.B) {
	b.Run("off", func(b *testing.B) {
		b.ReportAllocs()
		ctx := tracing.WithRun(context.Background(), uuid.New(), 1, tracing.Origin{})
		for b.Loop() {
			_, s := tracing.Start(ctx, "execute_tool", "cite")
			s.End()
		}
	})
	b.Run("on", func(b *testing.B) {
		b.ReportAllocs()
		p := tracing.New(sdktrace.NewTracerProvider(sdktrace.WithIDGenerator(&ids{})))
		ctx, root := p.Run(context.Background(), uuid.New(), 1, tracing.Origin{})
		defer root.End()
		for b.Loop() {
			_, s := tracing.Start(ctx, "execute_tool", "cite")
			s.End()
		}
	})
}
