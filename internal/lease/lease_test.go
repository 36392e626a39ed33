package lease

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"legwork/internal/dbtest"
	"legwork/internal/research"
	"legwork/internal/store"
)

func TestLeaseAge(t *testing.T) {
	t.Parallel()
	st, err := store.Open(t.Context(), store.Config{URL: dbtest.URL(t), MaxConns: 1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	l := New(st.Worker(), research.Worker{}, func() {}, slog.New(slog.DiscardHandler))
	l.renew(uuid.New(), time.Now())
	if err := l.Await(t.Context()); err != nil {
		t.Errorf("a fresh lease: %v", err)
	}
	l.renew(uuid.New(), time.Now().Add(-time.Hour))
	waited := make(chan error)
	go func() { waited <- l.Await(t.Context()) }()
	select {
	case err := <-waited:
		t.Fatalf("a lease an hour old let an effect pass: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	l.renew(uuid.New(), time.Now())
	if err := <-waited; err != nil {
		t.Errorf("after the renewal: %v", err)
	}
	l.renew(uuid.New(), time.Now().Add(-time.Hour))
	gone, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the process is stopping"))
	if err := l.Await(gone); err == nil {
		t.Error("a wait whose context was cancelled returned no error")
	}
}
