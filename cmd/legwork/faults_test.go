package main

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"legwork/api"
	"legwork/internal/dbtest"
	"legwork/internal/failpoint"
	"legwork/internal/pgembed"
	"legwork/internal/testsite"
)

// heldPage is a page that a run loads late. The test site delays it until release is called, so the run waits after
// it has published events.
const heldPage = "/manual/settings-heating.html"

// faulty has two API processes and a worker on one database, a run that waits in the middle, and streams on both
// APIs.
type faulty struct {
	*world
	first, second, worker *process
	a, b                  *client
	task                  api.Task
	release               func()
	streams               []*watching
}

// watching is a WebSocket that is not reopened when it breaks.
type watching struct {
	frames chan string // closed at the end
	got    []string    // frames received so far
	status websocket.StatusCode
	err    error
}

// watch opens a stream and collects its frames.
func (f *faulty) watch(c *client) {
	s := &watching{frames: make(chan string, 4096)}
	f.streams = append(f.streams, s)
	ctx := f.ctx()
	conn, err := dialStream(ctx, c, f.task.TaskID, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	go func() {
		defer close(s.frames)
		defer func() { _ = conn.CloseNow() }()
		for {
			_, frame, err := conn.Read(ctx)
			if err != nil {
				s.status, s.err = websocket.CloseStatus(err), err
				return
			}
			s.frames <- string(frame)
		}
	}()
}

// newFaulty starts the processes, with extra settings for the worker, submits a task, and opens its streams.
func newFaulty(w *world, url string, forWorker ...string) *faulty {
	w.t.Helper()
	f := &faulty{world: w, release: w.site.Hold(heldPage)}
	w.t.Cleanup(f.release)
	env := settings(url, w.dir)
	f.first, f.second = w.start(env, "serve", "--role", "api"), w.start(env, "serve", "--role", "api")
	f.a, f.b = w.api(f.first), w.api(f.second)
	f.task = w.ask(f.a, nil)
	for range 2 {
		f.watch(f.a)
		f.watch(f.b)
	}
	f.worker = w.start(settings(url, w.dir, forWorker...), "worker")
	return f
}

// held waits until the run has requested heldPage.
func (f *faulty) held() {
	f.t.Helper()
	if err := f.site.WaitFor(f.ctx(), heldPage, 1); err != nil {
		f.t.Fatal(err)
	}
}

// complete requires that every stream received the same whole log over its first connection.
func (f *faulty) complete(c *client, want api.Status) {
	f.t.Helper()
	var logs [][]string
	for i, s := range f.streams {
		frames := s.got
		for frame := range s.frames {
			frames = append(frames, frame)
		}
		if s.status != websocket.StatusNormalClosure {
			f.t.Errorf("stream %d closed with %d after %d frames: %v", i, s.status, len(frames), s.err)
		}
		gapless(f.t, frames, 1)
		logs = append(logs, frames)
	}
	stored, _ := f.frames(c, f.task.TaskID, 0)
	for i, frames := range logs {
		same(f.t, fmt.Sprintf("stream %d", i), frames, stored)
	}
	if got := f.get(c, f.task.TaskID); got.Status != want || got.LastSeq != int64(len(stored)) {
		f.t.Errorf("ended %s at %d, with %d frames", got.Status, got.LastSeq, len(stored))
	}
}

// TestFault_ListenerTerminated ends the database sessions of all listeners while events arrive.
func TestFault_ListenerTerminated(t *testing.T) {
	w := newWorld(t)
	f := newFaulty(w, w.url)
	f.held()
	ended := w.count(`SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'legwork listener') t`)
	if ended < 2 {
		t.Fatalf("only %d listeners were terminated", ended)
	}
	f.release()
	f.complete(f.b, api.StatusCompleted)
}

// TestFault_PostgresRestarted stops PostgreSQL during a run, and starts it again.
func TestFault_PostgresRestarted(t *testing.T) {
	w := newWorld(t)
	cfg := pgembed.Config{Home: t.TempDir(), Fast: true}
	server, err := pgembed.Start(w.ctx(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	px := testsite.StartProxy(t, server.URL())
	f := newFaulty(w, px.URL())
	f.held()
	px.Cut()
	if err := server.Stop(w.ctx()); err != nil {
		t.Fatal(err)
	}
	f.release() // the page arrives while the database is down
	if server, err = pgembed.Start(w.ctx(), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(w.ctx()) })
	px.Aim(server.URL())
	px.Mend()
	f.complete(f.b, api.StatusCompleted)
	w.stop(f.worker)
	w.stop(f.first)
	w.stop(f.second)
}

// TestFault_NetworkCut stops all data to PostgreSQL for ten seconds, which is longer than a lease. Then it breaks
// every connection and allows new ones.
func TestFault_NetworkCut(t *testing.T) {
	w := newWorld(t)
	px := testsite.StartProxy(t, w.url)
	f := newFaulty(w, px.URL())
	f.held()
	before := w.count("SELECT last_seq FROM task_heads")
	px.Freeze()
	over := make(chan struct{})
	time.AfterFunc(10*time.Second, func() {
		defer close(over)
		px.Cut()
		px.Mend()
	})
	f.release()
	w.line(f.worker, "the database server is silent") // the worker has noticed the cut
	if after := w.count("SELECT last_seq FROM task_heads"); after != before {
		t.Errorf("the log grew from %d to %d while the network was cut", before, after)
	}
	<-over
	f.complete(f.b, api.StatusCompleted)
}

// TestFault_Paused pauses an API process until the run has ended, and the worker for some time.
func TestFault_Paused(t *testing.T) {
	w := newWorld(t)
	f := newFaulty(w, w.url)
	f.held()
	signal := func(p *process, s syscall.Signal) {
		if err := p.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	signal(f.worker, syscall.SIGSTOP)
	signal(f.second, syscall.SIGSTOP)
	f.release()
	if got := w.get(f.a, f.task.TaskID); got.Status != api.StatusRunning {
		t.Errorf("%s while its worker is paused", got.Status)
	}
	signal(f.worker, syscall.SIGCONT)
	w.await(f.a, f.task.TaskID)
	signal(f.second, syscall.SIGCONT)
	f.complete(f.b, api.StatusCompleted)
}

// TestFault_PublisherKilled kills the worker after a commit and before the notification. Clients must receive the
// event all the same, and another worker must resume and finish the task.
func TestFault_PublisherKilled(t *testing.T) {
	needFailpoints(t)
	w := newWorld(t)
	f := newFaulty(w, w.url, failpoint.Variable+"=after_commit_before_notify=kill:3")
	w.wait(f.worker)
	st := dbtest.Open(t, w.url)
	var last int
	if err := st.Pool().QueryRow(w.ctx(), "SELECT last_seq FROM task_heads WHERE task_id = $1", f.task.TaskID).Scan(&last); err != nil {
		t.Fatal(err)
	}
	if last < 4 { // events of submission and claim, and two more
		t.Fatalf("the log ends at %d", last)
	}
	for i, s := range f.streams { // while the task has not changed further
		for n := range last {
			select {
			case frame, open := <-s.frames:
				if !open {
					t.Fatalf("stream %d ended after %d frames: %v", i, n, s.err)
				}
				s.got = append(s.got, frame)
			case <-w.ctx().Done():
				t.Fatalf("stream %d has %d of %d frames", i, n, last)
			}
		}
	}
	f.release()
	f.worker = w.start(settings(w.url, w.dir), "worker")
	f.complete(f.a, api.StatusCompleted)
}
