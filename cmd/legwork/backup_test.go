package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"legwork/api"
	"legwork/internal/dbtest"
)

// TestBackupWhileTasksRun writes a backup while tasks run, come and go, and restores it into an empty database. A new process
// must finish the open tasks there, and the finished one must have its files.
func TestBackupWhileTasksRun(t *testing.T) {
	w := newWorld(t)
	first := w.app(roleAll, "MAX_CONCURRENT_TASKS=3")
	c := newClient(first.apiURL())
	done := w.await(c, w.ask(c, nil).TaskID)
	release := w.site.Hold(heldPage)
	defer release()
	before := w.site.Count(heldPage)
	for range 5 { // three run and have pages in their journals, two wait
		w.ask(c, nil)
	}
	if err := w.site.WaitFor(w.ctx(), heldPage, before+3); err != nil {
		t.Fatal(err)
	}
	stop := w.submitAndDelete(c)
	file := filepath.Join(t.TempDir(), "legwork.tar.zst")
	status, _, errs := w.run(w.ctx(), settings(w.url, w.dir), "backup", file)
	if stop(); status != 0 {
		t.Fatalf("backup: %d\n%s", status, errs)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup's file: %v, %v", info, err)
	}
	if status, _, errs := w.run(w.ctx(), settings(w.url, w.dir), "backup", file); status != 1 || !strings.Contains(errs, "exists already") {
		t.Errorf("a second backup to the same file: %d\n%s", status, errs)
	}
	if status, _, errs := w.run(w.ctx(), settings(w.url, w.dir), "restore", file); status != 1 || !strings.Contains(errs, "empty") {
		t.Errorf("a restore over the original: %d\n%s", status, errs)
	}
	first.Stop(w.ctx())

	restored := &world{t: t, url: dbtest.Empty(t), dir: t.TempDir(), site: w.site}
	status, out, errs := restored.run(w.ctx(), settings(restored.url, restored.dir), "restore", file)
	if status != 0 || !strings.Contains(out, "audit found nothing") {
		t.Fatalf("restore: %d\n%s\n%s", status, out, errs)
	}
	release()
	second := restored.serve(roleAll)
	var list api.TaskList
	if err := second.do(w.ctx(), http.MethodGet, "/api/tasks?limit=500", nil, &list); err != nil || len(list.Tasks) < 6 {
		t.Fatalf("%d tasks, %v", len(list.Tasks), err)
	}
	for _, task := range list.Tasks {
		if got := restored.await(second, task.TaskID); got.Status != api.StatusCompleted && got.Status != api.StatusCancelled { // one that was being deleted
			t.Errorf("task %s ended %s: %v", task.TaskID, got.Status, got.Error)
		}
	}
	if status, body := restored.body(second, "/artifacts/"+done.TaskID+"/result.json"); status != http.StatusOK || !bytes.Contains(body, []byte(*done.Answer)[:20]) {
		t.Errorf("result.json of the finished task: %d %s", status, body)
	}
	if findings, err := dbtest.Open(t, restored.url).Worker().Audit(w.ctx()); err != nil || len(findings) > 0 {
		t.Errorf("audit: %v, %v", findings, err)
	}
}

// TestEmbeddedBackup backs an embedded database up while a server runs it, restores it into another folder, and looks into it by
// legwork psql.
func TestEmbeddedBackup(t *testing.T) {
	w := newWorld(t)
	env := embedded(w.dir, "FETCH_ALLOW_NETS=127.0.0.0/8", "REQUEST_DELAY_MIN=0", "REQUEST_DELAY_MAX=0", "BROWSER=off")
	server := w.start(env, "serve")
	c := w.api(server)
	w.await(c, w.ask(c, nil).TaskID)
	var archive bytes.Buffer
	p := &program{environ: env, in: strings.NewReader(""), out: &archive, errOut: &bytes.Buffer{}}
	if status := p.run(w.ctx(), []string{"legwork", "backup", "-"}); status != 0 {
		t.Fatalf("backup: %d %s", status, p.errOut)
	}
	const count = "SELECT count(*) FROM tasks WHERE status = 'completed'"
	if status, out, errs := w.run(w.ctx(), env, "psql", "-XAtqc", count); status != 0 || strings.TrimSpace(out) != "1" {
		t.Errorf("psql beside a server: %d %q %s", status, out, errs)
	}
	w.stop(server)
	other := embedded(t.TempDir())
	var out, errs bytes.Buffer
	p = &program{environ: other, in: &archive, out: &out, errOut: &errs}
	if status := p.run(w.ctx(), []string{"legwork", "restore", "-"}); status != 0 || !strings.Contains(out.String(), "audit found nothing") {
		t.Fatalf("restore: %d %s %s", status, out.String(), errs.String())
	}
	if status, out, errs := w.run(w.ctx(), other, "psql", "-XAtqc", count); status != 0 || strings.TrimSpace(out) != "1" {
		t.Errorf("psql afterwards: %d %q %s", status, out, errs)
	}
	if status, _, errs := w.run(w.ctx(), other, "psql", "-Xc", "SELECT nothing"); status == 0 || !strings.Contains(errs, "nothing") {
		t.Errorf("an error of psql: %d %s", status, errs)
	}
}

// TestPointInTime practises a recovery to a point in time with PostgreSQL's own programs.
func TestPointInTime(t *testing.T) {
	t.Parallel()
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pg_basebackup"); len(found) == 0 {
		t.Skip("there is no pg_basebackup")
	}
	cmd := exec.Command("bash", "../../scripts/point-in-time.sh")
	cmd.Env = append(os.Environ(), asLegwork+"=1", "LEGWORK="+os.Args[0])
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "The recovery works") {
		t.Errorf("%v\n%s", err, out)
	}
}
