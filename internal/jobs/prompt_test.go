//go:build failpoints

package jobs

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestWorkersHearOfTasksInARow: tasks that come one after the other are told to workers each, not found by their polls.
func TestWorkersHearOfTasksInARow(t *testing.T) {
	p := setup(t)
	conn, err := pgx.Connect(t.Context(), p.url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), `LISTEN "public.river_insert"`); err != nil { // River's channel
		t.Fatal(err)
	}
	// A submission must be told of when it begins longer than the cooldown after the end of one that was.
	var told time.Time
	want := 0
	for range 40 {
		began := time.Now()
		p.submit("q")
		if began.Sub(told) > fetchCooldown+5*time.Millisecond {
			told = time.Now()
			want++
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for heard := range want {
		if _, err := conn.WaitForNotification(ctx); err != nil {
			t.Fatalf("heard of %d tasks of at least %d: %v", heard, want, err)
		}
	}
}
