// Package retry has the pauses between attempts, and a parser for Retry-After headers. The pauses are random within
// bounds, so that many processes do not all try again at the same moment.
package retry

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Longest is the longest wait that After returns.
const Longest = 24 * time.Hour

// After returns how long a server asks to wait. It reads Retry-After (RFC 9110 §10.2.3), a number of seconds or an HTTP date,
// and Retry-After-Ms, a number of milliseconds that some servers send. Numbers may have fractions. For a date in the past it
// returns 0. It returns false when neither header has a valid value.
func After(h http.Header, now time.Time) (time.Duration, bool) {
	if d, ok := parse(h.Get("Retry-After-Ms"), time.Millisecond); ok {
		return d, true
	}
	value := strings.TrimSpace(h.Get("Retry-After"))
	if d, ok := parse(value, time.Second); ok {
		return d, true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), 0), Longest), true
}

// parse parses a decimal number of units without sign and exponent.
func parse(value string, unit time.Duration) (time.Duration, bool) {
	value = strings.TrimSpace(value)
	if value == "" || strings.Trim(value, "0123456789.") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil && !math.IsInf(n, 1) { // a number that is too large for float64 means a long wait
		return 0, false
	}
	if n >= float64(Longest)/float64(unit) {
		return Longest, true
	}
	return time.Duration(n * float64(unit)), true
}

// Pauses returns the pauses between attempts. Each pause is a random time between half a bound and the bound. The bound doubles
// with each pause. Pauses is not safe for concurrent use.
type Pauses struct{ b backoff.ExponentialBackOff }

// NewPauses returns Pauses whose bound is the parameter first for the first pause, doubles with each pause, and does
// not exceed the parameter longest. If longest is less than first, the bound stays at first.
func NewPauses(first, longest time.Duration) *Pauses {
	longest = max(longest, first)
	// Each pause is a random time between half the bound and the bound. The library expects the middle of this
	// interval (3/4 of the bound), and the distance from the middle to its ends as a share of the middle (1/3).
	return &Pauses{backoff.ExponentialBackOff{InitialInterval: first * 3 / 4, MaxInterval: longest * 3 / 4, Multiplier: 2, RandomizationFactor: 1.0 / 3}}
}

// Next returns the next pause.
func (p *Pauses) Next() time.Duration { return p.b.NextBackOff() }

// Reset starts again with the first pause. Call it after a success.
func (p *Pauses) Reset() { p.b.Reset() }

// Wait waits for the next pause. If ctx ends first, it returns the cause.
func (p *Pauses) Wait(ctx context.Context) error { return Wait(ctx, p.Next()) }

// Pause returns the pause after the n-th failure in a row (1, 2, …). It is for callers that store only that number.
func Pause(n int, first, longest time.Duration) time.Duration {
	p := NewPauses(first, longest)
	for range min(n, 64) - 1 { // after 64 doublings the bound has reached longest
		p.Next()
	}
	return p.Next()
}

// Wait waits for d. If ctx ends first, it returns the cause.
func Wait(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
