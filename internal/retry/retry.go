// Package retry says how long to wait before something is tried again. It has the pauses between tries, with jitter so that
// many processes do not come back at the same moment, and the only reader of Retry-After headers.
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

// Longest is the longest wait that After gives, whatever a server asks for.
const Longest = 24 * time.Hour

// After reads how long a server asks to wait: Retry-After (RFC 9110 §10.2.3), which is a number of seconds or an HTTP date, or
// the finer Retry-After-Ms that some servers send. Fractions of a second are accepted. A date that is over means 0. It
// reports false when the headers name no time that can be read.
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

// parse reads a decimal number of units. There are no signs and no exponents.
func parse(value string, unit time.Duration) (time.Duration, bool) {
	value = strings.TrimSpace(value)
	if value == "" || strings.Trim(value, "0123456789.") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil && !math.IsInf(n, 1) { // a number beyond float64 is a long wait
		return 0, false
	}
	if n >= float64(Longest)/float64(unit) {
		return Longest, true
	}
	return time.Duration(n * float64(unit)), true
}

// Pauses are the waits between tries of one thing. They double; each is drawn at random between half and all of its bound.
// Not safe for concurrent use.
type Pauses struct{ b backoff.ExponentialBackOff }

// NewPauses makes pauses whose bounds begin at first and end at longest.
func NewPauses(first, longest time.Duration) *Pauses {
	longest = max(longest, first)
	// The library draws around the middle of an interval: 3/4 of the bound, a third of that to either side.
	return &Pauses{backoff.ExponentialBackOff{InitialInterval: first * 3 / 4, MaxInterval: longest * 3 / 4, Multiplier: 2, RandomizationFactor: 1.0 / 3}}
}

// Next is the next pause.
func (p *Pauses) Next() time.Duration { return p.b.NextBackOff() }

// Reset begins again with the first pause, after a success.
func (p *Pauses) Reset() { p.b.Reset() }

// Wait waits for the next pause. Its error is the cause of ctx's end, if that comes first.
func (p *Pauses) Wait(ctx context.Context) error { return Wait(ctx, p.Next()) }

// Pause is the pause after failure n (1, 2, …) in a row, for callers that keep only that number.
func Pause(n int, first, longest time.Duration) time.Duration {
	p := NewPauses(first, longest)
	for range min(n, 64) - 1 { // by then every bound is reached
		p.Next()
	}
	return p.Next()
}

// Wait waits for d. Its error is the cause of ctx's end, if that comes first.
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
