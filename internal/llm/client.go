package llm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/semaphore"

	"legwork/internal/metrics"
	"legwork/internal/retry"
)

// The providers.
const (
	OpenAI    = "openai"    // OpenAI, and every server with the same protocol
	Anthropic = "anthropic" // the Messages API
	GoogleAI  = "googleai"  // the Gemini API, through its endpoint for OpenAI's protocol
)

// For each provider, the base URL of its own API, and the model that is used if none is named.
var providers = map[string]struct{ base, model string }{
	OpenAI:    {"https://api.openai.com/v1", "gpt-4.1-mini"},
	Anthropic: {"https://api.anthropic.com/v1", "claude-sonnet-4-5"},
	GoogleAI:  {"https://generativelanguage.googleapis.com/v1beta/openai", "gemini-2.5-flash"},
}

// Config configures a Client.
type Config struct {
	Provider   string
	BaseURL    string            // base URL of the API; empty means the provider's own
	Key        string            // may be empty for a server of your own
	Model      string            // empty means the provider's default, or the first model that the server at BaseURL lists
	Window     int               // tokens that the model takes, input and output together; 0 means those of a table, or unknown
	Timeout    time.Duration     // time limit of one attempt; 0 means 3 minutes
	Idle       time.Duration     // longest time without a byte: of a stream after the request, of other replies after their headers; 0 means 1 minute
	Stall      time.Duration     // longest time without a byte after the first piece of a streamed text, if less than Idle; 0 means 20 s
	Concurrent int               // greatest number of calls at the same time; 0 means 4
	Tries      int               // greatest number of attempts at one call; 0 means 5
	Backoff    time.Duration     // pause before the second attempt, doubled for each further one; 0 means 1 s
	Metrics    *metrics.Metrics  // nil means none
	Log        *slog.Logger      // nil means no log
	Transport  http.RoundTripper // nil means a copy of http.DefaultTransport
}

// Bounds of a call.
const (
	defaultTokens = 4096
	maxWait       = time.Minute // if a call has no deadline and the provider asks for a longer wait (Retry-After), the call fails
	maxBackoff    = 30 * time.Second
)

// Client calls one model of one provider. It is safe for concurrent use.
type Client struct {
	cfg    Config
	http   *http.Client
	slots  *semaphore.Weighted
	adapt  adaptations
	learnt atomic.Int64 // the window that an error named; 0 if none did
	send   sender
}

// sender makes one call through langchaingo. A nil error does not always mean success: langchaingo overlooks some
// errors. The transport detects these.
type sender interface {
	send(ctx context.Context, r Request) (Reply, error)
}

// Open returns a client. If Model is empty and BaseURL is not, it requests the list of models of a server with OpenAI's
// protocol. Otherwise it sends nothing.
func Open(ctx context.Context, cfg Config) (*Client, error) {
	own, ok := providers[cfg.Provider]
	if !ok {
		return nil, fmt.Errorf("there is no provider %q", cfg.Provider)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Timeout = cmp.Or(cfg.Timeout, 3*time.Minute)
	cfg.Idle = cmp.Or(cfg.Idle, time.Minute)
	cfg.Stall = min(cmp.Or(cfg.Stall, 20*time.Second), cfg.Idle)
	cfg.Concurrent = cmp.Or(cfg.Concurrent, 4)
	cfg.Tries = cmp.Or(cfg.Tries, 5)
	cfg.Backoff = cmp.Or(cfg.Backoff, time.Second)
	if cfg.Transport == nil {
		cfg.Transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	ownServer := cfg.BaseURL != ""
	if !ownServer {
		cfg.BaseURL = own.base
	}
	cfg.BaseURL = strings.TrimRight(cfg.BaseURL, "/")
	if cfg.Provider == GoogleAI {
		cfg.BaseURL = googleBase(cfg.BaseURL)
	}
	if _, err := url.Parse(cfg.BaseURL); err != nil {
		return nil, fmt.Errorf("base URL of the model's API: %w", err)
	}
	c := &Client{cfg: cfg, slots: semaphore.NewWeighted(int64(cfg.Concurrent))}
	c.http = &http.Client{Transport: &transport{next: cfg.Transport, provider: cfg.Provider, key: cfg.Key, adapted: &c.adapt}}
	var err error
	if c.cfg.Model == "" {
		c.cfg.Model = own.model
		if ownServer && cfg.Provider == OpenAI {
			if c.cfg.Model, err = c.firstModel(ctx); err != nil {
				return nil, err
			}
		}
	}
	switch cfg.Provider {
	case OpenAI:
		c.send, err = newOpenAI(c.cfg, c.http, ownServer)
	case Anthropic:
		c.send, err = newAnthropic(c.cfg, c.http)
	case GoogleAI:
		c.send, err = newGoogleAI(c.cfg, c.http)
	}
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", cfg.Provider, err)
	}
	return c, nil
}

// Provider implements Model.
func (c *Client) Provider() string { return c.cfg.Provider }

// Name implements Model.
func (c *Client) Name() string { return c.cfg.Model }

// Close releases idle connections. Calls that are running continue. It never fails.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// Generate implements Model. If a server refuses a field of the request by name, Generate repeats the call at once
// without the field or with the field's other name, and sends all later calls in this form. After a transient failure it
// waits and then repeats the call. If the provider says how long to wait, the wait is that time plus up to a tenth of
// it. Otherwise the wait is a random time between half a bound and the bound, and the bound doubles with each attempt.
func (c *Client) Generate(ctx context.Context, r Request) (Reply, error) {
	if r.MaxTokens <= 0 {
		r.MaxTokens = defaultTokens
	}
	pauses := retry.NewPauses(c.cfg.Backoff, maxBackoff)
	for try := 1; ; try++ {
		reply, err := c.once(ctx, r)
		var problem *Error
		if err == nil || !errors.As(err, &problem) {
			return reply, err
		}
		c.cfg.Log.WarnContext(ctx, "a call of the language model failed", "provider", c.cfg.Provider, "model", c.cfg.Model,
			"try", try, "kind", problem.Kind, "status", problem.Status, "error", problem.Cause)
		if problem.adapted {
			try--
			continue
		}
		if problem.Kind == TooLong {
			c.learnWindow(problem.said, r)
		}
		_, limited := ctx.Deadline()
		if !problem.Transient() || try >= c.cfg.Tries || problem.RetryAfter > maxWait && !limited {
			return Reply{}, problem
		}
		wait := pauses.Next()
		if asked := problem.RetryAfter; asked > 0 {
			wait = asked + rand.N(asked/10+1)
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
			return Reply{}, problem
		}
		if r.OnRetry != nil {
			if err := r.OnRetry(ctx, Retry{Try: try, Wait: wait, Problem: problem}); err != nil {
				return Reply{}, err
			}
		}
		if err := retry.Wait(ctx, wait); err != nil {
			return Reply{}, err
		}
		if r.Ready != nil {
			if err := r.Ready(ctx); err != nil {
				return Reply{}, err
			}
		}
	}
}

// once waits until fewer than Concurrent calls are running, and makes one attempt. The time limit of the attempt does
// not include this wait.
func (c *Client) once(ctx context.Context, r Request) (Reply, error) {
	if err := c.slots.Acquire(ctx, 1); err != nil {
		return Reply{}, context.Cause(ctx)
	}
	defer c.slots.Release(1)
	ctx, done := c.observe(ctx, r)
	reply, err := c.attempt(ctx, r)
	done(reply, err)
	return reply, err
}

// attempt makes one attempt.
func (c *Client) attempt(ctx context.Context, r Request) (Reply, error) {
	if len(r.Tools) > 0 {
		r.OnText = nil
	}
	watched, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	x := exchange{streams: r.OnText != nil, maxIdle: c.cfg.Idle, giveUp: func() { giveUp(errIdle) }}
	if len(r.Messages) > 0 && r.Messages[0].Role == System {
		x.fixed = r.Messages[0].Fixed
	}
	defer x.stopIdleTimer()
	var streamed streamedText
	if r.OnText != nil {
		r.OnText = streamed.watch(r, func() { x.shortenIdle(c.cfg.Stall) }, func() { giveUp(errEnough) })
	}
	try, cancel := context.WithTimeoutCause(withExchange(watched, &x), c.cfg.Timeout, errTryTimeout)
	defer cancel()
	reply, err := c.send.send(try, r)
	text, enough := streamed.ended()
	switch {
	case ctx.Err() != nil:
		return Reply{}, context.Cause(ctx)
	case enough:
		reply = Reply{Text: text, Stop: StopEnough}
	case try.Err() != nil, err != nil, x.failed() != nil:
		return Reply{}, c.problem(try, &x, err)
	case reply.Stop == "":
		return Reply{}, c.problem(try, &x, errNoStop)
	}
	clean(&reply)
	if reply.Usage.Input+reply.Usage.Output == 0 {
		reply.Usage = estimate(r, reply)
	}
	return reply, nil
}

// streamedText is the text of a reply as it arrives.
type streamedText struct {
	mu     sync.Mutex // pieces may arrive in a goroutine of the library
	text   strings.Builder
	enough bool // the caller wants no more of it
}

// watch returns a function for Request.OnText that calls the one of r. It calls begun at the first piece, and end when
// r.Enough says so. Pieces after that are dropped.
func (s *streamedText) watch(r Request, begun, end func()) func(piece string) {
	return func(piece string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.enough {
			return
		}
		if s.text.Len() == 0 {
			begun()
		}
		s.text.WriteString(piece)
		r.OnText(piece)
		if r.Enough != nil && r.Enough(s.text.String()) {
			s.enough = true
			end()
		}
	}
}

// ended returns the text so far if the caller wants no more of it.
func (s *streamedText) ended() (text string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String(), s.enough
}

// clean removes NUL and invalid UTF-8 from a reply, because PostgreSQL cannot store them. It also corrects the stop
// reason of a reply with tool calls.
func clean(r *Reply) {
	r.Text = storable(r.Text)
	for i := range r.Calls {
		call := &r.Calls[i]
		call.ID, call.Name, call.Arguments = storable(call.ID), storable(call.Name), storable(call.Arguments)
	}
	if len(r.Calls) > 0 && r.Stop == StopEnd {
		r.Stop = StopCalls // some servers send the stop reason "stop" with tool calls
	}
}

func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// estimate estimates the numbers of tokens of a call, for providers that do not report them. It assumes four characters
// per token.
func estimate(r Request, reply Reply) Usage {
	in, out := 0, utf8.RuneCountInString(reply.Text)
	for _, m := range r.Messages {
		in += utf8.RuneCountInString(m.Text)
		for _, call := range m.Calls {
			in += len(call.Arguments)
		}
	}
	for _, call := range reply.Calls {
		out += len(call.Arguments)
	}
	return Usage{Input: int64(in/4 + 1), Output: int64(out/4 + 1), Estimated: true}
}
