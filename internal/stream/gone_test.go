package stream

import (
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// TestTerminalEventOutlivesItsRow cancels and then deletes a task. The terminal event must reach streams although its
// row no longer exists.
func TestTerminalEventOutlivesItsRow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		gap   int  // number of events that never reach the hub
		local bool // the events were published in this process
		late  bool // the terminal event arrives after the hub has seen that the rows are deleted
	}{
		{"here", 0, true, false}, {"elsewhere", 0, false, false},
		{"here with a gap", 4, true, false}, {"elsewhere with a gap", 4, false, false},
		{"here, late", 4, true, true}, {"elsewhere, late", 4, false, true}, {"elsewhere, late, in sequence", 0, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{Poll: 100 * time.Millisecond}, func(t *testing.T, m *memory, h *Hub) {
				id := m.create(2)
				s := h.Subscribe(id, 0)
				defer s.Close()
				next(t, s, 1, 2)
				r := follow(t.Context(), s)
				synctest.Wait()
				m.append(id, c.gap)
				last := m.end(id)
				m.delete(id)
				if c.late {
					time.Sleep(200 * time.Millisecond) // simulated time: two polls
				}
				told := time.Now()
				if c.local {
					h.deliver(last)
				} else {
					h.receive([]announcement{announce(last)})
				}
				r.ended(t, []string{string(last[0].Frame())}, io.EOF)
				if took := time.Since(told); took > 0 {
					t.Errorf("the end came %v after the news of it", took)
				}
			})
		})
	}
}

// TestLastEventIsKeptByTheDeletion cancels and then deletes a task, and no notification reaches this process. The
// terminal event that the deletion stored must end the streams.
func TestLastEventIsKeptByTheDeletion(t *testing.T) {
	t.Parallel()
	for _, gap := range []int{0, 4} {
		bubble(t, Config{Poll: 100 * time.Millisecond, GoneGrace: time.Hour}, func(t *testing.T, m *memory, h *Hub) {
			id := m.create(2)
			s := h.Subscribe(id, 0)
			defer s.Close()
			next(t, s, 1, 2)
			r := follow(t.Context(), s)
			synctest.Wait()
			m.append(id, gap)
			last := m.end(id)[0]
			m.mu.Lock()
			m.left[id] = last
			m.mu.Unlock()
			m.delete(id)
			r.ended(t, []string{string(last.Frame())}, io.EOF)
		})
	}
}

func TestGoneWithoutTerminalEvent(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, m *memory, h *Hub) {
		id := m.create(2)
		s, ahead := h.Subscribe(id, 0), h.Subscribe(id, 50)
		defer s.Close()
		defer ahead.Close()
		next(t, s, 1, 2)
		m.delete(id)
		began := time.Now()
		wantEOF(t, s)
		wantEOF(t, ahead)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("EOF after %v", took)
		}
		late := h.Subscribe(id, 1)
		defer late.Close()
		next(t, late, 2, 2) // the event is still in the window
		wantEOF(t, late)
		_, before := m.queries()
		time.Sleep(10 * time.Second) // simulated time
		if _, after := m.queries(); after != before {
			t.Error("a task that is gone was polled")
		}
	})
}

func TestUnknownTask(t *testing.T) {
	t.Parallel()
	bubble(t, noPoll, func(t *testing.T, m *memory, h *Hub) {
		s := h.Subscribe([16]byte{1}, 3)
		defer s.Close()
		wantEOF(t, s)
		if events, _ := m.queries(); events > 1 {
			t.Errorf("%d reads", events)
		}
	})
}

func TestLeavingDuringTheGrace(t *testing.T) {
	t.Parallel()
	bubble(t, noPoll, func(t *testing.T, m *memory, h *Hub) {
		s := h.Subscribe([16]byte{1}, 0)
		wantNothing(t, s, 100*time.Millisecond)
		s.Close()
		time.Sleep(time.Minute) // simulated time, in which nothing may happen
		if s.topic.deleted {
			t.Error("the grace of a topic that was left went on")
		}
	})
}

// TestDeletedUnderASlowReader deletes a finished log while a reader is behind the window. The reader must get the events
// that are left, and the end.
func TestDeletedUnderASlowReader(t *testing.T) {
	t.Parallel()
	bubble(t, Config{Poll: -1, WindowEvents: 3, ReadRows: 4}, func(t *testing.T, m *memory, h *Hub) {
		id := m.create(20)
		m.end(id)
		live, slow := h.Subscribe(id, 15), h.Subscribe(id, 0)
		defer live.Close()
		defer slow.Close()
		next(t, live, 16, 21)
		next(t, slow, 1, 4)
		m.delete(id)
		next(t, slow, 19, 21)
		wantEOF(t, slow)
		wantEOF(t, live)
	})
}
