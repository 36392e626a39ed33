package main

import (
	"context"
	"time"

	"legwork/internal/page"
	"legwork/internal/store"
)

// gate reserves moments for page requests in the database, so that politeness holds across processes. While the database is
// away it waits: a page load that has begun must neither fail for that nor be begun again. A reservation whose answer was
// lost is made twice, which costs the domain one moment.
type gate struct{ store *store.Store }

// Reserve implements page.Gate.
func (g gate) Reserve(ctx context.Context, domain string, p page.Spacing) (time.Duration, error) {
	requests, window := p.Requests, p.Window
	if requests <= 0 {
		requests, window = 1, 0 // no window: the bound of one request per no time
	}
	booking := store.Booking{Spacing: spread(p.Min, p.Max), Requests: requests, Window: window, MaxWait: p.MaxWait}
	return store.ReadUntilAvailable(ctx, func() (time.Duration, error) { return g.store.Worker().ReserveDomain(ctx, domain, booking) })
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
