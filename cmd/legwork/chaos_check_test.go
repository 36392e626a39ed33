//go:build failpoints

package main_test

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/store"
)

// check checks the database, the files and the clients' logs after the faults.
func (c *chaos) check() {
	ctx, cancel := context.WithTimeout(context.Background(), c.form.waitLimit+time.Minute)
	defer cancel()
	st, err := store.Open(ctx, store.Config{URL: c.direct, MaxConns: 4, LeaseTTL: c.form.lease, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		c.t.Fatal(err)
	}
	defer st.Close()
	findings, err := st.Worker().Audit(ctx)
	if err != nil || len(findings) > 0 {
		c.t.Errorf("audit: %v, %v", findings, err)
	}
	number := func(sql string, args ...any) (n int) {
		if err := st.Pool().QueryRow(ctx, sql, args...).Scan(&n); err != nil {
			c.t.Error(err)
		}
		return n
	}
	if n := number("SELECT count(*) FROM tasks WHERE id NOT IN (SELECT task_id FROM tree_nodes WHERE parent_id IS NOT NULL)"); n != c.form.tasks || len(c.task) != n || len(c.gone) != c.form.deleted {
		c.t.Errorf("duplicated or lost: %d tasks are stored, %d were asked for, %d accepted; %d of %d were deleted",
			n, c.form.tasks, len(c.task), len(c.gone), c.form.deleted)
	}
	failed, loads, calls := 0, 0, modelCalls{}
	for i, id := range c.task {
		again, sum := c.checkTask(ctx, st, i, uuid.MustParse(id), &failed)
		loads, calls.steps, calls.repeated = loads+again, calls.steps+sum.steps, calls.repeated+sum.repeated
	}
	again := number("SELECT count(DISTINCT task_id) FROM runs WHERE epoch > 1 AND task_id NOT IN (SELECT task_id FROM tree_nodes WHERE parent_id IS NULL)")
	lost := number("SELECT count(*) FROM runs WHERE outcome = 'lost'")
	ended := number("SELECT count(*) FROM runs WHERE outcome IN ('handed_back','retry')")
	if float64(again) < c.form.resumed*float64(c.form.tasks) {
		c.t.Errorf("only %d of %d tasks were resumed: this was no chaos", again, c.form.tasks)
	}
	if float64(failed) > c.form.mayFail*float64(c.form.tasks) {
		c.t.Errorf("%d of %d tasks lost three workers in a row without a step", failed, c.form.tasks)
	}
	c.checkFiles(ctx, st)
	c.report(
		fmt.Sprintf("%d tasks: 0 lost, 0 stuck, 0 duplicated; %d failed as worker_lost; %d more were deleted", c.form.tasks, failed, c.form.deleted),
		fmt.Sprintf("%d of the tasks were deep; they had %d children", number("SELECT count(*) FROM tree_nodes WHERE parent_id IS NULL"), number("SELECT count(*) FROM tree_nodes WHERE parent_id IS NOT NULL")),
		fmt.Sprintf("%d of %d tasks that do not only wait for children were resumed; %d runs lost, %d handed back or tried again", again,
			number("SELECT count(*) FROM tasks WHERE id NOT IN (SELECT task_id FROM tree_nodes WHERE parent_id IS NULL)"), lost, ended),
		fmt.Sprintf("%d calls of the model journaled, %d in flight made again; %d page loads made again", calls.steps, calls.repeated, loads),
		c.checkRecoveries(ctx, st))
}

// checkTask checks one task: how it ended, its log as the client saw it, and how often its pages were loaded and its
// model was called. It returns the number of repeated page loads, and the counts of model calls.
func (c *chaos) checkTask(ctx context.Context, st *store.Store, i int, id uuid.UUID, failed *int) (again int, calls modelCalls) {
	task, epoch, err := st.Worker().TaskForRun(ctx, id)
	if err != nil {
		c.t.Errorf("lost: %v", err)
		return 0, calls
	}
	switch {
	case task.Status == "completed":
	case task.ErrorCode != nil && *task.ErrorCode == "worker_lost":
		*failed++
	default:
		c.t.Errorf("task %s ended %s: %v\n%s", id, task.Status, *task.Error, strings.Join(c.failures(id.String()), ""))
	}
	events, err := st.Worker().Events(ctx, id, 0, 10000)
	if err != nil {
		c.t.Error(err)
	}
	var rows []string
	for _, e := range events {
		rows = append(rows, string(e.Frame()))
	}
	if !slices.Equal(rows, c.logs[i]) {
		c.t.Errorf("client %d saw another log:\n%s\n--- the table:\n%s", i, strings.Join(c.logs[i], "\n"), strings.Join(rows, "\n"))
	}
	// Each run that is interrupted may interrupt one page load, which the next run repeats. No other load may be
	// repeated.
	loads := map[string]int{}
	for _, r := range c.site.Requests() {
		if strings.HasPrefix(r.Path, fmt.Sprintf("/chaos/%d/", i)) {
			if loads[r.Path]++; loads[r.Path] > 1 {
				again++
			}
		}
	}
	if isDeep(i) {
		epoch = 1 + c.interrupted(ctx, st, id)
	}
	if again > epoch-1 {
		c.t.Errorf("task %s repeated %d page loads in %d runs: %v", id, again, epoch, loads)
	}
	return again, c.checkModel(ctx, st, i, id, task.Status == "completed")
}

// checkFiles checks that every task has its files, that every file has a row and every row a file, and that deleted
// tasks left no files. It waits for the files of tasks that have just ended, because a job writes them and may have
// to be repeated.
func (c *chaos) checkFiles(ctx context.Context, st *store.Store) {
	wait := time.Now().Add(c.form.waitLimit)
	for {
		orphans := c.orphans(ctx, st)
		if len(orphans) == 0 {
			return
		}
		if time.Now().After(wait) {
			c.t.Errorf("%d artifacts are orphans or missing: %v", len(orphans), orphans)
			return
		}
		pause(ctx, 100*time.Millisecond)
	}
}

// orphans lists files without a row and rows without a file.
func (c *chaos) orphans(ctx context.Context, st *store.Store) (out []string) {
	rows, err := st.Worker().AllArtifacts(ctx)
	if err != nil {
		return []string{err.Error()}
	}
	want := map[string]int64{}
	for _, r := range rows {
		want[r.TaskID.String()+"/"+r.Name] = r.Bytes
	}
	for _, id := range c.task {
		for _, name := range []string{"result.json", "sources.json", "logs.txt"} {
			if _, ok := want[id+"/"+name]; !ok {
				out = append(out, id+"/"+name+" is not recorded")
			}
		}
	}
	root := filepath.Join(c.dir, "artifacts")
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if c.gone[name] {
				out = append(out, name+" is of a deleted task")
			}
			return nil
		}
		if name == ".legwork-store" { // the id of the folder, which belongs to no task
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if size, ok := want[name]; !ok || size != info.Size() {
			out = append(out, fmt.Sprintf("%s has %d bytes, recorded are %d", name, info.Size(), size))
		}
		delete(want, name)
		return nil
	})
	if err != nil {
		out = append(out, err.Error())
	}
	for name := range want {
		out = append(out, name+" is recorded and not there")
	}
	return out
}

// checkProcesses checks that no process is left that has the test's folder in its environment, neither of legwork nor of a
// browser.
func (c *chaos) checkProcesses() {
	list, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range list {
		environ, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(environ), "LEGWORK_HOME="+c.dir+"\x00") {
			continue
		}
		name, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if len(name) > 0 { // an empty name belongs to a zombie, a process that has ended
			c.t.Errorf("a process is left: %s %s", filepath.Dir(path), strings.ReplaceAll(string(name), "\x00", " "))
		}
	}
}

// checkConnections checks that no database connection is left after all processes have ended.
func (c *chaos) checkConnections() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.direct)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	left := -1
	for left != 0 && ctx.Err() == nil {
		err := conn.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`).Scan(&left)
		if err != nil {
			break
		}
		pause(ctx, 50*time.Millisecond)
	}
	if left != 0 {
		c.t.Errorf("%d connections are left", left)
	}
}
