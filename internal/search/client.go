package search

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"legwork/internal/retry"
)

// Bounds of one request to an engine.
const (
	defaultTimeout = 5 * time.Second
	maxAnswer      = 4 << 20 // bytes of a result page
	maxWait        = 5 * time.Second
)

// Client makes the requests to engines. Once configured, it is safe for concurrent use.
type Client struct {
	// HTTP makes the requests. Its transport decides which addresses may be opened.
	HTTP *http.Client
	// UserAgent is sent with every request.
	UserAgent string
	// Timeout is the time limit of one request with its redirects; 0 means 5 s.
	Timeout time.Duration
	// Turn waits until a request to u may be made. If the wait would be longer than most, Turn returns at once with the
	// length of the wait. If Turn is nil, requests are made without waiting.
	Turn func(ctx context.Context, u *url.URL, most time.Duration) (wait time.Duration, err error)
}

// failure is the reason why an engine did not answer. Its sentence is for the user. It contains no part of the request,
// so that keys and queries do not get into events and logs.
type failure struct {
	sentence string
	after    time.Duration // how long the engine asks to wait; 0 if it does not say
}

// Error implements error.
func (f *failure) Error() string { return f.sentence }

func failed(format string, args ...any) error {
	return &failure{sentence: fmt.Sprintf(format, args...)}
}

// answer is the response of an engine.
type answer struct {
	status int
	url    *url.URL // after redirects
	header http.Header
	body   []byte
}

// get requests a URL of the engine with the given name. The error is a *failure, the error of ctx, or that of Turn.
func (c *Client) get(ctx context.Context, name string, u *url.URL, header map[string]string) (answer, error) {
	if err := c.turn(ctx, name, u); err != nil {
		return answer{}, err
	}
	timed, cancel := context.WithTimeout(ctx, cmp.Or(c.Timeout, defaultTimeout))
	defer cancel()
	req, err := http.NewRequestWithContext(timed, http.MethodGet, u.String(), nil)
	if err != nil {
		return answer{}, failed("The address of %s is not valid.", name)
	}
	req.Header.Set("User-Agent", c.UserAgent)
	req.Header.Set("Accept-Language", "en,*;q=0.5")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return answer{}, unreachable(ctx, name, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return answer{}, unreachable(ctx, name, err)
	case len(body) > maxAnswer:
		return answer{}, failed("%s sent more than can be read.", name)
	}
	return answer{status: resp.StatusCode, url: resp.Request.URL, header: resp.Header, body: body}, nil
}

// turn waits until u may be requested. If the wait would be longer than maxWait, it returns a failure at once.
func (c *Client) turn(ctx context.Context, name string, u *url.URL) error {
	if c.Turn == nil {
		return ctx.Err()
	}
	wait, err := c.Turn(ctx, u, maxWait)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("wait for a turn at %s: %w", name, err)
	case wait > 0:
		return failed("%s was asked too often just now.", name)
	}
	return nil
}

// unreachable returns the failure of an engine that did not answer. The failure does not contain the URL, which is in
// the HTTP error.
func unreachable(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &dns):
		return failed("%s cannot be reached: its name does not resolve.", name)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return failed("%s did not answer in time.", name)
	}
	return failed("%s cannot be reached.", name)
}

// refusal returns the failure for a status other than 200.
func (a answer) refusal(name string) error {
	f := &failure{sentence: fmt.Sprintf("%s answered with status %d.", name, a.status)}
	switch a.status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		f.sentence = fmt.Sprintf("%s asks for fewer requests.", name)
		f.after, _ = retry.After(a.header, time.Now())
	case http.StatusForbidden, http.StatusUnauthorized:
		f.sentence = fmt.Sprintf("%s refuses to answer this server.", name)
	}
	return f
}

// blocked returns the failure of an engine that shows a CAPTCHA. legwork reports CAPTCHAs and never bypasses them.
func blocked(name string) error {
	return failed("%s shows a CAPTCHA instead of results.", name)
}

// changed returns the failure for a page that has neither results nor a message that there are none. The engine has
// probably changed the form of its result page.
func changed(name string) error {
	return failed("%s answered with a page that is no list of results.", name)
}
