package main

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestKilledWorkerLeavesNoBrowser kills a worker whose Chromium shows a page. All processes of Chromium must end.
func TestKilledWorkerLeavesNoBrowser(t *testing.T) {
	w := newWorld(t)
	// The folder holds Chromium's profile. The test recognises Chromium's processes by this folder. Its name is
	// short, because the path of a socket has a maximum length.
	temp, err := os.MkdirTemp("", "lw") //nolint:usetesting // a folder made by t.TempDir would have too long a name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(temp) })
	browsers := func() (n int) {
		list, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, path := range list {
			if line, err := os.ReadFile(path); err == nil && bytes.Contains(line, []byte("--user-data-dir="+temp)) {
				n++
			}
		}
		return n
	}
	c := w.serve(roleAPI)
	defer w.site.Hold("/app/data.json")()
	p := w.start(settings(w.url, w.dir, "BROWSER=auto", "TMPDIR="+temp), "worker")
	w.ask(c, descaling(w))
	if err := w.site.WaitFor(w.ctx(), "/app/data.json", 1); err != nil {
		t.Fatal(err)
	}
	if browsers() == 0 {
		t.Fatal("there is no Chromium of the worker")
	}
	if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "Chromium ends with its worker", func() bool { return browsers() == 0 })
}
