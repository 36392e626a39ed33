package main

import (
	"context"
	"time"

	"legwork/internal/page"
	"legwork/internal/store"
)

// gate reserves the times of page requests in the database, so that all processes together keep the pauses between
// requests. While the database is unavailable it waits, because an outage must not fail or restart a page load. If
// the answer to a reservation is lost, gate reserves again, and the first reserved time stays unused.
type gate struct{ store *store.Store }

// Reserve implements page.Gate.
func (g gate) Reserve(ctx context.Context, domain string, p page.Spacing) (time.Duration, error) {
	requests, window := p.Requests, p.Window
	if requests <= 0 {
		requests, window = 1, 0 // without a limit on requests the window has no meaning
	}
	reservation := store.Reservation{Spacing: spread(p.Min, p.Max), Requests: requests, Window: window, MaxWait: p.MaxWait}
	return store.ReadUntilAvailable(ctx, func() (time.Duration, error) { return g.store.Worker().ReserveDomain(ctx, domain, reservation) })
}

// Backoff implements page.Gate.
func (g gate) Backoff(ctx context.Context, domain string, d time.Duration) error {
	return store.UntilAvailable(ctx, func() error { return g.store.Worker().BackoffDomain(ctx, domain, d) })
}

// Quiet implements page.Gate.
func (g gate) Quiet(ctx context.Context, domain string) (time.Duration, error) {
	return store.ReadUntilAvailable(ctx, func() (time.Duration, error) { return g.store.Worker().DomainQuiet(ctx, domain) })
}

// Settle implements page.Gate.
func (g gate) Settle(ctx context.Context, domain string) error {
	return store.UntilAvailable(ctx, func() error { return g.store.Worker().SettleDomain(ctx, domain) })
}
