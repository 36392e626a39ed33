package httpapi

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"legwork/internal/dbtest"
	"legwork/internal/store"
)

// TestExhaustedPool checks that reads and submissions are refused within seconds while every connection is in use, and that
// they work again afterwards.
func TestExhaustedPool(t *testing.T) {
	t.Parallel()
	st, err := store.Open(t.Context(), store.Config{URL: dbtest.URL(t), MaxConns: 4, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	r := setupRealOn(t, st)
	pool := r.store.Pool()
	var release []func()
	for range pool.Config().MaxConns {
		c, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		release = append(release, c.Release)
	}
	for _, send := range []func() response{
		func() response { return r.get("/api/tasks") },
		func() response { return r.post("/api/tasks", `{"question":"q"}`) },
	} {
		began := time.Now()
		res := send()
		res.wantError(http.StatusServiceUnavailable, "unavailable")
		if took := time.Since(began); took > 10*time.Second || res.header.Get("Retry-After") == "" {
			t.Errorf("refused after %v with Retry-After %q", took, res.header.Get("Retry-After"))
		}
	}
	for _, give := range release {
		give()
	}
	if res := r.post("/api/tasks", `{"question":"q"}`); res.status != http.StatusCreated {
		t.Errorf("with free connections: %d %s", res.status, res.body)
	}
}
