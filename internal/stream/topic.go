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
// A hint says that the log may have grown. Two counters decide whether the table has to be read. Each hint increases
// hints. A read that reached the end of the log sets hintsRead to the value that hints had when the read began. So a
// false hint costs one read and no more.
type topic struct {
	id     uuid.UUID
	hub    *Hub
	ctx    context.Context // ends when the last subscription is closed
	cancel context.CancelFunc
	subs   int // number of subscriptions; guarded by Hub.mu

	mu        sync.RWMutex
	window    window
	end       int64       // seq of the terminal event; 0 while unknown
	terminal  *Entry      // the terminal event, if it arrived before events that precede it
	deleted   bool        // the rows were deleted: no event follows those in the window
	goneTimer *time.Timer // runs while the rows are deleted and the terminal event is still expected

	hinted           int64 // highest seq of all hints
	hints, hintsRead uint64
	reads            map[int64]*read // reads of the table that are running, by cursor
	waiting          atomic.Int32    // number of subscriptions that wait for changed; increased with mu held or shared
	changed          chan struct{}   // closed and replaced when the window, end or deleted changes
}

// newTopic makes a topic that knows no event of its log. The topic begins with a hint, so that the first subscription
// reads the table.
func newTopic(h *Hub, id uuid.UUID) *topic {
	ctx, cancel := context.WithCancel(h.ctx)
	return &topic{id: id, hub: h, ctx: ctx, cancel: cancel, hinted: math.MaxInt64, hints: 1,
		window: window{maxEvents: h.cfg.WindowEvents, maxBytes: h.cfg.WindowBytes},
		reads:  map[int64]*read{}, changed: make(chan struct{})}
}

// stale reports whether the table may have events after the last one in the window.
func (t *topic) stale() bool { return t.hints != t.hintsRead && t.hinted > t.window.last }

// mustRead reports whether the table may have the events that follow the cursor.
func (t *topic) mustRead(cursor int64) bool {
	return t.goneTimer == nil && (cursor < t.window.floor || t.stale())
}

// over reports whether no event can follow the cursor. The caller must have found none in the window.
func (t *topic) over(cursor int64) bool {
	return t.deleted || t.end > 0 && cursor >= t.end
}

// broadcast wakes the subscriptions that wait for a change.
func (t *topic) broadcast() {
	if t.waiting.Load() == 0 {
		return
	}
	close(t.changed)
	t.changed = make(chan struct{})
}

// hint records that the log may reach seq. When no subscription waits, the next call of Next will read the table.
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

// take adds consecutive events that were not read from the table, because this process committed them or another process
// sent them. Events that directly follow the window are added to the window. Other events are treated as a hint.
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

// merge adds the result of a read at cursor: consecutive events of the log after the cursor. If the window already has
// an entry for an event, merge uses this entry instead of the new one, so that the event is encoded only once.
func (t *topic) merge(cursor int64, found []*Entry) {
	for i, e := range found {
		if held := t.window.held(e.Seq); held != nil {
			found[i] = held
		}
	}
	newest := found[len(found)-1]
	if cursor > t.window.last { // a subscription is ahead of the window: move the window there; subscriptions behind it read the table
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

// recount updates the size of an entry that has got another encoding.
func (t *topic) recount(e *Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.window.held(e.Seq) == e {
		t.window.count(e)
		t.window.trim()
	}
}

// state processes a result of LogStates. The result may be older than what the topic already knows.
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

// rowsGone records that the task's rows were deleted. The terminal event may still arrive by NOTIFY, or be read from the
// copy that the deletion stored.
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

// readLastEvent reads the terminal event that the deletion of the task stored. A process needs it when it received no
// NOTIFY of the event.
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

// finish ends the log after the window and the terminal event, if the terminal event has arrived. Gaps before it cannot
// be filled, because the table has no rows.
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
