package stream

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"legwork/internal/store"
)

// read is one look into the table after a cursor, shared by all subscriptions of the process that stand there.
type read struct {
	cursor int64
	behind bool          // by a subscription behind the window
	tail   int64         // the topic's last when it began
	dirty  uint64        // the topic's dirty when it began
	done   chan struct{} // closed when the fields below are final

	frames   []Frame        // empty: nothing follows the cursor
	complete bool           // frames reach the end of the log
	state    store.LogState // only when frames is empty
	exists   bool           // only when frames is empty
}

// read returns the read at cursor, begun now unless it is under way. The caller holds t.mu.
func (t *topic) read(cursor int64) *read {
	if r := t.reads[cursor]; r != nil {
		return r
	}
	r := &read{cursor: cursor, behind: cursor < t.floor, tail: t.last, dirty: t.dirty, done: make(chan struct{})}
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
	if !started { // stopping: Next will see that as well
		delete(t.reads, cursor)
		close(r.done)
	}
	return r
}

// apply takes in a finished read and wakes who waits for it.
func (t *topic) apply(r *read) {
	if t.gone {
		return
	}
	last, end := t.last, t.end
	switch {
	case len(r.frames) > 0:
		t.merge(r.cursor, r.frames)
	case !r.exists:
		t.vanish()
		return
	default:
		t.settle(r)
	}
	t.account(r)
	switch {
	case t.last != last || t.end != end:
		t.broadcast() // who wakes and wants more reads on
	case t.waiting.Load() > 0 && t.stale():
		t.read(t.last)
	}
}

// account updates what is known of the end of the log.
func (t *topic) account(r *read) {
	switch {
	case r.complete:
		t.clean = max(t.clean, r.dirty)
		if t.clean == t.dirty {
			t.known = t.last
		}
	case r.frames[len(r.frames)-1].Seq == t.last: // cut by the bounds of a read
		t.known = max(t.known, t.last+1)
		t.dirty++
	}
}

// settle takes in that nothing follows the cursor of r.
func (t *topic) settle(r *read) {
	if r.state.LastSeq < r.tail { // a failover lost what was told already; follow the log as it is now
		t.end = 0
		t.position(r.state.LastSeq)
	} else if r.state.LastSeq > t.last {
		t.position(r.state.LastSeq)
	}
	if r.state.Terminal {
		t.end = r.state.LastSeq
	}
}

// fetch fills r, trying again until it worked; false when the topic ended first.
func (t *topic) fetch(r *read) bool {
	h := t.hub
	gate := h.ahead
	if r.behind {
		gate = h.behind
	}
	wait := backoff{min: 20 * time.Millisecond, max: time.Second}
	for {
		select {
		case gate <- struct{}{}:
		case <-t.ctx.Done():
			return false
		}
		again, err := r.try(t.ctx, h, t.id)
		<-gate
		if t.ctx.Err() != nil {
			return false
		}
		h.reading.report(err)
		if err == nil && !again {
			return true
		}
		if !wait.wait(t.ctx) {
			return false
		}
	}
}

// try queries once. It asks to be called again when the log grew between its two queries.
func (r *read) try(ctx context.Context, h *Hub, id uuid.UUID) (again bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, h.cfg.ReadTimeout, errors.New("the database did not answer in time"))
	defer cancel()
	for range 3 {
		events, err := h.log.Events(ctx, id, r.cursor, h.cfg.ReadRows)
		if err != nil {
			return false, err
		}
		if len(events) > 0 {
			size := 0
			for _, e := range events {
				f := encode(e)
				if size += len(f.Data); size > h.cfg.ReadBytes && len(r.frames) > 0 {
					return false, nil
				}
				r.frames = append(r.frames, f)
			}
			r.complete = len(events) < h.cfg.ReadRows || events[len(events)-1].Terminal
			return false, nil
		}
		states, err := h.log.LogStates(ctx, []uuid.UUID{id})
		if err != nil {
			return false, err
		}
		if r.state, r.exists = states[id]; !r.exists || r.state.LastSeq <= r.cursor {
			r.complete = true
			return false, nil
		}
	}
	return true, nil
}
