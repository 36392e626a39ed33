package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"legwork/api"
	"legwork/cmd/legwork/commands"
	"legwork/internal/pgembed"
	"legwork/internal/store"
	"legwork/internal/testsite"
)

// cpu returns the processor time that a process has used, in clock ticks of a hundredth of a second (proc_pid_stat(5)).
func cpu(t *testing.T, p *process) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		t.Fatalf("%s", text)
	}
	return user + system
}

// TestFullDiskOfDatabase fills the disk of a database while a task runs. Submissions must get 503, health must say what is wrong, what
// is stored must be readable, the run must wait without a busy loop, and everything that was accepted must complete when
// there is room again.
func TestFullDiskOfDatabase(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	smallDisk(t, disk, "400m")
	server, err := pgembed.Start(t.Context(), pgembed.Config{Home: filepath.Join(disk, "home"), Fast: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(t.Context()) })
	w := &world{t: t, url: server.URL(), dir: t.TempDir(), site: testsite.Start(t)}
	p := w.start(settings(w.url, w.dir), "serve")
	c := w.api(p)
	idle := w.serve(roleAPI) // a process that never writes
	first := w.await(c, w.ask(c, nil).TaskID)
	release := w.site.Hold(heldPage)
	defer release()
	before := w.site.Count(heldPage)
	accepted := []string{first.TaskID, w.ask(c, nil).TaskID}
	if err := w.site.WaitFor(w.ctx(), heldPage, before+1); err != nil {
		t.Fatal(err)
	}
	ballast := fillDisk(t, disk)

	var refusal error
	eventually(t, "a submission is refused", func() bool { // the first ones may find room in the pages of the tables
		in := map[string]any{"question": strings.Repeat("Is there room? ", 60), "seedUrl": w.site.URL("/index.html"), "maxPages": 1}
		task, err := c.submit(w.ctx(), in)
		if err == nil {
			accepted = append(accepted, task.TaskID)
		}
		refusal = err
		return err != nil
	})
	if e, ok := refusal.(*apiError); !ok || e.Status != http.StatusServiceUnavailable || e.Code != "unavailable" {
		t.Errorf("a submission: %v", refusal)
	}
	var health api.Health
	if err := c.do(w.ctx(), http.MethodGet, "/health", nil, &health); err != nil || health.Status != api.HealthStatusDegraded || health.Database.NoRoom == nil || !*health.Database.NoRoom {
		t.Errorf("health: %+v, %v", health, err)
	}
	eventually(t, "a process that writes nothing knows it too", func() bool {
		return idle.do(w.ctx(), http.MethodGet, "/health", nil, &health) == nil && health.Status == api.HealthStatusDegraded && *health.Database.NoRoom
	})
	if got := w.get(c, first.TaskID); got.Status != api.StatusCompleted || got.Answer == nil {
		t.Errorf("a stored task: %s", got.Status)
	}
	if status, out, _ := w.run(w.ctx(), settings(w.url, w.dir), "doctor"); status != commands.ExitFailed || !strings.Contains(out, "disk of the database is full") {
		t.Errorf("doctor: %d\n%s", status, out)
	}
	release()
	used, began := cpu(t, p), time.Now()
	<-time.After(4 * time.Second) // the window of the measurement
	share := float64(cpu(t, p)-used) / 100 / time.Since(began).Seconds()
	t.Logf("%.0f%% of a core while nothing can be stored, %d bytes of log", 100*share, len(p.errs.String()))
	if share > 0.5 {
		t.Errorf("it uses %.0f%% of a core while nothing can be stored", 100*share)
	}
	if got := w.get(c, accepted[1]); got.Status == api.StatusFailed || got.Status == api.StatusCancelled { // it may have completed, if its last rows found room in pages of the tables
		t.Errorf("the task that was running is %s: %v", got.Status, got.Error)
	}

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	room := time.Now()
	for _, id := range accepted {
		if done := w.await(c, id); done.Status != api.StatusCompleted {
			t.Errorf("task %s ended %s: %v", id, done.Status, done.Error)
		}
	}
	t.Logf("%d tasks ended within %v after there was room", len(accepted), time.Since(room).Round(time.Millisecond))
	for _, c := range []*client{c, idle} {
		eventually(t, "health is healthy again", func() bool {
			return c.do(w.ctx(), http.MethodGet, "/health", nil, &health) == nil && health.Status == api.HealthStatusHealthy
		})
	}
	st, err := store.Open(w.ctx(), store.Config{URL: w.url, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if findings, err := st.Worker().Audit(w.ctx()); err != nil || len(findings) > 0 {
		t.Errorf("audit: %v, %v", findings, err)
	}
}
