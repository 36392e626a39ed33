package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"legwork/api"
	"legwork/internal/dbtest"
)

// pgTools returns the paths of pg_dump and pg_restore for a server. They have the server's version or else the next
// newer one, because older tools refuse the server.
func pgTools(t *testing.T, server int) (dump, restore string) {
	t.Helper()
	candidates, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump")
	if path, err := exec.LookPath("pg_dump"); err == nil {
		candidates = append(candidates, path)
	}
	major, best := regexp.MustCompile(`\(PostgreSQL\) (\d+)`), 0
	for _, path := range candidates {
		out, err := exec.Command(path, "--version").Output()
		found := major.FindSubmatch(out)
		if err != nil || found == nil {
			continue
		}
		n, _ := strconv.Atoi(string(found[1]))
		if n >= server && (best == 0 || n < best) {
			dump, best = path, n
		}
	}
	if dump == "" {
		t.Fatalf("the test's server is PostgreSQL %d, and none of %v can dump it: install postgresql-client-%d", server, candidates, server)
	}
	return dump, filepath.Join(filepath.Dir(dump), "pg_restore")
}

// TestRestoredDump runs pg_dump while tasks run, and restores the dump into a new database. A new process must finish
// every open task there, without repeating a call that is in the dumped journals.
func TestRestoredDump(t *testing.T) {
	w := newWorld(t)
	first := w.app(roleAll, "MAX_CONCURRENT_TASKS=3")
	c := newClient(first.apiURL())
	w.await(c, w.ask(c, nil).TaskID) // one task has ended
	release := w.site.Hold(heldPage)
	defer release()
	before := w.site.Count(heldPage)
	for range 7 { // three tasks run and have pages in their journals, four wait
		w.ask(c, nil)
	}
	if err := w.site.WaitFor(w.ctx(), heldPage, before+3); err != nil {
		t.Fatal(err)
	}
	stop := w.submitAndDelete(c)
	copied, dump := dbtest.Empty(t), filepath.Join(t.TempDir(), "legwork.dump")
	pgDump, pgRestore := pgTools(t, w.count("SELECT current_setting('server_version_num')::int / 10000"))
	command(t, pgDump, "--format=custom", "--file="+dump, w.url)
	if n := stop(); n < 3 {
		t.Errorf("only %d tasks came and went while it was dumped: that was no load", n)
	}
	first.Stop(w.ctx())
	command(t, pgRestore, "--no-owner", "--exit-on-error", "--dbname="+copied, dump)
	release()

	type open struct {
		ID    string
		Steps int
	}
	st := dbtest.Open(t, copied)
	rows, err := st.Pool().Query(w.ctx(), `SELECT id::text, (SELECT count(*) FROM steps WHERE task_id = id AND tool = 'navigate_to')
		FROM tasks WHERE status IN ('created','queued','running')`)
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := pgx.CollectRows(rows, pgx.RowToStructByPos[open])
	if err != nil || len(tasks) < 7 {
		t.Fatalf("%d open tasks were dumped: %v", len(tasks), err)
	}
	fresh, asked := 0, w.site.Count("/index.html")
	for _, task := range tasks {
		if task.Steps == 0 {
			fresh++
		}
	}
	if fresh > len(tasks)-3 {
		t.Errorf("%d of %d open tasks have no journal yet", fresh, len(tasks))
	}
	restored := &world{t: t, url: copied, dir: t.TempDir(), site: w.site}
	second := restored.serve(roleAll)
	for _, task := range tasks {
		if done := restored.await(second, task.ID); done.Status != api.StatusCompleted || done.Answer == nil {
			t.Errorf("after the restore task %s ended %s: %v", task.ID, done.Status, done.Error)
		}
		frames, _ := restored.frames(second, task.ID, 0)
		gapless(t, frames, 1)
	}
	if n := w.site.Count("/index.html") - asked; n != fresh {
		t.Errorf("the first page was loaded %d times after the restore, and %d tasks had not read it", n, fresh)
	}
	if findings, err := st.Worker().Audit(w.ctx()); err != nil || len(findings) > 0 {
		t.Errorf("audit: %v, %v", findings, err)
	}
}

// submitAndDelete submits up to forty tasks and deletes every second one, until stop is called. stop returns the
// number of submitted tasks.
func (w *world) submitAndDelete(c *client) (stop func() int) {
	ctx, cancel := context.WithCancel(w.ctx())
	var all sync.WaitGroup
	n := 0
	all.Go(func() {
		for ; ctx.Err() == nil && n < 40; n++ {
			var task api.Task
			in := map[string]any{"question": fmt.Sprintf("What is the default value of keep_warm_minutes? (%d)", n), "seedUrl": w.site.URL("/index.html")}
			err := c.do(ctx, http.MethodPost, "/api/tasks", in, &task)
			if err == nil && n%2 == 0 {
				err = c.do(ctx, http.MethodDelete, "/api/tasks/"+task.TaskID, nil, nil)
			}
			if err != nil && !errors.Is(err, context.Canceled) {
				w.t.Errorf("submit and delete: %v", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	return func() int {
		cancel()
		all.Wait()
		return n
	}
}

// command runs a program that must succeed.
func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}
