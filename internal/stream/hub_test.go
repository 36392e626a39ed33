package stream

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"legwork/internal/research"
)

var noPoll = Config{Poll: -1}

func TestStoredThenLive(t *testing.T) {
	t.Parallel()
	bubble(t, noPoll, func(t *testing.T, m *memory, h *Hub) {
		id := m.create(300)
		s := h.Subscribe(id, 10)
		defer s.Close()
		next(t, s, 11, 300)
		h.deliver(m.append(id, 2))
		next(t, s, 301, 302)
		events, _ := m.queries()
		h.deliver(m.append(id, 1))
		next(t, s, 303, 303)
		if again, _ := m.queries(); again != events {
			t.Errorf("an event in sequence cost %d reads of the table", again-events)
		}
		h.deliver(m.end(id))
		if f := next(t, s, 304, 304); !f[0].Terminal() {
			t.Error("the last frame does not say that it is terminal")
		}
		wantEOF(t, s)
		wantEOF(t, s)
	})
}

func TestCursors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		ended  bool
		cursor int64
		first  int64 // first seq that Next returns; 0 means that Next finds no event, and returns io.EOF if the log has ended
	}{
		{"from the start", false, 0, 1}, {"negative", false, -7, 1}, {"in the middle", false, 3, 4},
		{"at the end", false, 5, 0}, {"beyond the end", false, 90, 0},
		{"finished, from the start", true, 0, 1}, {"finished, before the end", true, 4, 5},
		{"finished, at the end", true, 5, 0}, {"finished, beyond the end", true, 90, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, noPoll, func(t *testing.T, m *memory, h *Hub) {
				id := m.create(4)
				if c.ended {
					m.end(id)
				} else {
					m.append(id, 1)
				}
				began := time.Now()
				s := h.Subscribe(id, c.cursor)
				defer s.Close()
				if c.first > 0 {
					next(t, s, c.first, 5)
				}
				if c.ended {
					wantEOF(t, s)
					if time.Since(began) > 0 {
						t.Errorf("took %v of waiting", time.Since(began))
					}
				} else {
					wantNothing(t, s, time.Minute)
				}
			})
		})
	}
}

func TestBeyondTheEndWaitsForWhatFollowsTheCursor(t *testing.T) {
	t.Parallel()
	bubble(t, noPoll, func(t *testing.T, m *memory, h *Hub) {
		id := m.create(5)
		ahead, normal := h.Subscribe(id, 8), h.Subscribe(id, 2)
		defer ahead.Close()
		defer normal.Close()
		wantNothing(t, ahead, time.Second)
		next(t, normal, 3, 5)
		h.deliver(m.append(id, 1))
		next(t, normal, 6, 6)
		h.deliver(m.append(id, 5))
		next(t, ahead, 9, 11)
		next(t, normal, 7, 11)

		last := h.Subscribe(id, 100)
		defer last.Close()
		h.deliver(m.end(id))
		wantEOF(t, last)
		next(t, ahead, 12, 12)
	})
}

func TestEmptyLog(t *testing.T) {
	t.Parallel()
	bubble(t, noPoll, func(t *testing.T, m *memory, h *Hub) {
		id := m.create(0)
		s := h.Subscribe(id, 0)
		defer s.Close()
		wantNothing(t, s, time.Minute)
		if events, _ := m.queries(); events > 1 {
			t.Errorf("%d reads of an empty log", events)
		}
		h.deliver(m.append(id, 1))
		next(t, s, 1, 1)
	})
}

func TestOvertakingPublishes(t *testing.T) {
	t.Parallel()
	bubble(t, noPoll, func(t *testing.T, m *memory, h *Hub) {
		id := m.create(1)
		s := h.Subscribe(id, 0)
		defer s.Close()
		next(t, s, 1, 1)
		r := follow(t.Context(), s)
		synctest.Wait()
		a, b, c := m.append(id, 1), m.append(id, 1), m.end(id)
		h.deliver(c)
		h.deliver(b)
		h.deliver(a)
		h.deliver(b)
		r.ended(t, m.suffix(id, 0)[1:], io.EOF)
	})
}

func TestLostPublishIsPolled(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, m *memory, h *Hub) {
		id := m.create(1)
		s := h.Subscribe(id, 0)
		defer s.Close()
		next(t, s, 1, 1)
		began := time.Now()
		m.append(id, 3)
		next(t, s, 2, 4)
		m.end(id)
		next(t, s, 5, 5)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("two lost publishes took %v", took)
		}
		wantEOF(t, s)
		_, before := m.queries()
		wantEOF(t, s)
		time.Sleep(time.Minute) // simulated time
		if _, after := m.queries(); after != before {
			t.Errorf("a finished log was polled %d times", after-before)
		}
	})
}

func TestIdlePollsCostOneQuery(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, m *memory, h *Hub) {
		time.Sleep(10 * time.Second) // simulated time
		if events, states := m.queries(); events+states > 0 {
			t.Errorf("%d queries with nobody watching", events+states)
		}
		for range 50 {
			s := h.Subscribe(m.create(1), 0)
			defer s.Close()
			next(t, s, 1, 1)
			follow(t.Context(), s)
		}
		synctest.Wait()
		_, before := m.queries()
		time.Sleep(10 * time.Second) // simulated time
		if _, after := m.queries(); after-before > 11 {
			t.Errorf("%d polls in 10 s", after-before)
		}
		h.Stop()
	})
}

func TestManySubscribersShareReads(t *testing.T) {
	t.Parallel()
	bubble(t, noPoll, func(t *testing.T, m *memory, h *Hub) {
		m.delay = func() time.Duration { return time.Millisecond }
		id := m.create(20)
		var readers []*reader
		for range 500 {
			s := h.Subscribe(id, 0)
			defer s.Close()
			readers = append(readers, follow(t.Context(), s))
		}
		time.Sleep(time.Second) // simulated time
		h.receive([]announcement{{Task: id, Seq: m.append(id, 1)[0].Seq}})
		time.Sleep(time.Second) // simulated time
		if events, _ := m.queries(); events > 3 {
			t.Errorf("%d reads of the table for 500 subscribers", events)
		}
		h.deliver(m.end(id))
		for _, r := range readers {
			r.ended(t, m.suffix(id, 0), io.EOF)
		}
	})
}

func TestEntriesAreShared(t *testing.T) {
	t.Parallel()
	bubble(t, noPoll, func(t *testing.T, m *memory, h *Hub) {
		id := m.create(1)
		a, b := h.Subscribe(id, 0), h.Subscribe(id, 0)
		defer a.Close()
		defer b.Close()
		first := next(t, a, 1, 1)
		if first[0].Event != next(t, b, 1, 1)[0].Event {
			t.Error("a stored event is there twice")
		}
		h.deliver(m.append(id, 1))
		if next(t, a, 2, 2)[0].Event != next(t, b, 2, 2)[0].Event {
			t.Error("a live event is there twice")
		}
	})
}

func TestSlowSubscriberReadsTheTable(t *testing.T) {
	t.Parallel()
	cfg := Config{Poll: -1, WindowEvents: 16, ReadRows: 8}
	bubble(t, cfg, func(t *testing.T, m *memory, h *Hub) {
		id := m.create(1)
		slow, live := h.Subscribe(id, 0), h.Subscribe(id, 0)
		defer slow.Close()
		defer live.Close()
		next(t, slow, 1, 1)
		next(t, live, 1, 1)
		for i := range int64(1000) {
			h.deliver(m.append(id, 1))
			next(t, live, i+2, i+2)
		}
		if n := len(slow.topic.window.entries); n > 16 {
			t.Errorf("the window holds %d events", n)
		}
		if events, _ := m.queries(); events > 2 {
			t.Errorf("%d reads while the slow one slept", events)
		}
		largest := 0
		m.set(func(m *memory) { m.onEvents = func(_ int64, limit int) { largest = max(largest, limit) } })
		next(t, slow, 2, 1001)
		if largest > 8 {
			t.Errorf("a read asked for %d rows", largest)
		}
		h.deliver(m.end(id))
		next(t, slow, 1002, 1002)
	})
}

func TestBoundsInBytes(t *testing.T) {
	t.Parallel()
	cfg := Config{Poll: -1, WindowBytes: 1000, ReadBytes: 500}
	bubble(t, cfg, func(t *testing.T, m *memory, h *Hub) {
		id := m.create(100)
		size := entrySize
		s := h.Subscribe(id, 0)
		defer s.Close()
		for got := 0; got < 100; {
			messages, err := s.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got += len(messages); len(messages)*size > 600 {
				t.Errorf("one Next returned %d events", len(messages))
			}
			if s.topic.window.bytes > 1000 {
				t.Errorf("the window holds %d bytes", s.topic.window.bytes)
			}
		}
		big := research.Thinking(strings.Repeat("x", 5000), nil)
		big.TaskID, big.Seq = id, 101
		m.set(func(m *memory) { m.logs[id] = append(m.logs[id], big) })
		h.deliver([]research.Event{big})
		next(t, s, 101, 101)
		late := h.Subscribe(id, 99)
		defer late.Close()
		next(t, late, 100, 101)
	})
}

func TestLaggingReadsDoNotDelayLiveOnes(t *testing.T) {
	t.Parallel()
	cfg := Config{Poll: -1, WindowEvents: 4, Readers: 2}
	bubble(t, cfg, func(t *testing.T, m *memory, h *Hub) {
		// Many subscriptions are behind in this log, and each read takes an hour of simulated time.
		old := m.create(50)
		s := h.Subscribe(old, 40)
		defer s.Close()
		next(t, s, 41, 50)
		m.set(func(m *memory) {
			m.delay = func() time.Duration { return time.Hour }
		})
		for after := range int64(20) {
			s := h.Subscribe(old, after)
			defer s.Close()
			follow(t.Context(), s)
		}
		synctest.Wait()
		m.set(func(m *memory) { m.delay = nil })
		began := time.Now()
		other := h.Subscribe(m.create(3), 0)
		defer other.Close()
		next(t, other, 1, 3)
		if time.Since(began) > 0 {
			t.Errorf("a live stream waited %v for lagging ones", time.Since(began))
		}
		h.Stop()
	})
}

func TestFalseHintsCostOneRead(t *testing.T) {
	t.Parallel()
	bubble(t, noPoll, func(t *testing.T, m *memory, h *Hub) {
		id := m.create(2)
		s := h.Subscribe(id, 0)
		defer s.Close()
		next(t, s, 1, 2)
		r := follow(t.Context(), s)
		synctest.Wait()
		before, _ := m.queries()
		h.receive([]announcement{{Task: id, Seq: 1 << 60}})
		synctest.Wait()
		if after, _ := m.queries(); after-before != 1 {
			t.Errorf("a false hint cost %d reads", after-before)
		}
		h.receive([]announcement{{Task: id, Seq: 1}, {Task: id, Seq: 2}})
		synctest.Wait()
		if after, _ := m.queries(); after-before != 1 {
			t.Errorf("stale hints cost %d reads", after-before-1)
		}
		h.receive([]announcement{{Task: id, Seq: m.append(id, 1)[0].Seq}})
		synctest.Wait()
		if r.count() != 1 {
			t.Error("a true hint after a false one was not followed")
		}
		s.Close()
		<-r.done
	})
}

func TestHintsAreRememberedUntilSomeoneAsks(t *testing.T) {
	t.Parallel()
	bubble(t, noPoll, func(t *testing.T, m *memory, h *Hub) {
		id := m.create(2)
		s := h.Subscribe(id, 0)
		defer s.Close()
		next(t, s, 1, 2)
		wantNothing(t, s, time.Second)
		before, _ := m.queries()
		m.append(id, 3)
		h.receive([]announcement{{Task: id, Seq: 5}, {Task: id, Seq: 4}})
		synctest.Wait()
		if after, _ := m.queries(); after != before {
			t.Errorf("%d reads for a subscriber that does not ask", after-before)
		}
		next(t, s, 3, 5)
	})
}

// TestHintsOutliveEventsInSequence delivers three new events in the reverse order. The hub must remember that later events
// exist when the first one arrives, and must read them from the table.
func TestHintsOutliveEventsInSequence(t *testing.T) {
	t.Parallel()
	bubble(t, noPoll, func(t *testing.T, m *memory, h *Hub) {
		id := m.create(2)
		s := h.Subscribe(id, 0)
		defer s.Close()
		next(t, s, 1, 2)
		wantNothing(t, s, time.Second)
		a, b, c := m.append(id, 1), m.append(id, 1), m.append(id, 1)
		h.deliver(c)
		h.deliver(b)
		h.deliver(a)
		next(t, s, 3, 3)
		h.deliver(b)
		next(t, s, 4, 5)
	})
}

// TestHintDuringARead sends a hint during a read. The hub must read again, because the first read may have begun before
// the commit.
func TestHintDuringARead(t *testing.T) {
	t.Parallel()
	bubble(t, noPoll, func(t *testing.T, m *memory, h *Hub) {
		id := m.create(2)
		s := h.Subscribe(id, 2)
		defer s.Close()
		wantNothing(t, s, time.Second)
		r := follow(t.Context(), s)
		synctest.Wait()
		m.set(func(m *memory) { m.delay = func() time.Duration { return 10 * time.Millisecond } })
		h.receive([]announcement{{Task: id, Seq: 3}}) // not true yet
		time.Sleep(35 * time.Millisecond)             // simulated time: the read has both events and state
		h.receive([]announcement{{Task: id, Seq: m.append(id, 1)[0].Seq}})
		time.Sleep(time.Second) // simulated time
		if r.count() != 1 {
			t.Errorf("got %d events", r.count())
		}
		s.Close()
		<-r.done
	})
}

// TestLogThatLostItsEnd shortens a log, as a failover to a standby that lacks the last commits does. The log is then
// shorter than notifications have announced.
func TestLogThatLostItsEnd(t *testing.T) {
	t.Parallel()
	bubble(t, Config{WindowEvents: 2}, func(t *testing.T, m *memory, h *Hub) {
		id := m.create(9)
		s, behind := h.Subscribe(id, 0), h.Subscribe(id, 6)
		defer s.Close()
		defer behind.Close()
		next(t, s, 1, 9)
		m.set(func(m *memory) { m.logs[id] = m.logs[id][:6] })
		wantNothing(t, behind, 3*time.Second)
		wantNothing(t, s, 3*time.Second)
		m.append(id, 5)
		next(t, behind, 7, 11)
		next(t, s, 10, 11)
	})
}
