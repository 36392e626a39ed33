package stream

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// checkBatch is how many tasks one poll query asks for.
const checkBatch = 2000

// Hub gives the events of tasks to the subscriptions of this process.
type Hub struct {
	log     Log
	cfg     Config
	id      uuid.UUID // names this process in payloads, so that it can ignore its own
	ctx     context.Context
	cancel  context.CancelFunc
	ahead   chan struct{} // slots for reads at the end of a log
	behind  chan struct{} // slots for reads by subscriptions that lag
	reading outage

	voices voices

	mu     sync.RWMutex
	topics map[uuid.UUID]*topic

	spawning sync.Mutex // keeps a new reader from starting while Stop waits for the last
	stopped  bool
	readers  sync.WaitGroup
}

// NewHub returns a hub on log. It serves subscriptions at once; Run adds the poll.
func NewHub(log Log, cfg Config) *Hub {
	cfg = cfg.withDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	return &Hub{log: log, cfg: cfg, id: uuid.New(), ctx: ctx, cancel: cancel,
		ahead: make(chan struct{}, cfg.Readers), behind: make(chan struct{}, cfg.Readers),
		reading: outage{what: "reading events", logger: cfg.Logger},
		topics:  map[uuid.UUID]*topic{}}
}

// Subscribe positions a reader after cursor `after` in a task's log. It does not ask whether the task exists, nor whose
// it is: callers have done so. Every subscription must be closed.
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

// SubscribeWithDeltas is Subscribe for who wants to read the answer while it is written: Next also gives frames without Seq
// that hold pieces of it. Before the event that completes the task they make up its answer exactly, whatever was lost
// on the way.
func (h *Hub) SubscribeWithDeltas(taskID uuid.UUID, after int64) *Subscription {
	s := h.Subscribe(taskID, after)
	s.ear = h.voices.listen(taskID)
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

// Watched is how many tasks have a subscription in this process.
func (h *Hub) Watched() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.topics)
}

// Stop makes every Next, now and later, return ErrStopping, and waits for reads under way to end.
func (h *Hub) Stop() {
	h.spawning.Lock()
	h.stopped = true
	h.spawning.Unlock()
	h.cancel()
	h.readers.Wait()
}

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

// deliver hands over consecutive events of a task.
func (h *Hub) deliver(id uuid.UUID, frames []Frame) {
	if t := h.topic(id); t != nil {
		t.mu.Lock()
		t.take(frames)
		t.mu.Unlock()
	}
	if frames[len(frames)-1].Terminal {
		h.voices.end(id)
	}
}

// announce takes in what another process told of its commits.
func (h *Hub) announce(news []announcement) {
	for _, n := range news {
		if len(n.Frames) > 0 {
			h.deliver(n.Task, n.Frames)
		} else if t := h.topic(n.Task); t != nil {
			t.mu.Lock()
			t.hint(n.Seq)
			t.mu.Unlock()
		}
	}
}

// Run polls until ctx ends or the hub stops: what notifications did not tell of is found within one interval.
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

// check compares all watched open logs with the table. Failures are left to the next check.
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

// open lists the watched tasks whose end is not known.
func (h *Hub) open() []uuid.UUID {
	h.mu.RLock()
	defer h.mu.RUnlock()
	ids := make([]uuid.UUID, 0, len(h.topics))
	for id, t := range h.topics {
		t.mu.Lock()
		if t.end == 0 && !t.gone {
			ids = append(ids, id)
		}
		t.mu.Unlock()
	}
	return ids
}
