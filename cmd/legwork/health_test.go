package main

import (
	"net"
	"os"
	"strings"
	"testing"

	"legwork/internal/dbtest"
)

// TestHealthCommand: legwork health exits with 0 while the API, or the worker of this machine, is ready, and says why not otherwise.
func TestHealthCommand(t *testing.T) {
	w := newWorld(t)
	check := func(api string, status int, says string, args ...string) {
		t.Helper()
		got, out, errs := w.run(w.ctx(), settings(w.url, w.dir, "API_PORT="+api), append([]string{"health"}, args...)...)
		if got != status || !strings.Contains(out+errs, says) {
			t.Errorf("health %q with port %s: status %d, want %d with %q:\n%s%s", args, api, got, status, says, out, errs)
		}
	}
	nobody := freePort(t)
	check(nobody, 1, "no worker on", "--role", "worker")
	check(nobody, 1, "the API does not answer", "--role", "api")
	check(nobody, 1, "no worker on") // neither of them
	check(nobody, 1, "choose api or worker", "--role", "browser")
	check("0", 1, "set API_PORT", "--role", "api")

	w.app(roleWorker)
	check(nobody, 0, "holds its lease")
	check(nobody, 1, "the API does not answer", "--role", "api")
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dbtest.Open(t, w.url).Pool().Exec(w.ctx(), "UPDATE workers SET host = 'another'"); err != nil {
		t.Fatal(err)
	}
	check(nobody, 1, "no worker on "+host)

	a := w.app(roleAPI)
	_, port, err := net.SplitHostPort(a.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	check(port, 0, "is ready")
	a.stopping.Store(true)
	check(port, 1, "the API is not ready")
	a.stopping.Store(false)
}

// TestHealthCommand_noDatabase: without a database to look into, the command says so, and starts none.
func TestHealthCommand_noDatabase(t *testing.T) {
	w := newWorld(t)
	env := []string{"LEGWORK_HOME=" + w.dir, "API_HOST=127.0.0.1", "AUTH_MODE=off", "API_PORT=" + freePort(t)}
	if status, _, errs := w.run(w.ctx(), env, "health"); status != 1 || !strings.Contains(errs, "the API does not answer") {
		t.Errorf("status %d: %s", status, errs)
	}
	if status, _, errs := w.run(w.ctx(), env, "health", "--role", "worker"); status != 1 || !strings.Contains(errs, "DATABASE_URL is not set") {
		t.Errorf("status %d: %s", status, errs)
	}
	if entries, err := os.ReadDir(w.dir); err != nil || len(entries) != 0 {
		t.Errorf("the command left %v (%v) in LEGWORK_HOME", entries, err)
	}
}

// TestDoctor_besideAWorker: the port of BROWSER_PROXY, which the worker on this machine has, is not a problem for doctor.
func TestDoctor_besideAWorker(t *testing.T) {
	needChromium(t)
	w := newWorld(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if status, out, errs := w.run(w.ctx(), settings(w.url, w.dir, "BROWSER=auto", "BROWSER_PROXY=:"+port), "doctor"); !strings.Contains(out, "ok    browser") {
		t.Errorf("doctor: %d\n%s%s", status, out, errs)
	}
}
