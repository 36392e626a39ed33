package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"legwork/api"
	"legwork/internal/dbtest"
	"legwork/internal/research"
)

// smallDisk mounts an empty file system of this size. Only root may, so the test is skipped for others.
func smallDisk(t *testing.T, dir string, size string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+",mode=0777")
	if errors.Is(err, syscall.EPERM) {
		t.Skip("only root may mount a file system")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// fillDisk writes a file until the file system of its folder is full, and returns its path.
func fillDisk(t *testing.T, dir string) string {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range []int{1 << 20, 4096, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, block))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// TestFullDiskOfFiles runs a task while the file system of the files is full. The task must complete, the API must serve its files
// from the database, and they must be written when there is room again.
func TestFullDiskOfFiles(t *testing.T) {
	w := newWorld(t)
	files := filepath.Join(w.dir, "artifacts")
	smallDisk(t, files, "64k")
	ballast := fillDisk(t, files)
	c := w.serve(roleAll)
	task := w.ask(c, nil)
	if done := w.await(c, task.TaskID); done.Status != api.StatusCompleted || done.Answer == nil {
		t.Fatalf("ended %s: %v", done.Status, done.Error)
	}
	var list api.Artifacts
	if err := c.do(w.ctx(), http.MethodGet, "/api/tasks/"+task.TaskID+"/artifacts", nil, &list); err != nil || len(list.Files) != 3 || !list.HasResult {
		t.Errorf("the list has %d files: %v", len(list.Files), err)
	}
	made := map[string]string{}
	for _, f := range list.Files {
		status, body := w.body(c, f.URL)
		if status != http.StatusOK || int64(len(body)) != f.Bytes {
			t.Errorf("%s: %d with %d bytes of %d", f.Name, status, len(body), f.Bytes)
		}
		made[f.Name] = string(body)
	}
	if n := w.count("SELECT count(*) FROM artifacts"); n != 0 {
		t.Errorf("%d files are recorded without room", n)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for name, want := range made {
		status, body := w.body(c, fmt.Sprintf("/artifacts/%s/%s", task.TaskID, name))
		kept, err := os.ReadFile(filepath.Join(files, task.TaskID, name))
		if status != http.StatusOK || string(body) != want || err != nil || string(kept) != want {
			t.Errorf("%s with room again: %d, the same: %v, on the disk the same: %v, %v", name, status, string(body) == want, string(kept) == want, err)
		}
	}
}

// TestFilesElsewhere reads the files of a task in a process with another folder than the worker's. Those that the database can make
// are served, and a picture is not said to be missing.
func TestFilesElsewhere(t *testing.T) {
	w := newWorld(t)
	a := w.app(roleAll)
	c := newClient(a.apiURL())
	task := w.ask(c, nil)
	w.await(c, task.TaskID)
	status, want := w.body(c, "/artifacts/"+task.TaskID+"/result.json")
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, want)
	}
	id := a.artifacts.ID(w.ctx())
	if n := w.count("SELECT count(*) FROM artifacts WHERE store_id = $1", id); n != 3 || id == "" {
		t.Errorf("%d of the files name the store %q", n, id)
	}
	other := &world{t: t, url: w.url, dir: t.TempDir(), site: w.site}
	far := other.serve(roleAPI)
	if status, body := other.body(far, "/artifacts/"+task.TaskID+"/result.json"); status != http.StatusOK || string(body) != string(want) {
		t.Errorf("result.json elsewhere: %d, the same: %v", status, string(body) == string(want))
	}
	picture := research.Artifact{Name: "shot-1.png", Kind: research.KindScreenshot, ContentType: "image/png", Bytes: 3, StoreID: id}
	if _, err := dbtest.Open(t, w.url).Worker().AddArtifacts(w.ctx(), uuid.MustParse(task.TaskID), picture); err != nil {
		t.Fatal(err)
	}
	if status, body := other.body(far, "/api/tasks/"+task.TaskID+"/screenshots/shot-1.png"); status != http.StatusServiceUnavailable || !strings.Contains(string(body), "file_elsewhere") {
		t.Errorf("a picture elsewhere: %d %s", status, body)
	}
	if status, body := w.body(c, "/api/tasks/"+task.TaskID+"/screenshots/shot-1.png"); status != http.StatusNotFound {
		t.Errorf("a picture that is lost: %d %s", status, body)
	}
	status, out, errs := other.run(w.ctx(), settings(w.url, other.dir), "doctor")
	if !strings.Contains(out, "4 files are in stores that this process cannot see") {
		t.Errorf("doctor elsewhere: %d\n%s\n%s", status, out, errs)
	}
}
