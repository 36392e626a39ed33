package otlp

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"legwork/internal/testsite"
	"legwork/internal/tracing"
)

func TestVariables(t *testing.T) {
	t.Parallel()
	const on = "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318"
	for name, tt := range map[string]struct {
		environ []string
		to      string // empty: off
		err     string
	}{
		"nothing":             {nil, "", ""},
		"other variables":     {[]string{"OTEL_SERVICE_NAME=x", "OTEL_TRACES_SAMPLER=always_on"}, "", ""},
		"an endpoint":         {[]string{on}, "http://c:4318/v1/traces", ""},
		"a base with a path":  {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=https://c/otel/"}, "https://c/otel/v1/traces", ""},
		"of traces":           {[]string{on, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://d/x"}, "http://d/x", ""},
		"the exporter alone":  {[]string{"OTEL_TRACES_EXPORTER=otlp"}, "http://localhost:4318/v1/traces", ""},
		"switched off":        {[]string{on, "OTEL_TRACES_EXPORTER=none"}, "", ""},
		"disabled":            {[]string{on, "OTEL_SDK_DISABLED=TRUE"}, "", ""},
		"another exporter":    {[]string{"OTEL_TRACES_EXPORTER=zipkin"}, "", "set otlp or none"},
		"gRPC":                {[]string{on, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, "", "http/protobuf only"},
		"no URL":              {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=c:4318"}, "", "must be an http or https URL"},
		"a wrong timeout":     {[]string{on, "OTEL_EXPORTER_OTLP_TIMEOUT=10s"}, "", "milliseconds"},
		"a wrong compression": {[]string{on, "OTEL_EXPORTER_OTLP_COMPRESSION=br"}, "", "gzip or none"},
		"wrong headers":       {[]string{on, "OTEL_EXPORTER_OTLP_HEADERS=secret"}, "", "key=value"},
		"a wrong delay":       {[]string{on, "OTEL_BSP_SCHEDULE_DELAY=soon"}, "", "milliseconds"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := read(tt.environ)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				require.NotContains(t, err.Error(), "secret")
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.to != "", c.on)
			if c.on {
				require.Equal(t, tt.to, c.endpoint.String())
			}
		})
	}
}

// TestSpansArrive sends spans to a collector that is busy at first, and checks what it gets.
func TestSpansArrive(t *testing.T) {
	t.Parallel()
	for _, compression := range []string{"none", "gzip"} {
		t.Run(compression, func(t *testing.T) {
			t.Parallel()
			collector := testsite.NewCollector(t)
			collector.Refuse(http.StatusServiceUnavailable, http.StatusTooManyRequests)
			tracer, _, stop, err := Open([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL, "OTEL_EXPORTER_OTLP_COMPRESSION=" + compression,
				"OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20x", "OTEL_RESOURCE_ATTRIBUTES=deployment=blue", "OTEL_BSP_SCHEDULE_DELAY=1"},
				Process{Version: "1.2", Role: "worker"}, slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			defer stop()
			ctx, run := tracer.Run(t.Context(), uuid.New(), 1, tracing.Origin{})
			_, step := tracing.Start(ctx, "execute_tool", "cite")
			step.Fail("tool")
			step.End()
			run.End()
			spans, err := collector.WaitFor(t.Context(), func(s []testsite.Span) bool { return len(s) == 2 })
			require.NoError(t, err)
			require.Equal(t, "execute_tool cite", spans[0].Name)
			require.True(t, spans[0].Failed)
			require.Equal(t, spans[1].ID, spans[0].Parent)
			require.Equal(t, spans[1].Trace, spans[0].Trace)
			require.Equal(t, "worker", spans[0].Role)
			require.Equal(t, "Bearer x", collector.Headers()[0].Get("Authorization"))
		})
	}
}

// TestNoCollector checks that work does not wait for a collector that does not answer, and that the log says so without a secret.
func TestNoCollector(t *testing.T) {
	t.Parallel()
	server := testsite.NewCollector(t)
	server.Refuse(http.StatusBadRequest)
	var log strings.Builder
	tracer, _, stop, err := Open([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + server.URL, "OTEL_EXPORTER_OTLP_HEADERS=authorization=secret"}, Process{}, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	_, run := tracer.Run(t.Context(), uuid.New(), 1, tracing.Origin{})
	run.End()
	stop()
	require.NotContains(t, log.String(), "secret")
}
