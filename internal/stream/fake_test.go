package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"legwork/internal/research"
	"legwork/internal/store"
)

var errDown = errors.New("the database is down")

// memory is a table of events in memory. The tests compare streams with it. With delay set, each query waits that long
// before it reads the table, and again before it returns. In a synctest bubble this takes no real time, and lets other
// goroutines run in between.
type memory struct {
	mu       sync.Mutex
	logs     map[uuid.UUID][]research.Event
	left     map[uuid.UUID]research.Event // terminal events that deletions stored
	down     bool
	delay    func() time.Duration
	events   int                          // number of calls of Events
	states   int                          // number of calls of LogStates
	notified []string                     // payloads passed to Notify
	notify   func(context.Context) error  // nil means that Notify succeeds
	onEvents func(after int64, limit int) // called without the lock
}

func newMemory() *memory {
	return &memory{logs: map[uuid.UUID][]research.Event{}, left: map[uuid.UUID]research.Event{}}
}

func (m *memory) wait(ctx context.Context) error {
	m.mu.Lock()
	delay, down := m.delay, m.down
	m.mu.Unlock()
	if delay != nil {
		timer := time.NewTimer(delay())
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if down {
		return errDown
	}
	return ctx.Err()
}

func (m *memory) Events(ctx context.Context, id uuid.UUID, after int64, limit int) ([]research.Event, error) {
	m.mu.Lock()
	m.events++
	hook := m.onEvents
	m.mu.Unlock()
	if hook != nil {
		hook(after, limit)
	}
	if err := m.wait(ctx); err != nil {
		return nil, err
	}
	m.mu.Lock()
	log := m.logs[id]
	from := min(int(after), len(log))
	found := slices.Clone(log[from:min(from+limit, len(log))])
	m.mu.Unlock()
	return found, m.wait(ctx)
}

func (m *memory) LogStates(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]store.LogState, error) {
	m.mu.Lock()
	m.states++
	m.mu.Unlock()
	if err := m.wait(ctx); err != nil {
		return nil, err
	}
	m.mu.Lock()
	out := map[uuid.UUID]store.LogState{}
	for _, id := range ids {
		if log, ok := m.logs[id]; ok {
			n := len(log)
			out[id] = store.LogState{LastSeq: int64(n), Terminal: n > 0 && log[n-1].Terminal}
		}
	}
	m.mu.Unlock()
	return out, m.wait(ctx)
}

func (m *memory) CheckOwner(context.Context, string, uuid.UUID) error { return nil }

func (m *memory) KeptFinalEvent(ctx context.Context, id uuid.UUID) (research.Event, bool, error) {
	if err := m.wait(ctx); err != nil {
		return research.Event{}, false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	last, found := m.left[id]
	return last, found, nil
}

func (m *memory) Notify(ctx context.Context, _ string, payloads ...string) error {
	if m.notify != nil {
		if err := m.notify(ctx); err != nil {
			return err
		}
	}
	if err := m.wait(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notified = append(m.notified, payloads...)
	return nil
}

// create begins a log with n events.
func (m *memory) create(n int) uuid.UUID {
	id := uuid.New()
	m.mu.Lock()
	m.logs[id] = nil
	m.mu.Unlock()
	m.append(id, n)
	return id
}

// append commits n events and returns them.
func (m *memory) append(id uuid.UUID, n int) []research.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	var added []research.Event
	for range n {
		e := research.Thinking(fmt.Sprintf("thought %d", len(m.logs[id])+1), nil)
		e.TaskID, e.Seq, e.Time = id, int64(len(m.logs[id])+1), time.Unix(1_700_000_000, 0)
		m.logs[id] = append(m.logs[id], e)
		added = append(added, e)
	}
	return added
}

// end commits the terminal event of a task.
func (m *memory) end(id uuid.UUID) []research.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := research.ErrorEvent(research.CodeCancelled, "Cancelled by user", false, nil)
	e.TaskID, e.Seq, e.Time = id, int64(len(m.logs[id])+1), time.Unix(1_700_000_000, 0)
	m.logs[id] = append(m.logs[id], e)
	return []research.Event{e}
}

func (m *memory) delete(id uuid.UUID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.logs, id)
}

func (m *memory) set(f func(m *memory)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m)
}

func (m *memory) queries() (events, states int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.events, m.states
}

// frames is the encoder of most tests. It writes the JSON objects of the contract.
type frames struct{}

func (frames) Event(e research.Event) []byte { return e.Frame() }

func (frames) Delta(d research.Delta) []byte {
	b, err := json.Marshal(map[string]any{"type": "agent:delta", "taskId": d.TaskID, "offset": d.Offset, "text": d.Text, "reset": d.Reset})
	if err != nil {
		panic(err)
	}
	return b
}

func frame(m Message) string { return string(m.Encode(frames{})) }

// suffix returns the frames that a subscription from cursor must receive.
func (m *memory) suffix(id uuid.UUID, cursor int64) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for _, e := range m.logs[id] {
		if e.Seq > cursor {
			out = append(out, string(e.Frame()))
		}
	}
	return out
}

var quiet = slog.New(slog.DiscardHandler)

// bubble runs f with a hub in a synctest bubble, where time is simulated. The test fails if a goroutine is left when f
// ends.
func bubble(t *testing.T, cfg Config, f func(t *testing.T, m *memory, h *Hub)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		if cfg.Logger == nil {
			cfg.Logger = quiet
		}
		h := NewHub(m, cfg)
		ctx, cancel := context.WithCancel(t.Context())
		defer h.Stop()
		defer cancel()
		go h.Run(ctx)
		f(t, m, h)
	})
}

// reader collects what a subscription receives until it ends.
type reader struct {
	mu   sync.Mutex
	got  []string
	seqs []int64
	err  error
	done chan struct{}
}

func follow(ctx context.Context, s *Subscription) *reader {
	r := &reader{done: make(chan struct{})}
	go func() {
		defer close(r.done)
		for {
			messages, err := s.Next(ctx)
			r.mu.Lock()
			for _, m := range messages {
				r.got = append(r.got, frame(m))
				r.seqs = append(r.seqs, m.Seq())
			}
			r.err = err
			r.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return r
}

func (r *reader) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got)
}

// ended waits for the end of the stream, and compares what it received and its error with what is wanted.
func (r *reader) ended(t *testing.T, want []string, wantErr error) {
	t.Helper()
	<-r.done
	if !errors.Is(r.err, wantErr) {
		t.Errorf("stream ended with %v, want %v", r.err, wantErr)
	}
	if !slices.Equal(r.got, want) {
		t.Errorf("got %d frames %v, want %d", len(r.got), r.seqs, len(want))
	}
}

// next calls Next until it has the events from..to, and fails the test when it gets other events.
func next(t *testing.T, s *Subscription, from, to int64) []Message {
	t.Helper()
	var all []Message
	for len(all) == 0 || all[len(all)-1].Seq() < to {
		messages, err := s.Next(t.Context())
		if err != nil {
			t.Fatalf("Next: %v, want events up to %d", err, to)
		}
		all = append(all, messages...)
	}
	for i, m := range all {
		var event struct{ Seq int64 }
		if err := json.Unmarshal([]byte(frame(m)), &event); err != nil || event.Seq != m.Seq() {
			t.Fatalf("frame %d holds %s (%v)", m.Seq(), frame(m), err)
		}
		if m.Seq() != from+int64(i) {
			t.Fatalf("message %d has seq %d, want %d", i, m.Seq(), from+int64(i))
		}
	}
	if last := all[len(all)-1].Seq(); last != to {
		t.Fatalf("got events up to %d, want %d", last, to)
	}
	return all
}

func wantEOF(t *testing.T, s *Subscription) {
	t.Helper()
	if messages, err := s.Next(t.Context()); err != io.EOF || len(messages) > 0 {
		t.Fatalf("Next: %d messages, %v; want io.EOF", len(messages), err)
	}
}

// wantNothing checks that Next returns no message within d of simulated time.
func wantNothing(t *testing.T, s *Subscription, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if messages, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Next: %d messages, %v; want none", len(messages), err)
	}
}
