package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"legwork/internal/testsite"
)

// maxWorkerMemory bounds the resident memory of a worker and its parser processes together, in bytes.
const maxWorkerMemory = 512 << 20

// TestHostileDocuments lets a worker read documents that are made to use up time and memory. Each must be read or
// refused. The memory of the worker and its parser processes must stay below maxWorkerMemory, and the worker must not
// crash.
func TestHostileDocuments(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program and takes a minute")
	}
	w := newWorld(t)
	documents := map[string]testsite.Hostile{}
	for _, d := range testsite.HostileDocuments() {
		documents["/"+d.Name] = d
	}
	site := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		d, ok := documents[r.URL.Path]
		if !ok {
			http.NotFound(rw, r)
			return
		}
		rw.Header().Set("Content-Type", d.ContentType)
		_, _ = rw.Write(d.Body)
	}))
	defer site.Close()

	// The worker runs a binary built here and not the test binary, because with the race detector a program needs
	// many times the memory.
	program := filepath.Join(t.TempDir(), "legwork")
	build := exec.CommandContext(w.ctx(), "go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c := w.serve(roleAPI)
	worker := exec.CommandContext(t.Context(), program, "worker")
	worker.Env = append(settings(w.url, w.dir, "LOG_LEVEL=warn"), "PATH="+os.Getenv("PATH"), "MAX_CONCURRENT_TASKS=3")
	log := &testLog{t: t}
	worker.Stderr, worker.Stdout = log, log
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	var peak, processes int
	go func() {
		defer close(stopped)
		tick := time.NewTicker(25 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				n, used := familyMemory(worker.Process.Pid)
				peak, processes = max(peak, used), max(processes, n)
			}
		}
	}()

	// These documents take much memory, and one of them takes all of its time limit. The tests of package parser
	// read other documents of this kind.
	names := []string{"/form-bomb.pdf", "/million-links.html", "/endless-word.html", "/cells.html", "/manual.html", "/paragraphs.html",
		"/table.md", "/text-bomb.pdf", "/garbage.pdf", "/deep.json"}
	began, tasks := time.Now(), map[string]string{}
	for _, name := range names {
		tasks[name] = w.ask(c, map[string]any{"seedUrl": site.URL + name, "maxPages": 1, "timeBudget": 300}).TaskID
	}
	for _, name := range names {
		if err := c.follow(t.Context(), tasks[name], func(event) error { return nil }); err != nil { // tasks may end in another order, so each is followed to its end
			t.Fatalf("follow %s: %v", name, err)
		}
		task := w.get(c, tasks[name])
		known := w.count("SELECT count(*) FROM visits WHERE url = $1 AND outcome IN ('ok', 'too_large', 'unreadable_type', 'empty')", site.URL+name)
		read := w.count("SELECT count(*) FROM visits WHERE url = $1 AND outcome = 'ok'", site.URL+name)
		t.Logf("%-24s task %s after %.1f s, read: %v", name, task.Status, time.Since(began).Seconds(), read > 0)
		if known != 1 {
			t.Errorf("%s was neither read nor refused", name)
		}
	}
	close(stop)
	<-stopped
	t.Logf("at most %d processes with %d MiB together", processes, peak>>20)
	if peak > maxWorkerMemory {
		t.Errorf("the worker and its parser processes took %d MiB, more than %d", peak>>20, maxWorkerMemory>>20)
	}
	if processes < 2 {
		t.Error("no parser process was seen")
	}
	if err := worker.Process.Signal(os.Interrupt); err != nil {
		t.Errorf("the worker is gone: %v", err)
	}
	_ = worker.Wait()
}

// familyMemory returns the number of processes in the tree below root, including root, and their resident memory in
// bytes.
func familyMemory(root int) (n, used int) {
	list, _ := filepath.Glob("/proc/[0-9]*/stat")
	parent, size := map[int]int{}, map[int]int{}
	for _, path := range list {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
		pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
		if len(fields) < 22 {
			continue
		}
		parent[pid], _ = strconv.Atoi(fields[1])
		pages, _ := strconv.Atoi(fields[21])
		size[pid] = pages * os.Getpagesize()
	}
	for pid := range size {
		for p, hops := pid, 0; p > 1 && hops < 10; p, hops = parent[p], hops+1 {
			if p == root {
				n, used = n+1, used+size[pid]
				break
			}
		}
	}
	return n, used
}
