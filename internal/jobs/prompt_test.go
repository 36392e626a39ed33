//go:build failpoints

package jobs

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestEachTaskNotifiesWorkers submits tasks one after the other. River must notify the workers of each, so that none waits for
// a poll.
func TestEachTaskNotifiesWorkers(t *testing.T) {
	p := setup(t)
	conn, err := pgx.Connect(t.Context(), p.url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), `LISTEN "public.river_insert"`); err != nil { // River's channel
		t.Fatal(err)
	}
	// River may leave out notifications for the length of its fetch cooldown. So the test expects a notification only if
	// the submission begins later than one cooldown after the end of the last submission for which it expected one.
	var notified time.Time
	want := 0
	for range 40 {
		began := time.Now()
		p.submit("q")
		if began.Sub(notified) > fetchCooldown+5*time.Millisecond {
			notified = time.Now()
			want++
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	for got := range want {
		if _, err := conn.WaitForNotification(ctx); err != nil {
			t.Fatalf("%d notifications, want at least %d: %v", got, want, err)
		}
	}
}
