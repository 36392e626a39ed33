package stream

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"legwork/internal/research"
)

// checkBatch is the greatest number of tasks in one query of the poll.
const checkBatch = 2000

// Hub gives the events of tasks to the subscriptions of this process.
type Hub struct {
	log       Log
	cfg       Config
	id        uuid.UUID // names this process in payloads, so that it can ignore its own payloads
	ctx       context.Context
	cancel    context.CancelFunc
	tailReads chan struct{} // one element per running read at the end of a log
	lagReads  chan struct{} // one element per running read for a subscription behind its window
	lagging   atomic.Int64  // number of such reads that have begun
	reading   outage

	answers partialAnswers

	mu     sync.RWMutex
	topics map[uuid.UUID]*topic

	spawning sync.Mutex // while Stop waits for the last goroutine, no new one may start
	stopped  bool
	readers  sync.WaitGroup
}

// NewHub returns a hub on log. The hub serves subscriptions at once. Run adds the poll.
func NewHub(log Log, cfg Config) *Hub {
	cfg = cfg.withDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	return &Hub{log: log, cfg: cfg, id: uuid.New(), ctx: ctx, cancel: cancel,
		tailReads: make(chan struct{}, cfg.Readers), lagReads: make(chan struct{}, cfg.Readers),
		reading: outage{what: "reading events", logger: cfg.Logger},
		topics:  map[uuid.UUID]*topic{}}
}

// Subscribe returns a subscription to the events of a task with seq > after. It does not check that the task exists or
// that the client may see it: the caller must have checked this. The caller must close the subscription.
func (h *Hub) Subscribe(taskID uuid.UUID, after int64) *Subscription {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[taskID]
	if t == nil {
		t = newTopic(h, taskID)
		h.topics[taskID] = t
	}
	t.subs++
	return &Subscription{topic: t, cursor: max(after, 0), closed: make(chan struct{})}
}

// SubscribeWithDeltas is Subscribe for a client that shows the answer while it is written: Next also returns deltas.
// When Next returns the event that completes the task, the deltas before it make up exactly the task's answer, even if
// some fragments were lost.
func (h *Hub) SubscribeWithDeltas(taskID uuid.UUID, after int64) *Subscription {
	s := h.Subscribe(taskID, after)
	s.deltas = h.answers.subscribe(taskID)
	return s
}

func (h *Hub) leave(t *topic) {
	h.mu.Lock()
	t.subs--
	empty := t.subs == 0
	if empty {
		delete(h.topics, t.id)
	}
	h.mu.Unlock()
	if empty {
		t.close()
	}
}

// Watched returns the number of tasks that have a subscription in this process.
func (h *Hub) Watched() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.topics)
}

// LaggingReads returns how many reads of the table run for subscriptions that are behind their window, and how many have begun so far.
func (h *Hub) LaggingReads() (running int, total int64) { return len(h.lagReads), h.lagging.Load() }

// Stop makes every Next, now and later, return ErrStopping. It waits for reads of the table to end.
func (h *Hub) Stop() {
	h.spawning.Lock()
	h.stopped = true
	h.spawning.Unlock()
	h.cancel()
	h.readers.Wait()
}

// spawn runs f in a goroutine that Stop waits for. It returns false when the hub has stopped.
func (h *Hub) spawn(f func()) bool {
	h.spawning.Lock()
	defer h.spawning.Unlock()
	if h.stopped {
		return false
	}
	h.readers.Go(f)
	return true
}

func (h *Hub) topic(id uuid.UUID) *topic {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.topics[id]
}

// deliver passes consecutive events of one task to the subscriptions of this process.
func (h *Hub) deliver(events []research.Event) {
	newest := events[len(events)-1]
	if t := h.topic(newest.TaskID); t != nil {
		t.mu.Lock()
		t.take(events)
		t.mu.Unlock()
	}
	if newest.Terminal {
		h.answers.end(newest.TaskID)
	}
}

// receive processes the announcements of another process.
func (h *Hub) receive(announcements []announcement) {
	for _, a := range announcements {
		if len(a.Events) > 0 {
			h.deliver(a.Events)
		} else if t := h.topic(a.Task); t != nil {
			t.mu.Lock()
			t.hint(a.Seq)
			t.mu.Unlock()
		}
	}
}

// Run polls the table until ctx ends or the hub stops. An event whose notification was lost is found within one interval.
func (h *Hub) Run(ctx context.Context) {
	if h.cfg.Poll < 0 {
		return
	}
	tick := time.NewTicker(h.cfg.Poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.ctx.Done():
			return
		case <-tick.C:
			h.check(ctx)
		}
	}
}

// check compares all watched logs that have not ended with the table. After a failure the next check tries again.
func (h *Hub) check(ctx context.Context) {
	for ids := range slices.Chunk(h.open(), checkBatch) {
		query, cancel := context.WithTimeout(ctx, h.cfg.ReadTimeout)
		states, err := h.log.LogStates(query, ids)
		cancel()
		if ctx.Err() != nil {
			return
		}
		h.reading.report(err)
		if err != nil {
			return
		}
		for _, id := range ids {
			if t := h.topic(id); t != nil {
				s, exists := states[id]
				t.mu.Lock()
				t.state(s, exists)
				t.mu.Unlock()
			}
		}
	}
}

// open lists the watched tasks whose terminal event is not known.
func (h *Hub) open() []uuid.UUID {
	h.mu.RLock()
	defer h.mu.RUnlock()
	ids := make([]uuid.UUID, 0, len(h.topics))
	for id, t := range h.topics {
		t.mu.Lock()
		if t.end == 0 && !t.deleted {
			ids = append(ids, id)
		}
		t.mu.Unlock()
	}
	return ids
}
