package main

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"legwork/api"
)

// TestHangup closes the terminal of a worker: SIGHUP must end it as SIGTERM does, with its task handed back.
func TestHangup(t *testing.T) {
	w := newWorld(t)
	c := w.serve(roleAPI)
	release := w.site.Hold("/index.html")
	defer release()
	worker := w.start(settings(w.url, w.dir), "worker")
	task := w.ask(c, nil)
	if err := w.site.WaitFor(w.ctx(), "/index.html", 1); err != nil {
		t.Fatal(err)
	}
	if err := worker.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	w.wait(worker)
	if worker.err != nil {
		t.Errorf("after SIGHUP: %v", worker.err)
	}
	if got := w.get(c, task.TaskID); got.Status != api.StatusQueued {
		t.Errorf("after SIGHUP: %s, want queued", got.Status)
	}
}

// TestHangupTwice sends SIGHUP again and again to a process that cannot stop at once, as a shell and a terminal do together.
// It must not be killed by it.
func TestHangupTwice(t *testing.T) {
	w := newWorld(t)
	p := stuck(w, "SHUTDOWN_TIMEOUT=1s")
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	w.line(p, "stopping")
	eventually(t, "the process ends", func() bool {
		_ = p.cmd.Process.Signal(syscall.SIGHUP)
		select {
		case <-p.done:
			return true
		default:
			return false
		}
	})
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signaled() {
		t.Errorf("it ended by a signal: %v", p.cmd.ProcessState)
	}
}

// TestNohup starts a server as nohup does. SIGHUP must not end it.
func TestNohup(t *testing.T) {
	w := newWorld(t)
	p := w.startIgnoringHangup(settings(w.url, w.dir), "serve")
	c := w.api(p)
	for range 3 {
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		if status, body := w.body(c, "/health/ready"); status != http.StatusOK {
			t.Errorf("ready: %d %s", status, body)
		}
	}
	w.stop(p)
}

// TestSupervised starts a server under a supervisor with a real datagram socket and a watchdog.
func TestSupervised(t *testing.T) {
	w := newWorld(t)
	socket := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	next := func() []string {
		t.Helper()
		b := make([]byte, 4096)
		if err := conn.SetReadDeadline(time.Now().Add(waitLimit)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(string(b[:n]), "\n")
	}
	p := w.start(settings(w.url, w.dir, "NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=300000"), "serve")
	c := w.api(p)
	if got := next(); got[0] != "READY=1" || !strings.Contains(got[1], c.base) {
		t.Errorf("at the start: %q", got)
	}
	for range 3 {
		if got := next(); !slices.Equal(got, []string{"WATCHDOG=1"}) {
			t.Errorf("a sign of life: %q", got)
		}
	}
	p.terminate()
	for {
		got := next()
		if slices.Equal(got, []string{"WATCHDOG=1"}) {
			continue
		}
		if !slices.Equal(got, []string{"STOPPING=1", "EXTEND_TIMEOUT_USEC=22500000"}) { // SHUTDOWN_TIMEOUT and forcedStopTimeout
			t.Errorf("at the stop: %q", got)
		}
		break
	}
	w.wait(p)
}

// TestAliveMeansThatTheAPIAnswers checks that the watchdog gets no signs of life from a process whose API does not answer.
func TestAliveMeansThatTheAPIAnswers(t *testing.T) {
	w := newWorld(t)
	a := w.app(roleAPI)
	if err := a.alive(w.ctx()); err != nil {
		t.Fatal(err)
	}
	hung, err := net.Listen("tcp", "127.0.0.1:0") // accepts connections, and answers none
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hung.Close() }()
	other := &app{cfg: a.cfg, server: a.server, addr: hung.Addr()}
	ctx, cancel := context.WithTimeout(w.ctx(), 200*time.Millisecond)
	defer cancel()
	if err := other.alive(ctx); err == nil {
		t.Error("an API that does not answer counts as alive")
	}
}

// TestSurplusArguments checks that no command runs something else than its arguments say.
func TestSurplusArguments(t *testing.T) {
	w := newWorld(t)
	for _, line := range []string{"serve worker", "serve --role api now", "worker all", "migrate down", "gc 30", "doctor x", "demo What?", "keys list all", "keys lst", "users x"} {
		status, _, errs := w.run(w.ctx(), settings(w.url, w.dir), strings.Fields(line)...)
		if status != 1 || !strings.Contains(errs, "--help") {
			t.Errorf("legwork %s: status %d\n%s", line, status, errs)
		}
	}
	status, out, _ := w.run(w.ctx(), settings(w.url, w.dir), "ask", "--help")
	if status != 0 || strings.Contains(out, "default: 0") {
		t.Errorf("ask --help: status %d\n%s", status, out)
	}
}
