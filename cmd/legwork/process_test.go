package main

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"legwork/api"
	"legwork/internal/testsite"
)

// TestStreamsAcrossProcesses runs two API processes and one worker on one database. WebSockets that are opened on
// both API processes before, during and after the run must get the same log without gaps. A stream with a cursor must
// get exactly the events after the cursor.
func TestStreamsAcrossProcesses(t *testing.T) {
	w := newWorld(t)
	env := settings(w.url, w.dir)
	first, second := w.start(env, "serve", "--role", "api"), w.start(env, "serve", "--role=api")
	a, b := w.api(first), w.api(second)
	release := w.site.Hold("/manual/settings-heating.html")
	defer release()
	task := w.ask(a, nil)
	if task.Status != api.StatusQueued {
		t.Errorf("without a worker: %s, want queued", task.Status)
	}
	type log struct {
		frames []string
		status websocket.StatusCode
		err    error
	}
	streams := make(chan log, 8)
	open := func(c *client) {
		go func() {
			var l log
			l.frames, l.status, l.err = readFrames(w.t.Context(), c, task.TaskID, 0)
			streams <- l
		}()
	}
	open(a) // before
	open(b)
	w.start(env, "worker")
	if err := w.site.WaitFor(w.ctx(), "/manual/settings-heating.html", 1); err != nil {
		t.Fatal(err)
	}
	open(a) // during
	open(b)
	release()
	done := w.await(b, task.TaskID)
	open(a) // after
	open(b)
	want, _ := w.frames(a, task.TaskID, 0)
	gapless(t, want, 1)
	if int64(len(want)) != done.LastSeq || done.Status != api.StatusCompleted {
		t.Errorf("%d frames, lastSeq %d, %s", len(want), done.LastSeq, done.Status)
	}
	for range 6 {
		l := <-streams
		if l.err != nil || l.status != websocket.StatusNormalClosure {
			t.Errorf("closed with %d, %v", l.status, l.err)
		}
		same(t, "a stream", l.frames, want)
	}
	for after := range want {
		rest, _ := w.frames([]*client{a, b}[after%2], task.TaskID, int64(after))
		same(t, "the rest", rest, want[after:])
	}
	w.stop(first)
	w.stop(second)
}

// TestTerminatedWorker sends SIGTERM to a worker during a run. The worker must hand the task back, and the next
// worker must continue from the journal without requesting a page again.
func TestTerminatedWorker(t *testing.T) {
	w := newWorld(t)
	c := w.serve(roleAPI)
	release := w.site.Hold("/manual/settings-heating.html")
	defer release()
	worker := w.start(settings(w.url, w.dir), "worker")
	task := w.ask(c, nil)
	if err := w.site.WaitFor(w.ctx(), "/manual/settings-heating.html", 1); err != nil {
		t.Fatal(err)
	}
	w.stop(worker)
	if got := w.get(c, task.TaskID); got.Status != api.StatusQueued {
		t.Errorf("after SIGTERM: %s, want queued", got.Status)
	}
	steps := w.count("SELECT count(*) FROM steps WHERE task_id = $1", task.TaskID)
	read := map[string]int{}
	for _, r := range w.site.Requests() {
		read[r.Path]++
	}
	if steps == 0 {
		t.Fatal("nothing was journaled before the stop")
	}
	release()
	w.start(settings(w.url, w.dir), "worker")
	done := w.await(c, task.TaskID)
	if done.Status != api.StatusCompleted {
		t.Fatalf("ended %s: %v", done.Status, done.Error)
	}
	for _, r := range w.site.Requests() {
		if r.Path != "/robots.txt" && r.Path != "/manual/settings-heating.html" && read[r.Path] > 0 && w.site.Count(r.Path) > read[r.Path] {
			t.Errorf("%s was read again after it was journaled", r.Path)
		}
	}
	if n := w.count("SELECT count(*) - count(DISTINCT args::text) FROM steps WHERE task_id = $1", task.TaskID); n != 0 {
		t.Errorf("%d steps were repeated", n)
	}
	frames, _ := w.frames(c, task.TaskID, 0)
	gapless(t, frames, 1)
	all := strings.Join(frames, "\n")
	if strings.Count(all, `"status":"running"`) != 2 || strings.Count(all, `"status":"queued"`) < 1 {
		t.Errorf("the log does not tell of the hand-back:\n%s", all)
	}
}

// stuck starts a process whose run cannot be handed back, because its database no longer answers.
func stuck(w *world, extra ...string) *process {
	w.t.Helper()
	way := testsite.StartProxy(w.t, w.url)
	p := w.start(settings(way.URL(), w.dir, extra...), "serve")
	c := w.api(p)
	w.site.Hold("/index.html")
	w.ask(c, nil)
	if err := w.site.WaitFor(w.ctx(), "/index.html", 1); err != nil {
		w.t.Fatal(err)
	}
	way.Freeze()
	return p
}

// terminate sends SIGTERM. It is no error when the process has ended.
func (p *process) terminate() { _ = p.cmd.Process.Signal(syscall.SIGTERM) }

// TestShutdownIsBounded checks that a process that cannot hand its run back ends soon after SHUTDOWN_TIMEOUT, and
// that another process can finish the task.
func TestShutdownIsBounded(t *testing.T) {
	w := newWorld(t)
	p := stuck(w, "SHUTDOWN_TIMEOUT=1s")
	asked := time.Now()
	p.terminate()
	w.wait(p)
	took := time.Since(asked)
	t.Logf("stopped %v after SIGTERM", took.Round(time.Millisecond))
	if took < time.Second || took > 15*time.Second { // SHUTDOWN_TIMEOUT of one second, forcedStopTimeout, and time for a busy machine
		t.Errorf("stopped %v after SIGTERM with a second to do so", took)
	}
	again := w.serve(roleAPI)
	var list api.TaskList
	if err := again.do(w.ctx(), "GET", "/api/tasks", nil, &list); err != nil || list.Total != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	if err := again.do(w.ctx(), "DELETE", "/api/tasks/"+list.Tasks[0].TaskID, nil, nil); err != nil {
		t.Error(err)
	}
}

// TestSecondSignalForces checks that a second signal ends a process that cannot stop cleanly, although
// SHUTDOWN_TIMEOUT is long.
func TestSecondSignalForces(t *testing.T) {
	w := newWorld(t)
	p := stuck(w, "SHUTDOWN_TIMEOUT=10m")
	p.terminate()
	w.line(p, "stopping")
	eventually(t, "the process ends", func() bool {
		p.terminate() // the process may not have handled the first signal yet
		select {
		case <-p.done:
			return true
		default:
			return false
		}
	})
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %v, want by the signal", p.cmd.ProcessState)
	}
}
