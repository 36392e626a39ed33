package schema_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/store/schema"
)

func TestTenProcessesMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := dbtest.Empty(t)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if err := schema.Migrate(t.Context(), url, slog.New(slog.DiscardHandler)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := dbtest.Open(t, url)
	if findings, err := s.Worker().Audit(t.Context()); err != nil || len(findings) != 0 {
		t.Errorf("audit of a fresh schema: %v, %v", findings, err)
	}
}

func TestMigrateSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	log := slog.New(slog.DiscardHandler)
	if err := schema.Migrate(ctx, "http://x", log); err == nil {
		t.Error("a URL of another kind was accepted")
	}
	if err := schema.Migrate(ctx, "postgres://127.0.0.1:1/x?connect_timeout=1", log); !errors.Is(err, research.ErrUnavailable) {
		t.Errorf("nothing listens: %v, want ErrUnavailable", err)
	}
	if _, err := store.Open(ctx, store.Config{URL: "postgres://127.0.0.1:1/x?connect_timeout=1"}); !errors.Is(err, research.ErrUnavailable) {
		t.Errorf("open: %v, want ErrUnavailable", err)
	}
	if _, err := store.Open(ctx, store.Config{URL: "::"}); err == nil {
		t.Error("a string that is no connection string was accepted")
	}
	held, cancel := context.WithCancel(ctx)
	url := dbtest.Empty(t)
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(0x6c6567776f726b)); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- schema.Migrate(held, url, log) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the context ended while another process migrated: %v", err)
	}
}
