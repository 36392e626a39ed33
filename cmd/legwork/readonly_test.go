package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"legwork/api"
)

// TestReadOnlyDatabase makes the database read-only for some time while a run is in the middle. Reads must work, submissions get 503,
// health and doctor say why, and the run continues afterwards.
func TestReadOnlyDatabase(t *testing.T) {
	w := newWorld(t)
	admin, err := pgx.Connect(w.ctx(), w.url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(context.WithoutCancel(t.Context())) }()
	alter := func(change string) {
		t.Helper()
		sql := `BEGIN READ WRITE; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I ` + change + `', current_database()); END $$; COMMIT`
		if _, err := admin.Exec(w.ctx(), sql); err != nil {
			t.Fatal(err)
		}
	}
	release := w.site.Hold(heldPage)
	defer release()
	env := settings(w.url, w.dir)
	p := w.start(env, "serve")
	c := w.api(p)
	held := w.ask(c, nil)
	eventually(t, "the run is in the middle", func() bool { return w.get(c, held.TaskID).Status == api.StatusRunning })

	alter("SET default_transaction_read_only = on")
	// Sessions keep the state that they began with, as if they still led to the old primary.
	if _, err := admin.Exec(w.ctx(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"); err != nil {
		t.Fatal(err)
	}
	health := func() (h api.Health) {
		_, body := w.body(c, "/health")
		if err := json.Unmarshal(body, &h); err != nil {
			t.Fatal(err)
		}
		return h
	}
	eventually(t, "health says read-only", func() bool {
		h := health()
		return h.Status == api.HealthStatusDegraded && h.Database.Connected && h.Database.ReadOnly != nil && *h.Database.ReadOnly
	})
	if status, _ := w.body(c, "/api/tasks/"+held.TaskID); status != http.StatusOK {
		t.Errorf("a read was answered with %d", status)
	}
	res, err := http.Post(c.base+"/api/tasks", "application/json", strings.NewReader(`{"question":"What is it?","timeBudget":60}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("a submission was answered with %d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
	}
	doctor := w.start(env, "doctor")
	w.wait(doctor)
	if out := doctor.out.String(); !strings.Contains(out, "FAIL  database   answers, but is read-only") || doctor.err == nil {
		t.Errorf("doctor: %v: %s", doctor.err, out)
	}

	alter("RESET default_transaction_read_only")
	release()
	if done := w.await(c, held.TaskID); done.Status != api.StatusCompleted {
		t.Errorf("the run in the middle ended %s: %v", done.Status, done.Error)
	}
	eventually(t, "health is well again", func() bool { return health().Status == api.HealthStatusHealthy })
	w.stop(p)
}
