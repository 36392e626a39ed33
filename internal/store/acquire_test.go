package store_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"legwork/internal/dbtest"
	"legwork/internal/research"
	"legwork/internal/store"
)

// TestExhaustedPool checks that every kind of query returns an error soon when no connection is free, and that no connection
// is lost.
func TestExhaustedPool(t *testing.T) {
	t.Parallel()
	const conns, patience = 2, 50 * time.Millisecond
	s, err := store.Open(t.Context(), store.Config{
		URL: dbtest.URL(t), MaxConns: conns, AcquireTimeout: patience, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	queries := map[string]func(ctx context.Context) error{
		"row":  func(ctx context.Context) error { _, _, err := s.Worker().Counts(ctx); return err },
		"rows": func(ctx context.Context) error { _, err := s.Worker().Workers(ctx); return err },
		"exec": func(ctx context.Context) error { return s.Notify(ctx, "c", "p") },
		"tx": func(ctx context.Context) error {
			return s.InTx(ctx, func(context.Context, pgx.Tx) error { return nil })
		},
	}
	var held []*pgxpool.Conn
	for range conns {
		c, err := s.Pool().Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	// The wait is much shorter than the callers' contexts.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for name, query := range queries {
		began := time.Now()
		err := query(ctx)
		if took := time.Since(began); !errors.Is(err, research.ErrUnavailable) || took > 20*time.Second || took < patience {
			t.Errorf("%s with no free connection: %v after %v", name, err, took)
		}
		gone, stop := context.WithCancel(ctx)
		stop()
		if err := query(gone); !errors.Is(err, context.Canceled) || errors.Is(err, research.ErrUnavailable) {
			t.Errorf("%s of a caller whose context ended: %v", name, err)
		}
	}
	for _, c := range held {
		c.Release()
	}
	for name, query := range queries {
		for range 3 * conns { // more often than there are connections, so that a lost one is noticed
			if err := query(ctx); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if n := s.Pool().Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections were not given back", n)
	}
}
