package store

import (
	"context"
	"time"

	"legwork/db"
)

// Bounds of how long a domain is left alone that answers 429 or 503 more than once in a row.
const (
	backoffBase = 5 * time.Second // doubled with each time
	backoffMost = 5 * time.Minute
)

// Booking asks for a moment of a domain.
type Booking struct {
	Spacing  time.Duration // after the booking before
	Requests int           // at most so many in any Window
	Window   time.Duration
	MaxWait  time.Duration // a moment further off is told but not booked; 0: any is
}

// ReserveDomain books the next free moment for a request to a domain and returns how long it is until then.
func (w Worker) ReserveDomain(ctx context.Context, domain string, b Booking) (time.Duration, error) {
	most := b.MaxWait
	if most <= 0 {
		most = time.Duration(1<<63 - 1)
	}
	ms, err := w.q.ReserveDomain(ctx, db.ReserveDomainParams{Domain: domain, SpacingSeconds: b.Spacing.Seconds(),
		MaxRequests: int32(b.Requests), WindowSeconds: b.Window.Seconds(), MostSeconds: most.Seconds()})
	return fromMillis(ms), wrap(err)
}

// BackoffDomain keeps everybody off a domain that answered 429 or 503, for d, and for longer with each time in a row.
// Answers that come while the domain is left alone already do not make it longer.
func (w Worker) BackoffDomain(ctx context.Context, domain string, d time.Duration) error {
	return wrap(w.q.BackoffDomain(ctx, db.BackoffDomainParams{Domain: domain, AskedSeconds: d.Seconds(),
		BaseSeconds: backoffBase.Seconds(), MostSeconds: backoffMost.Seconds()}))
}

// DomainQuiet is how long everybody keeps off a domain yet.
func (w Worker) DomainQuiet(ctx context.Context, domain string) (time.Duration, error) {
	ms, err := w.q.DomainQuiet(ctx, domain)
	return fromMillis(ms), wrap(err)
}

// SettleDomain forgets the times in a row: the domain answered as it should.
func (w Worker) SettleDomain(ctx context.Context, domain string) error {
	return wrap(w.q.SettleDomain(ctx, domain))
}

// PurgeDomains forgets at most limit domains that nobody has asked for a day, and says how many.
func (w Worker) PurgeDomains(ctx context.Context, limit int) (int64, error) {
	n, err := w.q.PurgeDomains(ctx, int32(limit))
	return n, wrap(err)
}

func fromMillis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }
