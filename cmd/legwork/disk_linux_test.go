package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"unsafe"

	"legwork/api"
	"legwork/internal/dbtest"
)

// limitFiles bounds the size of the files that a process may write. A write beyond this size stops in the middle, as
// on a full disk.
func limitFiles(t *testing.T, p *process, bytes uint64) {
	t.Helper()
	limit := syscall.Rlimit{Cur: bytes, Max: ^uint64(0)}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(p.cmd.Process.Pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
}

// TestDiskFull runs a task while its files cannot be written. The task must complete, with its answer in the
// database. No incomplete file may remain, and the files must be written when there is space again.
func TestDiskFull(t *testing.T) {
	w := newWorld(t)
	c := w.serve(roleAPI)
	p := w.start(settings(w.url, w.dir), "worker")
	w.line(p, "legwork starts")
	limitFiles(t, p, 100)
	task := w.ask(c, nil)
	if done := w.await(c, task.TaskID); done.Status != api.StatusCompleted || done.Answer == nil || len(done.Citations) == 0 {
		t.Fatalf("ended %s: %v", done.Status, done.Error)
	}
	st := dbtest.Open(t, w.url)
	number := func(sql string) (n int) {
		if err := st.Pool().QueryRow(w.ctx(), sql, task.TaskID).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	eventually(t, "the files could not be written", func() bool {
		return number("SELECT coalesce(cardinality(errors), 0) FROM river_job WHERE kind = 'artifacts' AND args->>'taskId' = $1") > 0
	})
	left, _ := filepath.Glob(filepath.Join(w.dir, "artifacts", task.TaskID, "*"))
	if n := number("SELECT count(*) FROM artifacts WHERE task_id::text = $1"); n != 0 || len(left) != 0 {
		t.Errorf("without room %d files are recorded and %v are left", n, left)
	}
	limitFiles(t, p, ^uint64(0))
	eventually(t, "the files are written", func() bool { return number("SELECT count(*) FROM artifacts WHERE task_id::text = $1") == 3 })
	for _, name := range []string{"result.json", "sources.json", "logs.txt"} {
		status, body := w.body(c, fmt.Sprintf("/api/tasks/%s/artifacts/%s", task.TaskID, name))
		info, err := os.Stat(filepath.Join(w.dir, "artifacts", task.TaskID, name))
		if err != nil || status != http.StatusOK || int64(len(body)) != info.Size() || len(body) <= 100 {
			t.Errorf("%s: %d with %d bytes, %v", name, status, len(body), err)
		}
	}
}
