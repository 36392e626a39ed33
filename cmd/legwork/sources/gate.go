package sources

import (
	"context"
	"math/rand/v2"
	"time"

	"legwork/internal/page"
	"legwork/internal/store"
)

// Gate reserves the times of page requests in the database, so that all processes together keep the pauses between
// requests. While the database is unavailable it waits, because an outage must not fail or restart a page load. If
// the answer to a reservation is lost, Gate reserves again, and the first reserved time stays unused.
type Gate struct{ Store *store.Store }

// Reserve implements page.Gate.
func (g Gate) Reserve(ctx context.Context, domain string, p page.Spacing) (time.Duration, error) {
	requests, window := p.Requests, p.Window
	if requests <= 0 {
		requests, window = 1, 0 // without a limit on requests the window has no meaning
	}
	reservation := store.Reservation{Spacing: spread(p.Min, p.Max), Requests: requests, Window: window, MaxWait: p.MaxWait}
	return store.ReadUntilAvailable(ctx, func() (time.Duration, error) { return g.Store.Worker().ReserveDomain(ctx, domain, reservation) })
}

// Backoff implements page.Gate.
func (g Gate) Backoff(ctx context.Context, domain string, d time.Duration) error {
	return store.UntilAvailable(ctx, func() error { return g.Store.Worker().BackoffDomain(ctx, domain, d) })
}

// Quiet implements page.Gate.
func (g Gate) Quiet(ctx context.Context, domain string) (time.Duration, error) {
	return store.ReadUntilAvailable(ctx, func() (time.Duration, error) { return g.Store.Worker().DomainQuiet(ctx, domain) })
}

// Settle implements page.Gate.
func (g Gate) Settle(ctx context.Context, domain string) error {
	return store.UntilAvailable(ctx, func() error { return g.Store.Worker().SettleDomain(ctx, domain) })
}

// spread returns a random duration between two bounds.
func spread(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + rand.N(high-low+1)
}
