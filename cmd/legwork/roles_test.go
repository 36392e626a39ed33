package main

import (
	"context"
	"crypto/rand"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"legwork/api"
)

// TestLeastPrivilege runs the whole program with a database role that may only read and write rows: it starts,
// researches, writes files, streams, deletes and stops. The role that owns the schema has created it before.
func TestLeastPrivilege(t *testing.T) {
	w := newWorld(t)
	if status, out, errs := w.run(w.ctx(), settings(w.url, w.dir), "migrate", "--grants"); status != 0 || !strings.Contains(out, "legwork_app") {
		t.Fatalf("migrate --grants: status %d\n%s%s", status, out, errs)
	}
	admin, err := pgx.Connect(w.ctx(), w.url)
	if err != nil {
		t.Fatal(err)
	}
	name := "legwork_test_" + strings.ToLower(rand.Text()[:12])
	if _, err := admin.Exec(w.ctx(), "CREATE ROLE "+name+" LOGIN PASSWORD 'x' IN ROLE legwork_app"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the program has stopped
		if _, err := admin.Exec(context.Background(), "DROP ROLE "+name); err != nil {
			t.Error(err)
		}
		_ = admin.Close(context.Background())
	})
	u, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(name, "x")
	w.url = u.String()
	c := w.serve(roleAll)
	task := w.await(c, w.ask(c, nil).TaskID)
	if task.Status != "completed" {
		t.Errorf("the task is %s: %v", task.Status, task.Error)
	}
	var files api.Artifacts
	if err := c.do(w.ctx(), "GET", "/api/tasks/"+task.TaskID+"/artifacts", nil, &files); err != nil || !files.Exists {
		t.Errorf("files: %v, %v", files, err)
	}
	if err := c.do(w.ctx(), "DELETE", "/api/tasks/"+task.TaskID, nil, nil); err != nil {
		t.Error(err)
	}
	if status, out, errs := w.run(w.ctx(), settings(w.url, w.dir), "gc"); status != 0 {
		t.Errorf("gc: status %d\n%s%s", status, out, errs)
	}
	if _, err := admin.Exec(w.ctx(), "DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)"); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := w.run(w.ctx(), settings(w.url, w.dir), "migrate"); status != 1 || !strings.Contains(errs, "may not change the schema") {
		t.Errorf("a migration as this role: status %d\n%s", status, errs)
	}
}
