package stream

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"legwork/internal/research"
	"legwork/internal/store"
)

// topic is what this process knows of one task's log.
//
// Two counters decide whether the table has to be read. Each hint that the log has grown raises hints. A read that saw the
// end of the log sets hintsRead to what hints was when the read began. A false hint therefore costs one read and no more.
type topic struct {
	id     uuid.UUID
	hub    *Hub
	ctx    context.Context // ends with the last subscription
	cancel context.CancelFunc
	subs   int // guarded by Hub.mu

	mu        sync.RWMutex
	window    window
	end       int64       // seq of the terminal event; 0 while unknown
	terminal  *Entry      // the terminal event, when it came before events that precede it
	deleted   bool        // the rows are gone: nothing follows what the window holds
	goneTimer *time.Timer // runs while the rows are gone and the terminal event is still waited for

	hinted           int64 // highest seq of all hints
	hints, hintsRead uint64
	reads            map[int64]*read // reads of the table under way, by cursor
	waiting          atomic.Int32    // subscriptions that wait for changed; raised with mu held or shared
	changed          chan struct{}   // closed and replaced when the window, end or deleted changes
}

// newTopic knows nothing of its log yet, so it begins with a hint that there is something to read after 0.
func newTopic(h *Hub, id uuid.UUID) *topic {
	ctx, cancel := context.WithCancel(h.ctx)
	return &topic{id: id, hub: h, ctx: ctx, cancel: cancel, hinted: math.MaxInt64, hints: 1,
		window: window{maxEvents: h.cfg.WindowEvents, maxBytes: h.cfg.WindowBytes},
		reads:  map[int64]*read{}, changed: make(chan struct{})}
}

// stale reports whether the table may have events behind the window.
func (t *topic) stale() bool { return t.hints != t.hintsRead && t.hinted > t.window.last }

// mustRead reports whether the table may have what follows the cursor.
func (t *topic) mustRead(cursor int64) bool {
	return t.goneTimer == nil && (cursor < t.window.floor || t.stale())
}

// over reports whether nothing can follow the cursor, given that the window has nothing behind it.
func (t *topic) over(cursor int64) bool {
	return t.deleted || t.end > 0 && cursor >= t.end
}

// broadcast wakes the subscriptions that wait.
func (t *topic) broadcast() {
	if t.waiting.Load() == 0 {
		return
	}
	close(t.changed)
	t.changed = make(chan struct{})
}

// hint takes in that the log may reach seq. When no subscription waits, the next call of Next will read.
func (t *topic) hint(seq int64) {
	if t.deleted || seq <= t.window.last {
		return
	}
	t.hinted = max(t.hinted, seq)
	t.hints++
	if t.waiting.Load() > 0 && t.goneTimer == nil {
		t.read(t.window.last)
	}
}

// take takes in consecutive events that came without a read, because this process committed them or another one sent
// them. Those that follow the last event of the window enter it; of others, the topic learns that the log has grown.
func (t *topic) take(events []research.Event) {
	if t.deleted {
		return
	}
	before := t.window.last
	for _, e := range events {
		if e.Seq == t.window.last+1 {
			t.push(newEntry(t, e))
		}
	}
	if newest := events[len(events)-1]; newest.Seq > t.window.last {
		if newest.Terminal {
			t.terminal = newEntry(t, newest)
		}
		if newest.Terminal && t.goneTimer != nil {
			t.finish()
		} else {
			t.hint(newest.Seq)
		}
	}
	if t.window.last != before {
		t.broadcast()
	}
}

func (t *topic) push(e *Entry) {
	t.window.push(e)
	if e.Terminal {
		t.end = e.Seq
	}
}

// merge takes in what a read at cursor found: all events that the log has from there to the last of them. Where the window
// holds an event already, its entry takes the place of the found one, so that it is encoded once.
func (t *topic) merge(cursor int64, found []*Entry) {
	for i, e := range found {
		if held := t.window.held(e.Seq); held != nil {
			found[i] = held
		}
	}
	newest := found[len(found)-1]
	if cursor > t.window.last { // a subscription is ahead of the window: the window moves to it, and who is behind reads the table
		t.window.reset(cursor)
	}
	if cursor < t.window.floor && newest.Seq >= t.window.floor {
		t.window.prepend(cursor, found)
	}
	for _, e := range found {
		if e.Seq > t.window.last {
			t.push(e)
		}
	}
	if newest.Terminal {
		t.end = newest.Seq
	}
}

// recount takes in that an entry has got another encoding.
func (t *topic) recount(e *Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.window.held(e.Seq) == e {
		t.window.count(e)
		t.window.trim()
	}
}

// state takes in what LogStates says. A poll may be older than what is known already.
func (t *topic) state(s store.LogState, exists bool) {
	if t.deleted {
		return
	}
	if !exists {
		t.rowsGone()
		return
	}
	if s.Terminal && t.end == 0 {
		t.end = s.LastSeq
		t.broadcast()
	}
	t.hint(s.LastSeq)
}

// rowsGone takes in that the task's rows were deleted. The terminal event may still be on its way: by NOTIFY, or in what
// the deletion left behind.
func (t *topic) rowsGone() {
	switch {
	case t.deleted || t.goneTimer != nil:
	case t.terminal != nil || t.end > 0 && t.window.last >= t.end:
		t.finish()
		t.broadcast()
	default:
		t.goneTimer = time.AfterFunc(t.hub.cfg.GoneGrace, func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			if !t.deleted {
				t.finish()
				t.broadcast()
			}
		})
		t.hub.spawn(t.readLastEvent)
	}
}

// readLastEvent asks for the terminal event that the deletion of the task kept, for a process that no NOTIFY reached.
func (t *topic) readLastEvent() {
	ctx, cancel := context.WithTimeout(t.ctx, t.hub.cfg.ReadTimeout)
	defer cancel()
	last, found, err := t.hub.log.KeptFinalEvent(ctx, t.id)
	if err != nil || !found {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.take([]research.Event{last})
}

// finish makes the window, with the terminal event if it came, all there is: the table has nothing to fill a gap with.
func (t *topic) finish() {
	if t.goneTimer != nil {
		t.goneTimer.Stop()
	}
	if t.terminal != nil && t.terminal.Seq > t.window.last {
		t.push(t.terminal)
	}
	t.deleted, t.window.floor = true, 0
}

func (t *topic) close() {
	t.cancel()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.goneTimer != nil {
		t.goneTimer.Stop()
	}
}
