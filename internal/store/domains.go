package store

import (
	"context"
	"time"

	"legwork/db"
)

// These are the pauses of a domain from the second answer of 429 or 503 in a row on.
const (
	backoffBase = 5 * time.Second // after the second answer; doubled for each further answer
	backoffMost = 5 * time.Minute
)

// Reservation has the rules for the next time at which a domain may be requested.
type Reservation struct {
	Spacing  time.Duration // shortest time between two reserved times
	Requests int           // greatest number of requests in any Window
	Window   time.Duration
	MaxWait  time.Duration // a time further in the future is returned but not reserved; 0 means no limit
}

// ReserveDomain reserves the next free time for a request to a domain, and returns how long it is until then.
func (w Worker) ReserveDomain(ctx context.Context, domain string, b Reservation) (time.Duration, error) {
	most := b.MaxWait
	if most <= 0 {
		most = time.Duration(1<<63 - 1)
	}
	ms, err := w.q.ReserveDomain(ctx, db.ReserveDomainParams{Domain: domain, SpacingSeconds: b.Spacing.Seconds(),
		MaxRequests: int32(b.Requests), WindowSeconds: b.Window.Seconds(), MostSeconds: most.Seconds()})
	return fromMillis(ms), wrap(err)
}

// BackoffDomain stops the requests of all processes to a domain that answered 429 or 503. The pause lasts at least d.
// From the second such answer in a row on, it also lasts at least backoffBase, doubled for each further answer up to
// backoffMost. An answer that comes during the pause is not counted as a further one.
func (w Worker) BackoffDomain(ctx context.Context, domain string, d time.Duration) error {
	return wrap(w.q.BackoffDomain(ctx, db.BackoffDomainParams{Domain: domain, AskedSeconds: d.Seconds(),
		BaseSeconds: backoffBase.Seconds(), MostSeconds: backoffMost.Seconds()}))
}

// DomainQuiet returns how long no process may request a domain.
func (w Worker) DomainQuiet(ctx context.Context, domain string) (time.Duration, error) {
	ms, err := w.q.DomainQuiet(ctx, domain)
	return fromMillis(ms), wrap(err)
}

// SettleDomain resets the count of 429 and 503 answers in a row, after the domain answered normally.
func (w Worker) SettleDomain(ctx context.Context, domain string) error {
	return wrap(w.q.SettleDomain(ctx, domain))
}

// PurgeDomains removes the rows of at most limit domains that were not requested for a day, and returns how many it removed.
func (w Worker) PurgeDomains(ctx context.Context, limit int) (int64, error) {
	n, err := w.q.PurgeDomains(ctx, int32(limit))
	return n, wrap(err)
}

func fromMillis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }
