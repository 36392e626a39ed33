package stream

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
	"legwork/internal/research"
	"legwork/internal/store"
)

// process has those parts of a legwork process that this package provides, on a real database.
type process struct {
	store    *store.Store
	hub      *Hub
	pub      *Publisher
	listener *Listener
}

// setting is what a test changes about a process.
type setting struct {
	cfg  Config
	deaf bool          // the process has no listener
	mute bool          // the process has no publisher
	wrap func(Log) Log // wraps the log that the hub reads; nil means the store itself
	idle time.Duration // idle time of the listener; 0 means the default
	url  func() string // returns the URL of this process's connections; nil means that of the database
}

func start(t testing.TB, url string, set setting) *process {
	t.Helper()
	if set.url != nil {
		url = set.url()
	}
	p := &process{store: dbtest.Open(t, url)}
	var log Log = p.store.Worker()
	if set.wrap != nil {
		log = set.wrap(log)
	}
	set.cfg.Logger = quiet
	p.hub = NewHub(log, set.cfg)
	p.pub = NewPublisher(p.hub, log, quiet)
	p.listener = NewListener(p.store.ConnectToListen, p.hub, quiet)
	if set.idle > 0 {
		p.listener.idle = set.idle
	}
	ctx, cancel := context.WithCancel(context.Background())
	run := func(f func(context.Context)) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			f(ctx)
		}()
		t.Cleanup(func() { cancel(); <-done })
	}
	run(p.hub.Run)
	if !set.deaf {
		run(p.listener.Run)
	}
	if !set.mute {
		run(p.pub.Run)
	}
	t.Cleanup(p.hub.Stop)
	return p
}

// create submits a task with one event, which it does not publish.
func (p *process) create(t testing.TB) uuid.UUID {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	err := p.store.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		_, _, err := p.store.For(research.DefaultAccount).CreateTask(ctx, tx, id, research.NewTask{
			Question: "What is new?", Priority: research.Normal, Options: research.Options{
				MaxDepth: 3, MaxPages: 20, TimeBudget: 5 * time.Minute, SearchEngine: research.DuckDuckGo, MaxResults: 10}}, 1, dbtest.FirstEvent)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// append commits n events.
func (p *process) append(t testing.TB, id uuid.UUID, n int) []research.Event {
	t.Helper()
	events := make([]research.Event, n)
	for i := range events {
		events[i] = research.Thinking(fmt.Sprintf("thought <%d> & “more”", i), map[string]any{"n": i})
	}
	err := p.store.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) (err error) {
		events, err = p.store.Worker().Append(ctx, tx, id, 1, events)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// end commits the terminal event of a cancellation.
func (p *process) end(t testing.TB, id uuid.UUID) (events []research.Event) {
	t.Helper()
	err := p.store.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) (err error) {
		event, err := dbtest.EndTask(ctx, p.store, tx, id, 1, research.Result{}, &research.Failure{Code: research.CodeCancelled, Message: "Cancelled by user"})
		events = []research.Event{event}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func (p *process) delete(t testing.TB, id uuid.UUID) {
	t.Helper()
	err := p.store.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		return p.store.For(research.DefaultAccount).DeleteTask(ctx, tx, id)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// stored returns the frames of the whole log, read from the table.
func (p *process) stored(t testing.TB, id uuid.UUID) (frames []string) {
	t.Helper()
	events, err := p.store.Worker().Events(t.Context(), id, 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		frames = append(frames, string(e.Frame()))
	}
	return frames
}

func (p *process) follow(t testing.TB, id uuid.UUID, after int64) *reader {
	t.Helper()
	s := p.hub.Subscribe(id, after)
	t.Cleanup(s.Close)
	return follow(t.Context(), s)
}

// eventually waits for a condition that no channel reports.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never happened: %s", what)
		}
	}
}

// killListeners ends the server processes (backends) of all listeners of this database, and returns how many there were.
func (p *process) killListeners(t *testing.T) (n int) {
	t.Helper()
	const kill = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE application_name = 'legwork listener' AND datname = current_database() AND query LIKE 'LISTEN%'`
	if err := p.store.Pool().QueryRow(t.Context(), kill).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// listening returns the number of listeners of this database.
func (p *process) listening(t *testing.T) (n int) {
	t.Helper()
	const count = `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'legwork listener'
		AND datname = current_database() AND query LIKE 'LISTEN%' AND state = 'idle'`
	if err := p.store.Pool().QueryRow(t.Context(), count).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	a, b := start(t, url, setting{cfg: noPoll}), start(t, url, setting{cfg: noPoll})
	var ids []uuid.UUID
	var readers []*reader
	for i := range 3 {
		id := a.create(t)
		ids = append(ids, id)
		readers = append(readers, a.follow(t, id, 0), b.follow(t, id, 0), b.follow(t, id, int64(i)))
	}
	for n := range 50 {
		for _, id := range ids {
			a.pub.Publish(a.append(t, id, 1+n%3))
		}
	}
	for _, id := range ids {
		a.pub.Publish(a.end(t, id))
	}
	for i, r := range readers {
		want := a.stored(t, ids[i/3])
		if i%3 == 2 {
			want = want[i/3:]
		}
		r.ended(t, want, io.EOF)
	}
}

// TestListenerCatchesUpWhenItsBackendIsKilled loses the listener's connection while nobody publishes and nothing polls.
// After it has connected again, the listener must find the events that were committed before.
func TestListenerCatchesUpWhenItsBackendIsKilled(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	a, b := start(t, url, setting{mute: true, deaf: true}), start(t, url, setting{cfg: noPoll})
	id := a.create(t)
	r := b.follow(t, id, 0)
	eventually(t, "the first event", func() bool { return r.count() == 1 })
	for round := range 5 {
		a.append(t, id, 2)
		eventually(t, "a listener to kill", func() bool { return a.killListeners(t) > 0 })
		eventually(t, "the events of the round", func() bool { return r.count() == 1+2*(round+1) })
	}
	a.end(t, id)
	eventually(t, "a listener to kill", func() bool { return a.killListeners(t) > 0 })
	r.ended(t, a.stored(t, id), io.EOF)
}

// TestNothingIsLostWhileListenersDie publishes events while the connections of listeners are killed again and again.
func TestNothingIsLostWhileListenersDie(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	a, b := start(t, url, setting{cfg: noPoll}), start(t, url, setting{cfg: noPoll})
	id := a.create(t)
	readers := []*reader{a.follow(t, id, 0), b.follow(t, id, 0), b.follow(t, id, 30)}
	for n := range 60 {
		a.pub.Publish(a.append(t, id, 1))
		if n%10 == 5 {
			a.killListeners(t)
		}
	}
	a.pub.Publish(a.end(t, id))
	want := a.stored(t, id)
	readers[0].ended(t, want, io.EOF)
	readers[1].ended(t, want, io.EOF)
	readers[2].ended(t, want[30:], io.EOF)
}

func TestPollAlone(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	a := start(t, url, setting{mute: true, deaf: true})
	b := start(t, url, setting{cfg: Config{Poll: 20 * time.Millisecond}, deaf: true})
	id := a.create(t)
	r := b.follow(t, id, 0)
	for n := range 5 {
		a.append(t, id, 3)
		eventually(t, "events without a notification", func() bool { return r.count() == 1+3*(n+1) })
	}
	a.end(t, id)
	r.ended(t, a.stored(t, id), io.EOF)
}

// held is a log whose method Events waits until the test closes release.
type held struct {
	Log
	release chan struct{}
}

func (h held) Events(ctx context.Context, id uuid.UUID, after int64, limit int) ([]research.Event, error) {
	if after > 0 {
		select {
		case <-h.release:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return h.Log.Events(ctx, id, after, limit)
}

func TestCancelledThenDeletedInAnotherProcess(t *testing.T) {
	t.Parallel()
	for _, gap := range []int{0, 3} {
		t.Run(fmt.Sprint(gap), func(t *testing.T) {
			t.Parallel()
			url := dbtest.URL(t)
			release := make(chan struct{})
			a := start(t, url, setting{cfg: noPoll})
			b := start(t, url, setting{cfg: noPoll, wrap: func(l Log) Log { return held{l, release} }})
			id := a.create(t)
			r := b.follow(t, id, 0)
			eventually(t, "the first event", func() bool { return r.count() == 1 })
			eventually(t, "both listening", func() bool { return a.listening(t) == 2 })
			want := a.stored(t, id)
			if gap > 0 {
				a.append(t, id, gap) // these events are not announced, and are deleted before b can read them
			}
			last := a.end(t, id)
			a.pub.Publish(last)
			if err := a.pub.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			a.delete(t, id)
			close(release)
			r.ended(t, append(want, string(last[0].Frame())), io.EOF)
		})
	}
}

func TestDeletedWithoutAWord(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	a := start(t, url, setting{mute: true, deaf: true})
	b := start(t, url, setting{cfg: Config{Poll: 20 * time.Millisecond}})
	id := a.create(t)
	r := b.follow(t, id, 1)
	a.end(t, id)
	a.delete(t, id)
	<-r.done
	if r.err != io.EOF || r.count() > 1 {
		t.Errorf("got %d events and %v", r.count(), r.err)
	}
}

func TestIdleConnectionIsTestedAndKept(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	a := start(t, url, setting{cfg: noPoll})
	b := start(t, url, setting{cfg: noPoll, idle: 10 * time.Millisecond})
	id := a.create(t)
	r := b.follow(t, id, 0)
	listener := func(where string) (pid int) {
		err := a.store.Pool().QueryRow(t.Context(), `SELECT coalesce(max(pid), 0) FROM pg_stat_activity
			WHERE application_name = 'legwork listener' AND datname = current_database() AND query LIKE $1`, where).Scan(&pid)
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	eventually(t, "a ping", func() bool { return listener("%ping%") > 0 })
	pid := listener("%ping%")
	a.pub.Publish(a.append(t, id, 1))
	a.pub.Publish(a.end(t, id))
	r.ended(t, a.stored(t, id), io.EOF)
	if after := listener("%ping%"); after != pid {
		t.Errorf("the connection was replaced: backend %d became %d", pid, after)
	}
}

func TestForeignNotificationsAreIgnored(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	a, b := start(t, url, setting{cfg: noPoll}), start(t, url, setting{cfg: noPoll})
	id := a.create(t)
	r := b.follow(t, id, 0)
	for _, payload := range []string{"", "hello", `{"logs":[{"task":"` + id.String() + `","seq":1000}]}`} {
		if err := a.store.Notify(t.Context(), channel, payload); err != nil {
			t.Fatal(err)
		}
	}
	a.pub.Publish(a.end(t, id))
	r.ended(t, a.stored(t, id), io.EOF)
}
