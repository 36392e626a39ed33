package testsite

import (
	"compress/gzip"
	"context"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is a span that a Collector got.
type Span struct {
	Name, Trace, ID, Parent string // ids in hexadecimal
	Kind                    tracepb.Span_SpanKind
	Failed                  bool
	Instance                string // service.instance.id: the process that sent it
	Role                    string // legwork.role
	Attributes              map[string]any
	Links                   []string // ids of the spans that it links to
}

// Collector is an OpenTelemetry collector: it takes spans by OTLP over HTTP.
type Collector struct {
	URL string // its base, for OTEL_EXPORTER_OTLP_ENDPOINT

	mu      sync.Mutex
	arrived *sync.Cond
	spans   []Span
	headers []http.Header
	refuse  []int // status codes of the next answers
}

// NewCollector starts a collector, which is stopped at the end of the test.
func NewCollector(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{}
	c.arrived = sync.NewCond(&c.mu)
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	c.URL = s.URL
	return c
}

// Refuse makes the collector answer the next requests with these status codes.
func (c *Collector) Refuse(status ...int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuse = append(c.refuse, status...)
}

// ServeHTTP implements http.Handler.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers = append(c.headers, r.Header.Clone())
	if len(c.refuse) > 0 {
		w.WriteHeader(c.refuse[0])
		c.refuse = c.refuse[1:]
		return
	}
	if r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		http.Error(w, "not a request of OTLP for traces", http.StatusNotFound)
		return
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = z
	}
	raw, err := io.ReadAll(body)
	var data tracepb.TracesData
	if err == nil {
		err = proto.Unmarshal(raw, &data)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, rs := range data.GetResourceSpans() {
		of := attributes(rs.GetResource().GetAttributes())
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				span := Span{Name: s.GetName(), Trace: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()), Parent: hex.EncodeToString(s.GetParentSpanId()),
					Kind: s.GetKind(), Failed: s.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR, Attributes: attributes(s.GetAttributes())}
				span.Instance, _ = of["service.instance.id"].(string)
				span.Role, _ = of["legwork.role"].(string)
				for _, l := range s.GetLinks() {
					span.Links = append(span.Links, hex.EncodeToString(l.GetSpanId()))
				}
				c.spans = append(c.spans, span)
			}
		}
	}
	c.arrived.Broadcast()
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func attributes(all []*commonpb.KeyValue) map[string]any {
	out := map[string]any{}
	for _, kv := range all {
		switch v := kv.GetValue().GetValue().(type) {
		case *commonpb.AnyValue_StringValue:
			out[kv.GetKey()] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			out[kv.GetKey()] = v.IntValue
		case *commonpb.AnyValue_BoolValue:
			out[kv.GetKey()] = v.BoolValue
		default:
			out[kv.GetKey()] = kv.GetValue().String()
		}
	}
	return out
}

// Spans returns the spans so far.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span(nil), c.spans...)
}

// Headers returns the headers of all requests.
func (c *Collector) Headers() []http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]http.Header(nil), c.headers...)
}

// WaitFor waits until ok holds for the spans so far, and returns them. It returns the error of ctx if that ends first.
func (c *Collector) WaitFor(ctx context.Context, ok func([]Span) bool) ([]Span, error) {
	defer context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.arrived.Broadcast()
	})()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !ok(c.spans) {
		if ctx.Err() != nil {
			return append([]Span(nil), c.spans...), ctx.Err()
		}
		c.arrived.Wait()
	}
	return append([]Span(nil), c.spans...), nil
}
