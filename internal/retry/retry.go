// Package retry says how long to wait before an attempt is repeated. It has the pauses between attempts, and the
// only reader of Retry-After headers. The pauses are random within bounds, so that many processes do not all
// return at the same moment.
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

// Longest is the longest wait that After returns, whatever a server asks for.
const Longest = 24 * time.Hour

// After reads how long a server asks to wait. The header is Retry-After (RFC 9110 §10.2.3), a number of seconds
// or an HTTP date, or Retry-After-Ms, which some servers send for milliseconds. Fractions are accepted. A date
// in the past means 0. After returns false when the headers name no time that it can read.
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

// parse reads a decimal number of units, without sign and exponent.
func parse(value string, unit time.Duration) (time.Duration, bool) {
	value = strings.TrimSpace(value)
	if value == "" || strings.Trim(value, "0123456789.") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil && !math.IsInf(n, 1) { // a number too large for float64 is a long wait
		return 0, false
	}
	if n >= float64(Longest)/float64(unit) {
		return Longest, true
	}
	return time.Duration(n * float64(unit)), true
}

// Pauses are the waits between attempts. The bound doubles with each pause. Each pause is a random time between
// half the bound and the bound. Not safe for concurrent use.
type Pauses struct{ b backoff.ExponentialBackOff }

// NewPauses makes pauses whose bounds begin at first and end at longest.
func NewPauses(first, longest time.Duration) *Pauses {
	longest = max(longest, first)
	// The library takes the middle of an interval and a share of it for either side. 3/4 of the bound, plus or
	// minus a third of that, is the range from half the bound to the bound.
	return &Pauses{backoff.ExponentialBackOff{InitialInterval: first * 3 / 4, MaxInterval: longest * 3 / 4, Multiplier: 2, RandomizationFactor: 1.0 / 3}}
}

// Next is the next pause.
func (p *Pauses) Next() time.Duration { return p.b.NextBackOff() }

// Reset starts again with the first pause. Call it after a success.
func (p *Pauses) Reset() { p.b.Reset() }

// Wait waits for the next pause. If ctx ends first, its error is the cause of that.
func (p *Pauses) Wait(ctx context.Context) error { return Wait(ctx, p.Next()) }

// Pause is the pause after the n-th failure in a row (1, 2, …). It is for callers that keep only that number.
func Pause(n int, first, longest time.Duration) time.Duration {
	p := NewPauses(first, longest)
	for range min(n, 64) - 1 { // after 64 doublings every bound is reached
		p.Next()
	}
	return p.Next()
}

// Wait waits for d. If ctx ends first, its error is the cause of that.
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
