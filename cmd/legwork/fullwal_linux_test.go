package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"legwork/api"
	"legwork/internal/pgembed"
	"legwork/internal/store"
	"legwork/internal/testsite"
)

// walServer is a PostgreSQL whose write-ahead log has a small disk of its own.
type walServer struct {
	t      *testing.T
	cfg    pgembed.Config
	disk   string
	server *pgembed.Server
}

func startWALServer(t *testing.T) *walServer {
	t.Helper()
	s := &walServer{t: t, cfg: pgembed.Config{Home: t.TempDir(), Fast: true, Settings: map[string]string{"min_wal_size": "32MB", "max_wal_size": "64MB"}}}
	s.start()
	if err := s.server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.disk = filepath.Join(s.cfg.Home, "postgres", "pg_wal")
	before := filepath.Join(t.TempDir(), "pg_wal")
	if err := os.Rename(s.disk, before); err != nil {
		t.Fatal(err)
	}
	smallDisk(t, s.disk, "160m")
	if out, err := exec.Command("cp", "-a", before+"/.", s.disk).CombinedOutput(); err != nil { // keeps the owner
		t.Fatalf("%v: %s", err, out)
	}
	s.start()
	t.Cleanup(func() { _ = s.server.Stop(context.WithoutCancel(t.Context())) })
	return s
}

func (s *walServer) start() {
	s.t.Helper()
	var err error
	if s.server, err = pgembed.Start(s.t.Context(), s.cfg); err != nil {
		s.t.Fatal(err)
	}
}

// exhaust lets the server write its log until it ends with a PANIC, because there is no room for the next piece.
func (s *walServer) exhaust() {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.server.URL())
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(s.t.Context())) }()
	for range 100 {
		if _, err := conn.Exec(s.t.Context(), "SELECT pg_current_xact_id(); SELECT pg_switch_wal()", pgx.QueryExecModeSimpleProtocol); err != nil {
			return
		}
	}
	s.t.Fatal("the server found room for 100 pieces of its log")
}

// TestFullDiskOfLog fills the disk of PostgreSQL's write-ahead log while a task runs. The server then ends with a PANIC, and it ends
// again when it tries to recover. Requests must get 503 meanwhile and health must be degraded, and when the server runs again,
// everything that was accepted must complete, without a restart of legwork.
func TestFullDiskOfLog(t *testing.T) {
	t.Parallel()
	s := startWALServer(t)
	proxy := testsite.StartProxy(t, s.server.URL()) // the address stays when the server is started again
	w := &world{t: t, url: proxy.URL(), dir: t.TempDir(), site: testsite.Start(t)}
	p := w.start(settings(w.url, w.dir), "serve")
	c := w.api(p)
	release := w.site.Hold(heldPage)
	defer release()
	accepted := []string{w.ask(c, nil).TaskID}
	if err := w.site.WaitFor(w.ctx(), heldPage, 1); err != nil {
		t.Fatal(err)
	}
	ballast := fillDisk(t, s.disk)
	s.exhaust()
	full := time.Now()
	if log, err := os.ReadFile(filepath.Join(s.cfg.Home, "postgres.log")); err != nil || !strings.Contains(string(log), "PANIC") {
		t.Errorf("the server did not end with a PANIC: %v", err)
	}

	in := map[string]any{"question": "What is the default value of keep_warm_minutes?", "seedUrl": w.site.URL("/index.html"), "timeBudget": 60}
	eventually(t, "a submission is refused", func() bool {
		task, err := c.submit(w.ctx(), in)
		if err == nil {
			accepted = append(accepted, task.TaskID) // the server was up for a moment
		}
		e, ok := err.(*apiError)
		if err != nil && (!ok || e.Status != http.StatusServiceUnavailable || e.Code != "unavailable") {
			t.Errorf("a submission: %v", err)
		}
		return err != nil
	})
	var health api.Health
	eventually(t, "health is degraded", func() bool {
		return c.do(w.ctx(), http.MethodGet, "/health", nil, &health) == nil && health.Status == api.HealthStatusDegraded
	})
	release()
	used, began := cpu(t, p), time.Now()
	<-time.After(4 * time.Second) // the window of the measurement
	share := float64(cpu(t, p)-used) / 100 / time.Since(began).Seconds()
	t.Logf("degraded %v after the disk was full; %.0f%% of a core meanwhile, %d lines about the outage", began.Sub(full).Round(time.Millisecond), 100*share, outageLines(p.errs.String()))
	if share > 0.5 {
		t.Errorf("it uses %.0f%% of a core while the database is down", 100*share)
	}

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	room := time.Now()
	eventually(t, "health is healthy again", func() bool {
		select {
		case <-s.server.Done(): // it gave up after a recovery that found no room, and its operator starts it
			_ = s.server.Stop(t.Context())
			s.start()
			proxy.Aim(s.server.URL())
		default:
		}
		return c.do(w.ctx(), http.MethodGet, "/health", nil, &health) == nil && health.Status == api.HealthStatusHealthy
	})
	healthy := time.Since(room)
	accepted = append(accepted, w.ask(c, nil).TaskID)
	for _, id := range accepted {
		if done := w.await(c, id); done.Status != api.StatusCompleted {
			t.Errorf("task %s ended %s: %v", id, done.Status, done.Error)
		}
	}
	t.Logf("healthy %v after the server had room, %d tasks ended after %v", healthy.Round(time.Millisecond), len(accepted), time.Since(room).Round(time.Millisecond))
	if healthy > mostRecovery {
		t.Errorf("healthy only %v after the server had room", healthy)
	}
	if n := outageLines(p.errs.String()); n > 40 {
		t.Errorf("the log has %d lines about the outage:\n%s", n, strings.TrimSpace(p.errs.String()))
	}
	st, err := store.Open(w.ctx(), store.Config{URL: w.url, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if findings, err := st.Worker().Audit(w.ctx()); err != nil || len(findings) > 0 {
		t.Errorf("audit: %v, %v", findings, err)
	}
}
