package stream

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"legwork/internal/research"
)

// publishing runs f in a bubble with a publisher that is running. stop ends Run and waits for its end.
func publishing(t *testing.T, logger *slog.Logger, f func(t *testing.T, m *memory, p *Publisher, stop func())) {
	t.Helper()
	bubble(t, noPoll, func(t *testing.T, m *memory, h *Hub) {
		p := NewPublisher(h, m, logger)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.Run(ctx)
		}()
		stop := func() { cancel(); <-done }
		defer stop()
		f(t, m, p, stop)
	})
}

func sent(t *testing.T, m *memory) [][]announcement {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	var out [][]announcement
	for _, text := range m.notified {
		_, announcements, _, err := parsePayload(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, announcements)
	}
	return out
}

func TestPublishSendsAtOnceThenBatches(t *testing.T) {
	t.Parallel()
	publishing(t, quiet, func(t *testing.T, m *memory, p *Publisher, _ func()) {
		m.delay = func() time.Duration { return 10 * time.Millisecond }
		a, b := m.create(0), m.create(0)
		p.Publish(nil)
		p.Publish(m.append(a, 1))
		synctest.Wait() // the send is running now
		for range 20 {
			p.Publish(m.append(b, 2))
			p.Publish(m.append(a, 1))
		}
		began := time.Now()
		if err := p.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 20*time.Millisecond {
			t.Errorf("two payloads of 10 ms took %v", took)
		}
		got := sent(t, m)
		if len(got) != 2 || len(got[0]) != 1 || len(got[1]) != 2 {
			t.Fatalf("sent %v", got)
		}
		if got[1][0].Task != b || got[1][0].Seq != 40 || got[1][1].Task != a || got[1][1].Seq != 21 {
			t.Errorf("the batch says %v", got[1])
		}
		if err := p.Flush(t.Context()); err != nil {
			t.Errorf("an idle Flush: %v", err)
		}
	})
}

// TestPausesEndByThemselves checks that one slow NOTIFY does not delay all later ones, while eight runs commit 1,000
// events a second.
func TestPausesEndByThemselves(t *testing.T) {
	t.Parallel()
	const takes, every = 800 * time.Microsecond, 8 * time.Millisecond
	publishing(t, quiet, func(t *testing.T, m *memory, p *Publisher, _ func()) {
		var slow atomic.Bool
		m.delay = func() time.Duration {
			if slow.CompareAndSwap(true, false) { // slow only once: meanwhile all runs commit
				return 20 * time.Millisecond
			}
			return takes
		}
		var writers sync.WaitGroup
		for i := range 8 {
			id := m.create(0)
			writers.Go(func() {
				time.Sleep(time.Duration(i) * every / 8)
				for range 125 {
					p.Publish(m.append(id, 1))
					time.Sleep(every)
				}
			})
		}
		time.Sleep(250 * time.Millisecond)
		slow.Store(true)
		time.Sleep(250 * time.Millisecond)
		before := len(sent(t, m))
		writers.Wait()
		if n := len(sent(t, m)) - before; n < 200 {
			t.Errorf("%d NOTIFYs in half a second, so most events waited for a pause", n)
		}
	})
}

// TestLoadMeansFewerNotifies checks that 32 runs that commit 4,000 events a second need only a few hundred NOTIFYs, and
// that each event arrives soon. A single run must get one NOTIFY per event, without a pause.
func TestLoadMeansFewerNotifies(t *testing.T) {
	t.Parallel()
	const takes, every = 300 * time.Microsecond, 8 * time.Millisecond
	for _, c := range []struct{ runs, atLeast, atMost int }{{1, 125, 125}, {32, 50, 300}} {
		publishing(t, quiet, func(t *testing.T, m *memory, p *Publisher, _ func()) {
			m.delay = func() time.Duration { return takes }
			var writers sync.WaitGroup
			for i := range c.runs {
				id := m.create(0)
				writers.Go(func() {
					time.Sleep(time.Duration(i) * every / time.Duration(c.runs))
					for range 125 {
						p.Publish(m.append(id, 1))
						time.Sleep(every)
					}
				})
			}
			writers.Wait()
			began := time.Now()
			if err := p.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took > maxPause+takes {
				t.Errorf("%d runs: the last event was told of after %v", c.runs, took)
			}
			if n := len(sent(t, m)); n < c.atLeast || n > c.atMost {
				t.Errorf("%d runs: %d NOTIFYs, want %d to %d", c.runs, n, c.atLeast, c.atMost)
			}
		})
	}
}

func TestOvertakingPublishKeepsTheHighestSeq(t *testing.T) {
	t.Parallel()
	publishing(t, quiet, func(t *testing.T, m *memory, p *Publisher, _ func()) {
		m.delay = func() time.Duration { return time.Millisecond }
		id := m.create(0)
		first, second, end := m.append(id, 1), m.append(id, 1), m.end(id)
		p.Publish(m.append(m.create(0), 1))
		synctest.Wait()
		p.Publish(end)
		p.Publish(second)
		p.Publish(first)
		if err := p.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := sent(t, m)[1]
		if len(got) != 1 || got[0].Seq != 3 || !got[0].ends() || len(got[0].Events) != 3 || string(got[0].Events[2].Frame()) != string(end[0].Frame()) {
			t.Errorf("sent %v", got)
		}
	})
}

func TestLargeTerminalEventTravelsAsSeqOnly(t *testing.T) {
	t.Parallel()
	publishing(t, quiet, func(t *testing.T, m *memory, p *Publisher, _ func()) {
		e := research.Complete(strings.Repeat("long ", 1000), []any{}, 1, 1, nil)
		e.TaskID, e.Seq = uuid.New(), 9
		p.Publish([]research.Event{e})
		if err := p.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := sent(t, m)[0][0]; got.Seq != 9 || got.Events != nil {
			t.Errorf("sent %v", got)
		}
	})
}

func TestPublishReachesThisProcessFirst(t *testing.T) {
	t.Parallel()
	publishing(t, quiet, func(t *testing.T, m *memory, p *Publisher, _ func()) {
		id := m.create(0)
		s := p.hub.Subscribe(id, 0)
		defer s.Close()
		m.set(func(m *memory) { m.down = true })
		p.Publish(m.append(id, 2))
		p.Publish(m.end(id))
		if f := next(t, s, 1, 3); !f[2].Terminal() {
			t.Error("the terminal event is not")
		}
		wantEOF(t, s)
	})
}

func TestFailedNotifyIsTriedAgainThenDropped(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&out, nil))
	publishing(t, logger, func(t *testing.T, m *memory, p *Publisher, _ func()) {
		tries, failures := 0, 2
		m.notify = func(context.Context) error {
			if tries++; tries <= failures {
				return errDown
			}
			return nil
		}
		p.Publish(m.append(m.create(0), 1))
		if err := p.Flush(t.Context()); err != nil || tries != 3 || len(sent(t, m)) != 1 {
			t.Errorf("after two failures: %v, %d tries, sent %v", err, tries, sent(t, m))
		}
		tries, failures = 0, 1000
		p.Publish(m.append(m.create(0), 1))
		if err := p.Flush(t.Context()); !errors.Is(err, errDown) || tries != notifyTries {
			t.Errorf("after many: %v, %d tries", err, tries)
		}
		tries, failures = 0, 0
		p.Publish(m.append(m.create(0), 1))
		if err := p.Flush(t.Context()); err != nil || len(sent(t, m)) != 2 {
			t.Errorf("after the outage: %v", err)
		}
		if n := strings.Count(out.String(), "gave up telling"); n != 1 {
			t.Errorf("one drop was logged %d times", n)
		}
	})
}

func TestFlushHonoursItsContext(t *testing.T) {
	t.Parallel()
	publishing(t, quiet, func(t *testing.T, m *memory, p *Publisher, _ func()) {
		m.delay = func() time.Duration { return time.Second }
		p.Publish(m.append(m.create(0), 1))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := p.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Flush: %v", err)
		}
	})
}

func TestFlushWaitsForWhatIsInFlight(t *testing.T) {
	t.Parallel()
	publishing(t, quiet, func(t *testing.T, m *memory, p *Publisher, _ func()) {
		m.delay = func() time.Duration { return time.Second }
		p.Publish(m.append(m.create(0), 1))
		synctest.Wait()
		if err := p.Flush(t.Context()); err != nil || len(sent(t, m)) != 1 {
			t.Errorf("Flush: %v, sent %v", err, sent(t, m))
		}
	})
}

func TestStoppingSendsTheRest(t *testing.T) {
	t.Parallel()
	publishing(t, quiet, func(t *testing.T, m *memory, p *Publisher, stop func()) {
		m.delay = func() time.Duration { return 50 * time.Millisecond }
		p.Publish(m.append(m.create(0), 1))
		synctest.Wait()
		p.Publish(m.append(m.create(0), 1))
		stop()
		if got := sent(t, m); len(got) != 2 {
			t.Errorf("sent %v", got)
		}
		p.Publish(m.append(m.create(0), 1))
		if err := p.Flush(t.Context()); !errors.Is(err, ErrStopping) {
			t.Errorf("Flush after the end: %v", err)
		}
	})
}

func TestStoppingDoesNotWaitForADeadDatabase(t *testing.T) {
	t.Parallel()
	publishing(t, quiet, func(t *testing.T, m *memory, p *Publisher, stop func()) {
		m.delay = func() time.Duration { return time.Hour }
		p.Publish(m.append(m.create(0), 1))
		synctest.Wait()
		p.Publish(m.append(m.create(0), 1))
		began := time.Now()
		stop()
		if took := time.Since(began); took != drainTimeout {
			t.Errorf("stopping took %v", took)
		}
	})
}
