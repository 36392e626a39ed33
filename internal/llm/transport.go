package llm

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"legwork/internal/goroutine"
)

// Bounds of what a server may send.
const (
	maxBody      = 16 << 20
	maxErrorBody = 64 << 10
	maxLine      = 63 << 10 // greatest length of a line that is passed on to langchaingo, which stops without an error at lines of 64 KiB and more
	maxLongLine  = 2 << 20  // greatest length of a line that is cut into shorter ones; a longer line is an error
)

var (
	errSecondTry  = errors.New("a library tried to repeat a request")
	errTryTimeout = errors.New("the call took too long")
	errIdle       = errors.New("the model sent nothing for too long")
	errEnough     = errors.New("the caller wants no more of the reply")
	errNoStop     = errors.New("the reply has no stop reason")
	errCut        = errors.New("the stream ended before its end mark")
	errLongLine   = errors.New("a line of the stream is too long")
)

// exchange records the request and the response of one attempt, because langchaingo does not report them.
type exchange struct {
	mu     sync.Mutex
	sent   bool
	status int
	header http.Header
	body   []byte // the body of an error response
	asked  []byte // the body of the request
	stream error  // the error that ended a stream too early

	fixed     int           // length of the beginning of the system message that all tasks have in common
	streams   bool          // whether the reply is streamed; then its headers must arrive within maxIdle, too
	maxIdle   time.Duration // longest time without a byte; 0 means no limit
	idleTimer *time.Timer   // calls giveUp when maxIdle is over; nil until it is started
	giveUp    func()        // ends the attempt
}

// resetIdleTimer starts the idle time from zero.
func (x *exchange) resetIdleTimer() {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.maxIdle <= 0:
	case x.idleTimer == nil:
		x.idleTimer = goroutine.AfterDelay(context.Background(), x.maxIdle, x.giveUp)
	default:
		x.idleTimer.Reset(x.maxIdle)
	}
}

// shortenIdle lowers the idle time to at most limit.
func (x *exchange) shortenIdle(limit time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.maxIdle > limit {
		x.maxIdle = limit
		if x.idleTimer != nil {
			x.idleTimer.Reset(limit)
		}
	}
}

// stopIdleTimer stops the idle timer for good.
func (x *exchange) stopIdleTimer() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.maxIdle = 0
	if x.idleTimer != nil {
		x.idleTimer.Stop()
	}
}

// idleBody is a response body that resets the idle timer whenever bytes arrive.
type idleBody struct {
	io.ReadCloser
	x *exchange
}

// Read implements io.Reader.
func (b idleBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.x.resetIdleTimer()
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

// transport records the status, headers and errors of each exchange. It refuses a second request within one attempt. It
// also makes reads of a broken stream fail.
type transport struct {
	next     http.RoundTripper
	provider string
	key      string
	adapted  *adaptations
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
	asked, err := t.adapted.apply(req)
	if err != nil {
		return nil, err
	}
	if t.provider == Anthropic && asked != nil {
		asked = cacheable(asked, x.fixed)
		setBody(req, asked)
	}
	x.mu.Lock()
	x.asked = asked
	x.mu.Unlock()
	if x.streams {
		x.resetIdleTimer()
	}
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	x.resetIdleTimer()
	resp.Body = idleBody{resp.Body, x}
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
		resp.Body = t.checked(resp.Body, x)
	case x.streams && t.provider != Anthropic:
		whole := resp.Body
		body, err := io.ReadAll(io.LimitReader(whole, maxBody))
		_ = whole.Close()
		if err != nil {
			return nil, err
		}
		if events := streamOf(body); events != nil {
			body = events
		}
		resp.Body = t.checked(io.NopCloser(bytes.NewReader(body)), x)
	default:
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxBody), resp.Body}
	}
	return resp, nil
}

// checked returns the body of a stream, wrapped in a streamCheck.
func (t *transport) checked(body io.ReadCloser, x *exchange) io.ReadCloser {
	return &streamCheck{src: bufio.NewReaderSize(body, maxLine), body: body, x: x, provider: t.provider}
}

// authorise sets the key in the header that the provider requires. It replaces the placeholder that langchaingo sends
// for a server that needs no key.
func (t *transport) authorise(req *http.Request) {
	switch t.provider {
	case OpenAI, GoogleAI:
		req.Header.Del("Authorization")
		if t.key != "" {
			req.Header.Set("Authorization", "Bearer "+t.key)
		}
	case Anthropic:
		req.Header.Set("X-Api-Key", t.key)
		req.Header.Set("Anthropic-Version", "2023-06-01")
	}
}
