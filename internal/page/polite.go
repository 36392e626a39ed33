package page

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"legwork/internal/research"
	"legwork/internal/retry"
)

// Gate reserves times for requests to a domain, so that pauses, windows and backoff hold across processes. A domain is a registrable
// domain, with the port if the URL has one.
type Gate interface {
	// Reserve reserves the next free time for domain and returns how long it is until then. It does not wait.
	Reserve(ctx context.Context, domain string, p Spacing) (time.Duration, error)
	// Backoff stops all requests to domain for at least d, after an answer 429 or 503. If Settle is not called in between, each further call
	// stops them for longer.
	Backoff(ctx context.Context, domain string, d time.Duration) error
	// Quiet returns for how long no process may request domain, not even one that has already reserved a time.
	Quiet(ctx context.Context, domain string) (time.Duration, error)
	// Settle resets the growth of Backoff after a normal answer from domain.
	Settle(ctx context.Context, domain string) error
}

// Spacing describes the pauses between requests to one domain.
type Spacing struct {
	Min, Max time.Duration // the delay between two requests is a random time in this range
	Requests int           // greatest number of requests per Window; 0 means no limit
	Window   time.Duration
	MaxWait  time.Duration // a time further away than this is returned but not reserved; 0 means no limit
}

// A request reaches the site a little after its reserved time, and this delay varies. Even so, the site must never get too many requests in
// one window. So windows are made longer by a leeway. A request that is not sent within half of the leeway must reserve a new time.
const (
	maxLeeway   = 2 * time.Second
	leewayShare = 8 // leeway is at most one eighth of the window
)

func (s Spacing) leeway() time.Duration {
	if s.Window <= 0 {
		return maxLeeway
	}
	return min(maxLeeway, s.Window/leewayShare)
}

// domainOf returns the domain under which the Gate counts requests to u.
func domainOf(u *url.URL) string {
	domain := Domain(u.Host)
	if port := u.Port(); port != "" && !usualPort(u.Scheme, port) {
		return net.JoinHostPort(domain, port)
	}
	return domain
}

// admit checks robots.txt, reserves a time at the Gate and waits for it.
func (l *load) admit(ctx context.Context, u *url.URL) (bool, error) {
	spacing := l.cfg.Spacing
	if !l.cfg.IgnoreRobots {
		r, err := l.robots.rules(ctx, u)
		switch {
		case err != nil:
			return false, err
		case r.failed != "":
			l.fail(r.failed, "%s", r.message)
			return false, nil
		case !r.allow(u):
			l.fail(research.OutcomeRobots, "The robots.txt of %s forbids reading this page.", u.Host)
			return false, nil
		}
		spacing.Min, spacing.Max = max(spacing.Min, r.delay()), max(spacing.Max, spacing.Min, r.delay())
	}
	return l.turn(ctx, u, spacing)
}

// turn calls Fetcher.turn for one request of a load, and fails the load if the wait would be too long.
func (l *load) turn(ctx context.Context, u *url.URL, spacing Spacing) (bool, error) {
	spacing.MaxWait = l.cfg.MaxWait
	wait, err := l.Fetcher.turn(ctx, u, spacing)
	if wait > 0 {
		l.fail(research.OutcomeRateLimited, "%s is busy or asked us to stay away; the next request may be made in %s.", domainOf(u), wait.Round(time.Second))
	}
	return err == nil && wait == 0, err
}

// Turn waits until a request to u may be made. It is for requests that are not page loads, such as requests to a search engine. They are
// spaced together with page loads, but robots.txt is not checked. If the request may only be made after a time longer than most, Turn does
// not wait, and returns that time.
func (f *Fetcher) Turn(ctx context.Context, u *url.URL, most time.Duration) (wait time.Duration, err error) {
	spacing := f.cfg.Spacing
	spacing.MaxWait = most
	return f.turn(ctx, u, spacing)
}

// turn reserves a time for a request to the domain and waits for it. Then turn checks that the request may still be made: no answer has
// stopped requests meanwhile, and this process was not delayed. wait is more than 0 if the reserved time would be further away than
// spacing.MaxWait.
func (f *Fetcher) turn(ctx context.Context, u *url.URL, spacing Spacing) (wait time.Duration, err error) {
	domain, began, leeway, most := domainOf(u), f.now(), spacing.leeway(), spacing.MaxWait
	if spacing.Requests > 0 {
		spacing.Window += leeway
	}
	for {
		asked := f.now()
		spacing.MaxWait = max(most-asked.Sub(began), time.Millisecond)
		wait, err := f.gate.Reserve(ctx, domain, spacing)
		switch {
		case err != nil:
			return 0, fmt.Errorf("reserve a request to %s: %w", domain, err)
		case wait > spacing.MaxWait:
			return wait, nil
		}
		if retry.Wait(ctx, wait) != nil {
			return 0, ctx.Err()
		}
		quiet := time.Duration(0)
		if wait > 0 {
			if quiet, err = f.gate.Quiet(ctx, domain); err != nil {
				return 0, fmt.Errorf("find out whether %s may be requested now: %w", domain, err)
			}
		}
		if late := f.now().Sub(asked) - wait; quiet <= 0 && late <= leeway/2 {
			return 0, nil
		}
	}
}

// answered informs the Gate of the status of an answer, which affects the next requests to the domain.
func (l *load) answered(ctx context.Context, u *url.URL, resp *http.Response) error {
	domain := domainOf(u)
	if l.policy.BusyAnswers.Note(u.Host, resp.StatusCode) {
		l.visit.Message += " It was the third time in a row, so this task asks " + domain + " no more."
	}
	var err error
	switch {
	case busy(resp.StatusCode):
		err = l.gate.Backoff(ctx, domain, retryAfter(resp.Header, l.now()))
	case fine(resp.StatusCode):
		err = l.gate.Settle(ctx, domain)
	}
	if err != nil {
		return fmt.Errorf("note the answer of %s: %w", domain, err)
	}
	return nil
}

// busy reports whether a status asks for fewer requests (429 or 503).
func busy(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
}

// fine reports whether a status shows that the server works: it found the page, or knows that the page does not exist.
func fine(status int) bool {
	return status >= 200 && status < 400 || status == http.StatusNotFound || status == http.StatusGone
}

// maxBusyAnswers is the number of 429 or 503 answers in a row after which a task makes no more requests to a domain.
const maxBusyAnswers = 3

// tooBusy is the message about a domain that has reached maxBusyAnswers.
const tooBusy = "asked for fewer requests three times in a row, so this task does not ask it any more."

// BusyAnswers counts, for one task, how often in a row each domain has answered 429 or 503. It is safe for concurrent use. A nil *BusyAnswers
// counts nothing.
type BusyAnswers struct {
	mu     sync.Mutex
	counts map[string]int
}

// Note records the status of an answer from host. It returns true if the task may make no more requests to the domain after this answer.
func (s *BusyAnswers) Note(host string, status int) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	domain := domainOf(&url.URL{Host: host})
	switch {
	case busy(status):
		if s.counts == nil {
			s.counts = map[string]int{}
		}
		s.counts[domain]++
		return s.counts[domain] == maxBusyAnswers
	case fine(status) && s.counts[domain] < maxBusyAnswers:
		delete(s.counts, domain)
	}
	return false
}

// Exceeded reports whether the task may make no more requests to the domain of host.
func (s *BusyAnswers) Exceeded(host string) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[domainOf(&url.URL{Host: host})] >= maxBusyAnswers
}
