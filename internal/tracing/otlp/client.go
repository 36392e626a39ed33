package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// client sends batches of spans. It implements otlptrace.Client by the specification of OTLP over HTTP
// (https://opentelemetry.io/docs/specs/otlp/#otlphttp).
type client struct {
	cfg  config
	http *http.Client
}

// Bounds of sending.
const (
	tries       = 4
	firstPause  = 500 * time.Millisecond
	longestWait = 10 * time.Second // of one pause; the SDK gives up on a batch after OTEL_BSP_EXPORT_TIMEOUT
	maxAnswer   = 64 << 10
)

func newClient(cfg config) (*client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.ca != "" {
		pem, err := os.ReadFile(cfg.ca)
		if err != nil {
			return nil, fmt.Errorf("%sCERTIFICATE: %w", prefix, err)
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%sCERTIFICATE=%s has no certificate in PEM", prefix, cfg.ca)
		}
	}
	if cfg.cert != "" || cfg.key != "" {
		pair, err := tls.LoadX509KeyPair(cfg.cert, cfg.key)
		if err != nil {
			return nil, fmt.Errorf("%sCLIENT_CERTIFICATE and %sCLIENT_KEY: %w", prefix, prefix, err)
		}
		transport.TLSClientConfig.Certificates = []tls.Certificate{pair}
	}
	return &client{cfg: cfg, http: &http.Client{Transport: transport, Timeout: cfg.timeout}}, nil
}

// Start implements otlptrace.Client.
func (c *client) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client.
func (c *client) Stop(context.Context) error {
	c.http.CloseIdleConnections()
	return nil
}

// UploadTraces implements otlptrace.Client. A batch that the collector is too busy for is sent again.
func (c *client) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// The message ExportTraceServiceRequest of the collector has the same bytes. Its package contains gRPC.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return fmt.Errorf("encode spans: %w", err)
	}
	if c.cfg.gzip {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write(body); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		body = b.Bytes()
	}
	pause := firstPause
	for try := 1; ; try++ {
		again, wait, err := c.post(ctx, body)
		if err == nil || !again || try == tries {
			return err
		}
		timer := time.NewTimer(min(max(wait, pause), longestWait))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return errors.Join(err, context.Cause(ctx))
		}
		pause *= 2
	}
}

// post sends a batch once. again means that another try may succeed, after the wait that the collector asks for.
func (c *client) post(ctx context.Context, body []byte) (again bool, wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.endpoint.String(), bytes.NewReader(body))
	if err != nil {
		return false, 0, err
	}
	req.Header = c.cfg.headers.Clone()
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("User-Agent", "legwork-otlp")
	if c.cfg.gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return ctx.Err() == nil, 0, fmt.Errorf("the collector does not answer; check %s: %w", endpointName, err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer))
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		again = true
	}
	if res.StatusCode/100 != 2 {
		if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
			wait = time.Duration(min(s, 3600)) * time.Second
		}
		return again, wait, fmt.Errorf("the collector answers %s", res.Status)
	}
	return false, 0, nil
}
