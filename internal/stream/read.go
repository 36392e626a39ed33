package stream

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"legwork/internal/research"
	"legwork/internal/retry"
	"legwork/internal/store"
)

// read is one read of the table from a cursor on. All subscriptions of the process with this cursor share it.
type read struct {
	cursor int64
	behind bool          // the cursor is behind the window
	last   int64         // the last seq of the window when the read began
	hints  uint64        // the topic's count of hints when the read began
	done   chan struct{} // closed when the fields below are final

	entries  []*Entry       // empty when no event follows the cursor
	complete bool           // the entries reach the end of the log
	state    store.LogState // set only when entries is empty
	exists   bool           // set only when entries is empty
}

// read returns the running read at cursor, or begins one. The caller holds t.mu.
func (t *topic) read(cursor int64) *read {
	if r := t.reads[cursor]; r != nil {
		return r
	}
	r := &read{cursor: cursor, behind: cursor < t.window.floor, last: t.window.last, hints: t.hints, done: make(chan struct{})}
	t.reads[cursor] = r
	started := t.hub.spawn(func() {
		ok := t.fetch(r)
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.reads, cursor)
		if ok {
			t.apply(r)
		}
		close(r.done)
	})
	if !started { // the hub is stopping, which Next notices by itself
		delete(t.reads, cursor)
		close(r.done)
	}
	return r
}

// apply adds the result of a finished read to the topic, and wakes the subscriptions that wait for it.
func (t *topic) apply(r *read) {
	if t.deleted {
		return
	}
	last, end := t.window.last, t.end
	switch {
	case len(r.entries) > 0:
		t.merge(r.cursor, r.entries)
	case !r.exists:
		t.rowsGone()
		return
	default:
		t.applyEmpty(r)
	}
	t.updateHints(r)
	switch {
	case t.window.last != last || t.end != end:
		t.broadcast() // a subscription that needs more begins the next read
	case t.waiting.Load() > 0 && t.stale():
		t.read(t.window.last)
	}
}

// updateHints records which hints the read has answered.
func (t *topic) updateHints(r *read) {
	switch {
	case r.complete:
		t.hintsRead = max(t.hintsRead, r.hints)
		if t.hintsRead == t.hints {
			t.hinted = t.window.last
		}
	case r.entries[len(r.entries)-1].Seq == t.window.last: // the read stopped at one of its bounds, so there may be more events
		t.hinted = max(t.hinted, t.window.last+1)
		t.hints++
	}
}

// applyEmpty records that no event follows the cursor of r.
func (t *topic) applyEmpty(r *read) {
	if r.state.LastSeq < r.last { // a failover lost events that were already sent; continue with the log as it is now
		t.end = 0
		t.window.reset(r.state.LastSeq)
	} else if r.state.LastSeq > t.window.last {
		t.window.reset(r.state.LastSeq)
	}
	if r.state.Terminal {
		t.end = r.state.LastSeq
	}
}

// fetch fills r and repeats the queries until they succeed. It returns false when the last subscription of the topic was
// closed first.
func (t *topic) fetch(r *read) bool {
	h := t.hub
	slots := h.tailReads
	if r.behind {
		slots = h.lagReads
		h.lagging.Add(1)
	}
	pauses := retry.NewPauses(20*time.Millisecond, time.Second)
	for {
		select {
		case slots <- struct{}{}:
		case <-t.ctx.Done():
			return false
		}
		again, err := r.try(t.ctx, t)
		<-slots
		if t.ctx.Err() != nil {
			return false
		}
		h.reading.report(err)
		if err == nil && !again {
			return true
		}
		if pauses.Wait(t.ctx) != nil {
			return false
		}
	}
}

// try does the queries of a read once. again is true when the log grew between the two queries.
func (r *read) try(ctx context.Context, t *topic) (again bool, err error) {
	cfg, log := t.hub.cfg, t.hub.log
	ctx, cancel := context.WithTimeoutCause(ctx, cfg.ReadTimeout, errors.New("the database did not answer in time"))
	defer cancel()
	for range 3 {
		events, err := log.Events(ctx, t.id, r.cursor, cfg.ReadRows)
		if err != nil {
			return false, err
		}
		if len(events) > 0 {
			fit := withinBytes(events, cfg.ReadBytes)
			r.entries = newEntries(t, events[:fit])
			r.complete = fit == len(events) && (fit < cfg.ReadRows || events[fit-1].Terminal)
			return false, nil
		}
		states, err := log.LogStates(ctx, []uuid.UUID{t.id})
		if err != nil {
			return false, err
		}
		if r.state, r.exists = states[t.id]; !r.exists || r.state.LastSeq <= r.cursor {
			r.complete = true
			return false, nil
		}
	}
	return true, nil
}

// withinBytes returns how many of the events take about size bytes together, but at least one.
func withinBytes(events []research.Event, size int) int {
	for i, e := range events {
		if size -= entrySize + len(e.Body); size < 0 && i > 0 {
			return i
		}
	}
	return len(events)
}
