//go:build unix

package main

import (
	"strings"
	"syscall"
	"testing"
)

// TestSignalsChangeTheLevelOfTheLog checks that SIGUSR1 makes a running process log at debug, and SIGUSR2 at LOG_LEVEL again.
func TestSignalsChangeTheLevelOfTheLog(t *testing.T) {
	w := newWorld(t)
	p := w.start(settings(w.url, w.dir, "LOG_LEVEL=info"), "serve")
	c := w.api(p)
	w.body(c, "/health/live")
	send := func(s syscall.Signal, line string) {
		t.Helper()
		if err := p.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		w.line(p, line)
	}
	send(syscall.SIGUSR1, `signal" to=DEBUG`)
	if strings.Contains(p.errs.String(), "path=/health/live") {
		t.Error("the request before the signal was logged")
	}
	w.body(c, "/health/live")
	line := w.line(p, "path=/health/live")
	if !strings.Contains(line, "component=requestlog request_id=") {
		t.Errorf("the line lacks its ids: %s", line)
	}
	send(syscall.SIGUSR2, `signal" to=INFO`)
	w.stop(p)
}
