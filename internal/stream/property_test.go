package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"legwork/internal/research"
)

// chance is a seeded source of random decisions. Several goroutines may use it at once.
type chance struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (c *chance) n(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.r.IntN(n)
}

func (c *chance) oneIn(n int) bool { return c.n(n) == 0 }

// pause lets simulated time pass, so that anything can happen in between.
func (c *chance) pause(max time.Duration) { time.Sleep(time.Duration(c.n(int(max)))) }

// world is one random run: logs that grow, two processes that receive some of the notifications, and clients
// that connect and leave.
type world struct {
	*chance
	t             *testing.T
	m             *memory
	local, remote *Hub         // the process of the writer, and another process
	reliable      bool         // every publish arrives unless the listener is lost; the hubs do not poll
	lost          atomic.Bool  // true while the remote process's listener receives nothing
	deleted       sync.Map     // events of the logs whose rows were deleted, by id of the task
	calm          atomic.Int64 // when the last writer or outage ended, in nanoseconds after began
	began         time.Time
	work          sync.WaitGroup
}

// TestEverySubscriptionGetsItsSuffix compares streams with the log under random interleavings of appends, overtaking,
// repeated and lost publishes, lost listeners, outages, deleted logs, clients that subscribe anywhere, pause, time out,
// leave and come back.
func TestEverySubscriptionGetsItsSuffix(t *testing.T) {
	t.Parallel()
	seeds := 120
	if testing.Short() {
		seeds = 30
	}
	base := rand.Uint64()
	for i := range seeds {
		seed := base + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { simulate(t, seed) })
		})
	}
}

func simulate(t *testing.T, seed uint64) {
	c := &chance{r: rand.New(rand.NewPCG(seed, 1))}
	cfg := Config{WindowEvents: 1 + c.n(12), WindowBytes: 200 + c.n(3000), ReadRows: 1 + c.n(10), ReadBytes: 150 + c.n(2000),
		Readers: 1 + c.n(3), Poll: time.Duration(1+c.n(1000)) * time.Millisecond, Logger: quiet}
	m := newMemory()
	m.delay = func() time.Duration { return time.Duration(c.n(int(3 * time.Millisecond))) }
	w := &world{chance: c, t: t, m: m, began: time.Now(), reliable: c.oneIn(2)}
	if w.reliable {
		cfg.Poll = -1
	}
	w.local, w.remote = NewHub(m, cfg), NewHub(m, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	polls := sync.WaitGroup{}
	polls.Go(func() { w.local.Run(ctx) })
	polls.Go(func() { w.remote.Run(ctx) })
	for range 1 + c.n(3) {
		id := m.create(c.n(20))
		w.work.Go(func() { w.write(id) })
		for range 1 + c.n(8) {
			w.work.Go(func() { w.client(id) })
		}
	}
	w.work.Go(func() { w.outages(ctx) })
	w.work.Wait()
	if n := w.local.Watched() + w.remote.Watched(); n > 0 {
		t.Errorf("%d topics without a subscription", n)
	}
	cancel()
	polls.Wait()
	w.local.Stop()
	w.remote.Stop()
}

// write appends to a log in bursts, and then ends the log.
func (w *world) write(id uuid.UUID) {
	for range w.n(60) {
		w.publish(w.m.append(id, 1+w.n(3)))
		if w.oneIn(3) {
			w.pause(20 * time.Millisecond)
		}
	}
	end := w.m.end(id)
	if w.oneIn(4) {
		w.deleted.Store(id, w.m.suffix(id, 0))
		w.m.delete(id)
	}
	w.publish(end)
	w.calm.Store(int64(time.Since(w.began)))
}

// publish publishes events to both processes. It does so mostly at once, sometimes late and therefore out of order,
// twice, or never.
func (w *world) publish(events []research.Event) {
	tell := func(how func()) {
		switch w.n(6) {
		case 0:
			if w.reliable {
				how()
			}
		case 1:
			w.work.Go(func() { w.pause(30 * time.Millisecond); how() })
		case 2:
			how()
			w.work.Go(how)
		default:
			how()
		}
	}
	tell(func() { w.local.deliver(events) })
	tell(func() {
		a := announce(events)
		if w.oneIn(2) {
			a = a.withoutEvents()
		}
		for _, text := range packPayloads(w.local.id, []announcement{a}) {
			_, announcements, _, err := parsePayload(text)
			if err != nil {
				w.t.Error(err)
			}
			if !w.lost.Load() {
				w.remote.receive(announcements)
			}
		}
	})
}

// outages makes the database unreachable, or the remote process's listener lose its connection, for some time. After a
// lost connection it calls check, as Listener does after LISTEN.
func (w *world) outages(ctx context.Context) {
	for range w.n(6) {
		w.pause(200 * time.Millisecond)
		if w.oneIn(2) {
			w.lost.Store(true)
			w.pause(300 * time.Millisecond)
			w.lost.Store(false)
			w.remote.check(ctx)
			continue
		}
		w.m.set(func(m *memory) { m.down = true })
		w.pause(500 * time.Millisecond)
		w.m.set(func(m *memory) { m.down = false })
	}
	w.calm.Store(int64(time.Since(w.began)))
}

// client follows a log to its end, over as many subscriptions as it takes, and compares what it received with the log in
// memory.
func (w *world) client(id uuid.UUID) {
	hub := w.local
	if w.oneIn(2) {
		hub = w.remote
	}
	w.pause(200 * time.Millisecond)
	start := int64(w.n(40))
	cursor := start
	var got []string
	for {
		s := hub.Subscribe(id, cursor)
		messages, ended, err := w.session(s, cursor)
		s.Close()
		if err != nil {
			w.t.Errorf("a stream ended with %v", err)
			return
		}
		for _, m := range messages {
			_, deleted := w.deleted.Load(id)
			if m.Seq() <= cursor || m.Seq() != cursor+1 && cursor > start && !deleted {
				w.t.Errorf("event %d came after %d", m.Seq(), cursor)
			}
			cursor = m.Seq()
			got = append(got, frame(m))
		}
		if late := time.Since(w.began) - time.Duration(w.calm.Load()); ended && late > 5*time.Second {
			w.t.Errorf("from %d: the end came %v after everything was calm", start, late)
		}
		if ended {
			break
		}
		if time.Since(w.began) > time.Minute {
			w.t.Errorf("from %d: no news after %d for a long while", start, cursor)
			return
		}
		if w.oneIn(2) { // the client now connects to the other process
			hub = map[*Hub]*Hub{w.local: w.remote, w.remote: w.local}[hub]
		}
	}
	if all, deleted := w.deleted.Load(id); deleted {
		w.subsequence(got, all.([]string))
		return
	}
	if want := w.m.suffix(id, start); fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("from %d: got %d events, the log has %d", start, len(got), len(want))
	}
}

// subsequence checks that the events received of a deleted log are events of this log, in order.
// TestTerminalEventOutlivesItsRow tests which events may be missing.
func (w *world) subsequence(got, all []string) {
	for _, frame := range got {
		i := slices.Index(all, frame)
		if i < 0 {
			w.t.Errorf("%s is not in the log, or out of order", frame)
			return
		}
		all = all[i+1:]
	}
}

// session reads one subscription until the log ends or the client leaves.
func (w *world) session(s *Subscription, cursor int64) (all []Message, ended bool, err error) {
	patience := 100 * time.Millisecond
	if w.oneIn(3) {
		patience = 30 * time.Second
	}
	for calls := 1 + w.n(30); calls > 0; calls-- {
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Duration(1+w.n(int(patience))))
		messages, err := s.Next(ctx)
		cancel()
		all = append(all, messages...)
		switch {
		case err == io.EOF:
			return all, true, nil
		case err != nil && !errors.Is(err, context.DeadlineExceeded):
			return all, false, err
		case err == nil && len(messages) == 0:
			return all, false, errors.New("an empty Next")
		}
		if w.oneIn(5) {
			w.pause(100 * time.Millisecond)
		}
	}
	return all, false, nil
}
