package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"legwork/internal/store"
)

func TestReserveDomain(t *testing.T) {
	b := setup(t)
	reserve := func(spacing time.Duration, requests int, window time.Duration) time.Duration {
		t.Helper()
		d, err := b.ReserveDomain(b.ctx, "a.example", store.Reservation{Spacing: spacing, Requests: requests, Window: window})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	near := func(what string, got, want time.Duration) {
		t.Helper()
		if got > want || got < want-2*time.Second {
			t.Errorf("%s: wait %v, want just below %v", what, got, want)
		}
	}
	if d := reserve(10*time.Second, 3, time.Hour); d != 0 {
		t.Errorf("first: wait %v, want none", d)
	}
	near("second", reserve(10*time.Second, 3, time.Hour), 10*time.Second)
	near("third", reserve(10*time.Second, 3, time.Hour), 20*time.Second)
	near("fourth waits for the window", reserve(10*time.Second, 3, time.Hour), time.Hour)
	near("fifth", reserve(10*time.Second, 3, time.Hour), time.Hour+10*time.Second)
	if d, err := b.ReserveDomain(b.ctx, "b.example", store.Reservation{Spacing: time.Second, Requests: 3, Window: time.Hour}); err != nil || d != 0 {
		t.Errorf("another domain: %v, %v", d, err)
	}
	if err := b.BackoffDomain(b.ctx, "b.example", 30*time.Second); err != nil {
		t.Fatal(err)
	}
	if d, err := b.ReserveDomain(b.ctx, "b.example", store.Reservation{Requests: 3, Window: time.Hour}); err != nil || d < 28*time.Second || d > 30*time.Second {
		t.Errorf("after a backoff: %v, %v", d, err)
	}
	if err := b.BackoffDomain(b.ctx, "b.example", time.Second); err != nil {
		t.Fatal(err)
	}
	if d, err := b.ReserveDomain(b.ctx, "b.example", store.Reservation{Requests: 9, Window: time.Hour}); err != nil || d < 27*time.Second {
		t.Errorf("a shorter backoff must not end a longer one: %v, %v", d, err)
	}
}

func TestReserveDomainIsExactUnderConcurrency(t *testing.T) {
	b := setup(t)
	const n = 40
	waits := make(chan time.Duration, n)
	for range n {
		go func() {
			d, err := b.ReserveDomain(b.ctx, "c.example", store.Reservation{Spacing: time.Second, Requests: 1000, Window: time.Hour})
			if err != nil {
				t.Error(err)
			}
			waits <- d
		}()
	}
	seconds := map[int]int{}
	for range n {
		seconds[int((<-waits).Round(time.Second)/time.Second)]++
	}
	moments := grants(b, "c.example")
	for i := 1; i < len(moments); i++ {
		if gap := moments[i].Sub(moments[i-1]); gap < time.Second {
			t.Errorf("grants %d and %d are %v apart", i-1, i, gap)
		}
	}
	if len(moments) != n {
		t.Errorf("%d grants on record, want %d", len(moments), n)
	}
}

// TestBackoffDoubles checks that the pause doubles with each busy answer in a row, up to five minutes, that answers during a
// pause are not counted, and that a normal answer resets the count.
func TestBackoffDoubles(t *testing.T) {
	b := setup(t)
	const domain = "busy.example"
	pass := func() { // makes the pause end now
		t.Helper()
		if _, err := b.Pool().Exec(b.ctx, "UPDATE domains SET quiet_until = 'epoch', next_at = 'epoch' WHERE domain = $1", domain); err != nil {
			t.Fatal(err)
		}
	}
	backoff := func(asked, want time.Duration) {
		t.Helper()
		if err := b.BackoffDomain(b.ctx, domain, asked); err != nil {
			t.Fatal(err)
		}
		quiet, err := b.DomainQuiet(b.ctx, domain)
		if err != nil || quiet > want || quiet < want-4*time.Second {
			t.Errorf("quiet for %v, want just below %v, %v", quiet, want, err)
		}
		wait, err := b.ReserveDomain(b.ctx, domain, store.Reservation{Requests: 100, Window: time.Second, MaxWait: time.Millisecond})
		if err != nil || wait > want || wait < want-4*time.Second {
			t.Errorf("the next moment is in %v, want just below %v, %v", wait, want, err)
		}
	}
	if quiet, err := b.DomainQuiet(b.ctx, "unknown.example"); err != nil || quiet != 0 {
		t.Errorf("an unknown domain is quiet for %v, %v", quiet, err)
	}
	for _, want := range []int{5, 10, 20, 40, 80, 160, 300, 300} {
		backoff(5*time.Second, time.Duration(want)*time.Second)
		backoff(5*time.Second, time.Duration(want)*time.Second) // an answer during the pause changes nothing
		pass()
	}
	backoff(20*time.Minute, 20*time.Minute) // the domain asks for a longer pause
	pass()
	if err := b.SettleDomain(b.ctx, domain); err != nil {
		t.Fatal(err)
	}
	backoff(0, 0)
	pass()
	backoff(0, 10*time.Second)
}

// TestTooLongWaitsAreNotReserved checks that a time beyond MaxWait is not reserved, so that later requests do not get a later
// time.
func TestTooLongWaitsAreNotReserved(t *testing.T) {
	b := setup(t)
	reservation := store.Reservation{Spacing: time.Minute, Requests: 100, Window: time.Hour, MaxWait: 90 * time.Second}
	for i, want := range []time.Duration{0, time.Minute, 2 * time.Minute, 2 * time.Minute, 2 * time.Minute} {
		wait, err := b.ReserveDomain(b.ctx, "far.example", reservation)
		if err != nil || wait > want || wait < want-10*time.Second {
			t.Errorf("%d: in %v, want just below %v, %v", i, wait, want, err)
		}
	}
}

func grants(b bundle, domain string) []time.Time {
	b.t.Helper()
	rows, err := b.Pool().Query(b.ctx, "SELECT granted_at FROM domain_grants WHERE domain = $1 ORDER BY granted_at, id", domain)
	if err != nil {
		b.t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// TestReserveDomainMatchesReference compares the reserved times with a plain computation over all earlier ones, for many
// values of spacing and window. The table must hold no more rows than the window allows requests.
func TestReserveDomainMatchesReference(t *testing.T) {
	b := setup(t)
	for n, reservation := range []store.Reservation{
		{Spacing: time.Second, Requests: 1000, Window: time.Hour},
		{Requests: 1, Window: time.Minute},
		{Requests: 5, Window: time.Minute},
		{Spacing: 7 * time.Second, Requests: 5, Window: time.Minute},
		{Spacing: 13 * time.Second, Requests: 5, Window: time.Minute},
		{Spacing: 250 * time.Millisecond, Requests: 20, Window: 10 * time.Second},
	} {
		domain := fmt.Sprintf("reference-%d.example", n)
		var all []time.Time
		for i := range 40 {
			if _, err := b.ReserveDomain(b.ctx, domain, reservation); err != nil {
				t.Fatal(err)
			}
			kept := grants(b, domain)
			if len(kept) > reservation.Requests {
				t.Fatalf("%+v: %d rows for a window of %d requests", reservation, len(kept), reservation.Requests)
			}
			last := kept[len(kept)-1]
			var earliest time.Time
			if i > 0 {
				earliest = all[i-1].Add(reservation.Spacing)
			}
			if i >= reservation.Requests && all[i-reservation.Requests].Add(reservation.Window).After(earliest) {
				earliest = all[i-reservation.Requests].Add(reservation.Window)
			}
			// The reserved time is the computed one, or now when that is in the past.
			if last.Before(earliest) || last.After(earliest) && last.After(time.Now().Add(time.Second)) {
				t.Fatalf("%+v: grant %d at %v, want %v", reservation, i, last, earliest)
			}
			all = append(all, last)
		}
	}
}

// TestPurgeDomains checks that only domains without a request for a day are removed, with their grants.
func TestPurgeDomains(t *testing.T) {
	b := setup(t)
	for _, domain := range []string{"old.example", "quiet.example", "new.example"} {
		if _, err := b.ReserveDomain(b.ctx, domain, store.Reservation{Requests: 9, Window: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Pool().Exec(b.ctx, `UPDATE domains SET next_at = now() - interval '25 hours',
		quiet_until = CASE domain WHEN 'quiet.example' THEN now() + interval '1 hour' ELSE 'epoch' END WHERE domain <> 'new.example'`); err != nil {
		t.Fatal(err)
	}
	if n, err := b.PurgeDomains(b.ctx, 100); err != nil || n != 1 {
		t.Errorf("%d domains removed, want 1, %v", n, err)
	}
	if len(grants(b, "old.example")) != 0 || len(grants(b, "quiet.example")) != 1 || len(grants(b, "new.example")) != 1 {
		t.Error("the wrong grants are left")
	}
}
