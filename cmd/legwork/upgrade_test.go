package main

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"legwork/api"
	"legwork/internal/dbtest"
	"legwork/internal/testsite"
)

// lastRelease builds the program of the last release and returns its path. testdata/last-release has its commit. Without that commit in
// the history, as in a shallow clone, the test is skipped.
func lastRelease(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/last-release")
	if err != nil {
		t.Fatal(err)
	}
	commit := strings.TrimSpace(string(raw))
	git := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "safe.directory=*"}, args...)...)
		cmd.Dir = "../.."
		return cmd
	}
	if out, err := git("cat-file", "-e", commit+"^{commit}").CombinedOutput(); err != nil {
		t.Skipf("the old and the new program are not run together, because the history of this checkout lacks the last release %s: git fetch --unshallow (%s)", commit, out)
	}
	dir := t.TempDir()
	archive := filepath.Join(dir, "release.tar")
	if out, err := git("archive", "--output="+archive, commit).CombinedOutput(); err != nil {
		t.Fatalf("git archive: %v: %s", err, out)
	}
	if out, err := exec.CommandContext(t.Context(), "tar", "-xf", archive, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: %s", err, out)
	}
	binary := filepath.Join(dir, "legwork-"+commit[:7])
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", binary, "./cmd/legwork")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the last release: %v: %s", err, out)
	}
	return binary
}

// TestRollingUpgrade runs processes of the last release and of this version on one database. The new version migrates while the old
// processes work, and from then on both serve and work, until the old ones are stopped. No request may fail, and every task must end.
func TestRollingUpgrade(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the last release")
	}
	t.Parallel()
	old := lastRelease(t)
	w := &world{t: t, url: dbtest.Empty(t), dir: t.TempDir(), site: testsite.Start(t)}
	env := settings(w.url, w.dir)
	oldAPI, oldWorker := w.launch(exec.Command(old, "serve", "--role", "api"), env), w.launch(exec.Command(old, "worker"), env)
	a := w.api(oldAPI)
	completed := func(c *client, id string) {
		t.Helper()
		if done := w.await(c, id); done.Status != api.StatusCompleted {
			t.Errorf("task %s ended %s: %v", id, done.Status, done.Error)
		}
	}
	completed(a, w.ask(a, nil).TaskID)
	release := w.site.Hold(heldPage)
	defer release()
	running := w.ask(a, nil)
	if err := w.site.WaitFor(w.ctx(), heldPage, 1); err != nil {
		t.Fatal(err)
	}
	const version = "SELECT max(version_id)::int FROM goose_db_version"
	before := w.count(version)

	b := w.api(w.start(env, "serve", "--role", "api")) // migrates while the old worker is in the middle of a task
	if after := w.count(version); after <= before {
		t.Logf("the schema of the last release is that of this version (%d)", after)
	}
	release()
	completed(a, running.TaskID) // by the old worker, on the new schema
	w.start(env, "worker")
	apis := []*client{a, b}
	var asked []api.Task
	for i := range 6 {
		asked = append(asked, w.ask(apis[i%2], nil))
	}
	for i, task := range asked {
		completed(apis[(i+1)%2], task.TaskID) // followed at the other API
	}
	for i, c := range apis {
		var list api.TaskList
		if err := c.do(w.ctx(), http.MethodGet, "/api/tasks?q=keep_warm&status=completed", nil, &list); err != nil || list.Total != int64(len(asked)+2) {
			t.Errorf("API %d lists %d tasks: %v", i, list.Total, err)
		}
		id := asked[i].TaskID
		var again api.Task
		err := errors.Join(c.do(w.ctx(), http.MethodPost, "/api/tasks/"+id+"/rerun", nil, &again), c.do(w.ctx(), http.MethodDelete, "/api/tasks/"+id, nil, nil))
		if err != nil {
			t.Errorf("API %d: %v", i, err)
		}
		completed(c, again.TaskID)
	}

	w.stop(oldWorker)
	restarted := w.api(w.launch(exec.Command(old, "serve", "--role", "api"), env)) // an old process that is started again on the new schema
	completed(restarted, w.ask(restarted, nil).TaskID)
	w.stop(oldAPI)
	completed(b, w.ask(b, nil).TaskID)
	if findings, err := dbtest.Open(t, w.url).Worker().Audit(w.ctx()); err != nil || len(findings) > 0 {
		t.Errorf("audit: %v, %v", findings, err)
	}
}
