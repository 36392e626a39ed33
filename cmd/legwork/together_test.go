package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"legwork/api"
)

const keepWarm = "What is the default value of keep_warm_minutes?"

// folders lists the task folders of an artifact folder.
func folders(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "artifacts"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// TestAskBesideWorkers asks on a database where a worker is alive. The worker must research the question, and its files must be
// in its folder, not in the asker's.
func TestAskBesideWorkers(t *testing.T) {
	w := newWorld(t)
	w.line(w.start(settings(w.url, w.dir), "worker"), "legwork starts")
	eventually(t, "the worker is alive", func() bool { return w.count("SELECT count(*) FROM workers") == 1 })
	own := t.TempDir()
	status, out, errs := w.run(w.ctx(), settings(w.url, own), "ask", "--seed-url", w.site.URL("/index.html"), keepWarm)
	if status != 0 || !strings.Contains(out, "25 minutes") {
		t.Fatalf("status %d\n%s\n%s", status, out, errs)
	}
	if n := w.count("SELECT count(*) FROM runs WHERE worker_id = (SELECT id FROM workers)"); n != 1 {
		t.Errorf("the worker had %d runs, want 1", n)
	}
	eventually(t, "its files are there", func() bool { return len(folders(t, w.dir)) == 1 })
	if left := folders(t, own); len(left) != 0 {
		t.Errorf("the asker keeps files of %v", left)
	}
}

// TestAskAlone asks on a database where tasks of others wait and no worker is alive. The asker must research its own question
// and nothing else, and leave the files to the workers that come later.
func TestAskAlone(t *testing.T) {
	w := newWorld(t)
	c := w.serve(roleAPI)
	var others []string
	for range 3 {
		others = append(others, w.ask(c, map[string]any{"priority": "high"}).TaskID)
	}
	own := t.TempDir()
	status, out, errs := w.run(w.ctx(), settings(w.url, own), "ask", "--seed-url", w.site.URL("/index.html"), "Which port is listen_port?")
	if status != 0 || !strings.Contains(out, "Citations") {
		t.Fatalf("status %d\n%s\n%s", status, out, errs)
	}
	for _, id := range others {
		if task := w.get(c, id); task.Status != api.StatusQueued || w.count("SELECT count(*) FROM runs WHERE task_id = $1", id) != 0 {
			t.Errorf("a task of others: %s, with runs", task.Status)
		}
	}
	if left := folders(t, own); len(left) != 0 {
		t.Errorf("the asker keeps files of %v", left)
	}
	w.start(settings(w.url, w.dir), "worker")
	for _, id := range others {
		if done := w.await(c, id); done.Status != api.StatusCompleted {
			t.Errorf("afterwards: %s", done.Status)
		}
	}
	eventually(t, "all files are written by the worker", func() bool { return len(folders(t, w.dir)) == 4 })
}

// TestAskIsLeftAlone checks that workers that start while an asker works by itself do not take its question, and that they
// take it when the asker is killed.
func TestAskIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	release := w.site.Hold("/index.html")
	defer release()
	asker := w.start(settings(w.url, t.TempDir(), "LEASE_TTL=2s"), "ask", "--seed-url", w.site.URL("/index.html"), keepWarm)
	if err := w.site.WaitFor(w.ctx(), "/index.html", 1); err != nil {
		t.Fatal(err)
	}
	c := w.serve(roleAPI, "LEASE_TTL=2s")
	w.start(settings(w.url, w.dir, "LEASE_TTL=2s"), "worker")
	other := w.ask(c, map[string]any{"seedUrl": w.site.URL("/manual/settings-heating.html"), "maxPages": 1})
	w.await(c, other.TaskID)
	if n := w.count("SELECT count(*) FROM runs"); n != 2 {
		t.Errorf("%d runs of two tasks", n)
	}
	if err := asker.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	release()
	var list api.TaskList
	if err := c.do(w.ctx(), "GET", "/api/tasks", nil, &list); err != nil || list.Total != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	if done := w.await(c, list.Tasks[1].TaskID); done.Status != api.StatusCompleted {
		t.Errorf("the question of the killed asker: %s", done.Status)
	}
}
