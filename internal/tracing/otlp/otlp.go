// Package otlp sends spans to a collector by OTLP over HTTP, as the standard variables OTEL_* say.
//
// Nothing is sent unless a variable asks for it: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or
// OTEL_TRACES_EXPORTER=otlp. Spans wait in memory and are sent in batches. If the collector does not answer, they are dropped. No work
// of legwork waits for it.
//
// The exporter of OpenTelemetry is not used, because it contains gRPC, which is larger than all of its other code. The SDK, the
// encoding and the messages are OpenTelemetry's.
package otlp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"legwork/internal/tracing"
)

// Process describes this process in all spans.
type Process struct {
	Version string
	Role    string // all, api, worker or ask
}

// stopTimeout bounds the last batch when the process ends.
const stopTimeout = 5 * time.Second

// Open returns a Tracer that sends spans as environ says, and a function that sends what is left. The Tracer is nil, and stop does nothing, if environ
// asks for no spans. The SDK itself reads those OTEL_* variables of the process that bound batches and spans, and that choose a sampler.
func Open(environ []string, p Process, log *slog.Logger) (tracer *tracing.Tracer, provider trace.TracerProvider, stop func(), err error) {
	cfg, err := read(environ)
	if err != nil || !cfg.on {
		return nil, nil, func() {}, err
	}
	client, err := newClient(cfg)
	if err != nil {
		return nil, nil, nil, err
	}
	exporter := otlptrace.NewUnstarted(client)
	// The SDK reports dropped spans and failed exports only here. The handler is global in OpenTelemetry; legwork has one Tracer a process.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("spans could not be sent", "error", err) }))
	sdk := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter, sdktrace.WithBatchTimeout(cfg.delay)),
		sdktrace.WithIDGenerator(ids{}),
		sdktrace.WithResource(describe(cfg, p)))
	log.Info("spans are sent", "to", cfg.shown())
	return tracing.New(sdk), sdk, func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		if err := sdk.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
			log.Warn("the last spans could not be sent", "error", err)
		}
	}, nil
}

// describe returns what OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say, and what this process is.
func describe(cfg config, p Process) *resource.Resource {
	attrs := []attribute.KeyValue{attribute.String("service.name", cfg.service), attribute.String("service.version", p.Version),
		attribute.String("service.instance.id", cfg.instance), attribute.String("legwork.role", p.Role)}
	for _, a := range cfg.resource {
		attrs = append(attrs, attribute.String(a.key, a.value))
	}
	return resource.NewSchemaless(attrs...)
}

// shown returns the endpoint without credentials.
func (c config) shown() string {
	return fmt.Sprintf("%s://%s%s", c.endpoint.Scheme, c.endpoint.Host, c.endpoint.Path)
}
