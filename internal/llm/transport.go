package llm

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Bounds of what a server may send.
const (
	maxBody      = 16 << 20
	maxErrorBody = 64 << 10
	maxLine      = 63 << 10 // of a stream: langchaingo fails silently on lines from 64 KiB
)

var (
	errSecondTry  = errors.New("a library tried to repeat a request")
	errTryTimeout = errors.New("the call took too long")
	errIdle       = errors.New("the model sent nothing for too long")
	errNoStop     = errors.New("the reply has no stop reason")
	errCut        = errors.New("the stream ended before its end mark")
	errLongLine   = errors.New("a line of the stream is too long")
)

// exchange is what really went over the wire in one try, which langchaingo does not tell.
type exchange struct {
	mu     sync.Mutex
	sent   bool
	status int
	header http.Header
	body   []byte // of an error
	stream error  // what ended a stream before its time

	streams bool        // the reply comes piece by piece, so its head must come soon too
	idle    *time.Timer // ends the try; nil until it is armed
	quiet   time.Duration
	giveUp  func()
}

// heard starts the wait for the next byte anew.
func (x *exchange) heard() {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.quiet <= 0:
	case x.idle == nil:
		x.idle = time.AfterFunc(x.quiet, x.giveUp)
	default:
		x.idle.Reset(x.quiet)
	}
}

// rest ends the waiting.
func (x *exchange) rest() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.quiet = 0
	if x.idle != nil {
		x.idle.Stop()
	}
}

// attentive tells an exchange of every piece of a body.
type attentive struct {
	io.ReadCloser
	x *exchange
}

// Read implements io.Reader.
func (a attentive) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	if n > 0 {
		a.x.heard()
	}
	return n, err
}

func (x *exchange) failed() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.stream
}

func (x *exchange) fail(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.stream == nil {
		x.stream = err
	}
}

type exchangeKey struct{}

func withExchange(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// transport notes status, headers and errors of each exchange, lets nobody repeat a request behind our back, and turns
// streams that end badly into read errors.
type transport struct {
	next     http.RoundTripper
	provider string
	key      string
	base     *url.URL
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	x, _ := req.Context().Value(exchangeKey{}).(*exchange)
	if x == nil {
		x = &exchange{}
	}
	x.mu.Lock()
	again := x.sent
	x.sent = true
	x.mu.Unlock()
	if again {
		return nil, errSecondTry
	}
	req = req.Clone(req.Context())
	t.authorise(req)
	if x.streams {
		x.heard()
	}
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	x.heard()
	resp.Body = attentive{resp.Body, x}
	x.mu.Lock()
	x.status, x.header = resp.StatusCode, resp.Header
	x.mu.Unlock()
	switch {
	case resp.StatusCode != http.StatusOK:
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		_ = resp.Body.Close()
		x.mu.Lock()
		x.body = body
		x.mu.Unlock()
		resp.Body = io.NopCloser(bytes.NewReader(body))
	case strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream"):
		resp.Body = &guard{src: bufio.NewReaderSize(resp.Body, maxLine), body: resp.Body, x: x, provider: t.provider}
	default:
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxBody), resp.Body}
	}
	return resp, nil
}

// authorise sets the key as the provider wants it. langchaingo insists on a key where a server needs none, and its Google
// client loses the key, and knows no other server, once it is given an HTTP client.
func (t *transport) authorise(req *http.Request) {
	switch t.provider {
	case OpenAI:
		req.Header.Del("Authorization")
		if t.key != "" {
			req.Header.Set("Authorization", "Bearer "+t.key)
		}
	case Anthropic:
		req.Header.Set("X-Api-Key", t.key)
		req.Header.Set("Anthropic-Version", "2023-06-01")
	case GoogleAI:
		req.Header.Set("X-Goog-Api-Key", t.key)
		q := req.URL.Query()
		q.Del("key") // a key in a URL ends up in logs
		req.URL.RawQuery = q.Encode()
		req.URL.Scheme, req.URL.Host, req.Host = t.base.Scheme, t.base.Host, t.base.Host
		if !strings.HasPrefix(req.URL.Path, t.base.Path+"/") {
			req.URL.Path = t.base.Path + req.URL.Path
		}
	}
}

// guard passes the lines of an event stream on, and fails where langchaingo would call it a success: on an error event,
// on an end without an end mark, on a line that its scanner would drop.
type guard struct {
	src      *bufio.Reader
	body     io.Closer
	x        *exchange
	provider string
	line     []byte
	ended    bool
	err      error
}

// Read implements io.Reader.
func (g *guard) Read(p []byte) (int, error) {
	for len(g.line) == 0 {
		if g.err != nil {
			return 0, g.err
		}
		g.next()
	}
	n := copy(p, g.line)
	g.line = g.line[n:]
	return n, nil
}

func (g *guard) next() {
	line, err := g.src.ReadSlice('\n')
	data, isData := strings.CutPrefix(string(bytes.TrimSpace(line)), "data:")
	data = strings.TrimSpace(data)
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		err, line = errLongLine, nil
	case isData && isStreamError(data):
		err, line = &streamError{data: data}, nil
	case isData && (data == "[DONE]" || g.provider == Anthropic && strings.Contains(data, `"message_stop"`)):
		g.ended = true
	case g.provider == GoogleAI:
		g.ended = true // its client notices by itself
	}
	g.line = line
	if errors.Is(err, io.EOF) && !g.ended {
		err = errCut
	}
	if err != nil {
		g.err = err
		if !errors.Is(err, io.EOF) {
			g.x.fail(err)
		}
	}
}

// Close implements io.Closer.
func (g *guard) Close() error { return g.body.Close() }

// streamError is an error that a provider sent inside a stream.
type streamError struct{ data string }

// Error implements error.
func (e *streamError) Error() string { return "error inside the stream: " + e.data }

func isStreamError(data string) bool {
	var v struct {
		Type  string          `json:"type"`
		Error json.RawMessage `json:"error"`
	}
	return strings.Contains(data, `"error"`) && json.Unmarshal([]byte(data), &v) == nil &&
		(v.Type == "error" || len(v.Error) > 0 && string(v.Error) != "null")
}
