package stream

import (
	"context"
	"math"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"legwork/internal/store"
)

// topic is what this process knows of one log. It holds every event with floor < seq ≤ last, encoded.
//
// Whether the table has to be read is a matter of two counters: each hint raises dirty, and a read that saw the end of
// the log sets clean to what dirty was when it began. A false hint therefore costs one read and no more.
type topic struct {
	id     uuid.UUID
	hub    *Hub
	ctx    context.Context // ends with the last subscription
	cancel context.CancelFunc
	subs   int // guarded by Hub.mu

	mu       sync.RWMutex
	floor    int64
	last     int64
	frames   []Frame
	bytes    int
	end      int64  // seq of the terminal event; 0 while unknown
	terminal *Frame // came ahead of its turn, kept in case the rows vanish before they are read
	gone     bool   // the rows are deleted: frames is all there will ever be
	grace    *time.Timer

	known        int64 // highest seq hinted at
	dirty, clean uint64
	reads        map[int64]*read // by cursor
	waiting      atomic.Int32    // subscriptions blocked on wake; raised with mu held or shared
	wake         chan struct{}   // closed and replaced when last, end or gone changes
}

// newTopic knows nothing yet, which is the same as having been told that there is something to read after 0.
func newTopic(h *Hub, id uuid.UUID) *topic {
	ctx, cancel := context.WithCancel(h.ctx)
	return &topic{id: id, hub: h, ctx: ctx, cancel: cancel, known: math.MaxInt64, dirty: 1,
		reads: map[int64]*read{}, wake: make(chan struct{})}
}

func (t *topic) stale() bool { return t.dirty != t.clean && t.known > t.last }

// mustRead reports whether the table may have what follows the cursor.
func (t *topic) mustRead(cursor int64) bool {
	return t.grace == nil && (cursor < t.floor || t.stale())
}

// over reports whether nothing can follow the cursor, given that after found nothing.
func (t *topic) over(cursor int64) bool {
	return t.gone || t.end > 0 && cursor >= t.end
}

// after copies the next frames out of the window; none when the cursor is behind it.
func (t *topic) after(cursor int64) []Frame {
	if cursor < t.floor || cursor >= t.last {
		return nil
	}
	from := sort.Search(len(t.frames), func(i int) bool { return t.frames[i].Seq > cursor })
	to, size := from, 0
	for to < len(t.frames) && to-from < t.hub.cfg.ReadRows {
		if size += len(t.frames[to].Data); size > t.hub.cfg.ReadBytes && to > from {
			break
		}
		to++
	}
	return append([]Frame(nil), t.frames[from:to]...)
}

func (t *topic) broadcast() {
	if t.waiting.Load() == 0 {
		return
	}
	close(t.wake)
	t.wake = make(chan struct{})
}

// hint says that the log may reach seq. Nobody waits: the next Next will read.
func (t *topic) hint(seq int64) {
	if t.gone || seq <= t.last {
		return
	}
	t.known = max(t.known, seq)
	t.dirty++
	if t.waiting.Load() > 0 && t.grace == nil {
		t.read(t.last)
	}
}

// take is news of events that came without a read: consecutive ones, as this process committed them or another sent
// them. Those that follow the window's last enter it.
func (t *topic) take(frames []Frame) {
	if t.gone {
		return
	}
	before := t.last
	for _, f := range frames {
		if f.Seq == t.last+1 {
			t.push(f)
		}
	}
	newest := frames[len(frames)-1]
	switch {
	case newest.Seq <= t.last:
	case newest.Terminal && t.grace != nil: // this is what the grace was for
		t.terminal = &newest
		t.finish()
	case newest.Terminal:
		t.terminal = &newest
		fallthrough
	default:
		t.hint(newest.Seq)
	}
	if t.last != before {
		t.broadcast()
	}
}

// push appends to the window and drops from its front what exceeds the bounds.
func (t *topic) push(f Frame) {
	t.frames = append(t.frames, f)
	t.bytes += len(f.Data)
	t.last = f.Seq
	if f.Terminal {
		t.end = f.Seq
	}
	t.trim()
}

func (t *topic) trim() {
	drop := 0
	for len(t.frames)-drop > 1 && (len(t.frames)-drop > t.hub.cfg.WindowFrames || t.bytes > t.hub.cfg.WindowBytes) {
		t.floor = t.frames[drop].Seq
		t.bytes -= len(t.frames[drop].Data)
		drop++
	}
	clear(t.frames[:drop])
	t.frames = t.frames[drop:]
}

// position moves the window to a place of which no frame is held.
func (t *topic) position(seq int64) {
	t.floor, t.last, t.frames, t.bytes = seq, seq, nil, 0
}

// merge takes in the frames that a read at cursor found: all that the log has up to the last of them.
func (t *topic) merge(cursor int64, found []Frame) {
	if cursor > t.last { // someone ahead of the window: it jumps, and who was in it reads the table
		t.position(cursor)
	}
	if cursor < t.floor && found[len(found)-1].Seq >= t.floor {
		t.prepend(cursor, found)
	}
	for _, f := range found {
		if f.Seq > t.last {
			t.push(f)
		}
	}
	if f := found[len(found)-1]; f.Terminal {
		t.end = f.Seq
	}
}

// prepend extends the window backwards, so that the next client that starts there needs no read of its own.
func (t *topic) prepend(cursor int64, found []Frame) {
	n := sort.Search(len(found), func(i int) bool { return found[i].Seq > t.floor })
	if n+len(t.frames) > t.hub.cfg.WindowFrames {
		return
	}
	size := 0
	for _, f := range found[:n] {
		size += len(f.Data)
	}
	if size+t.bytes > t.hub.cfg.WindowBytes {
		return
	}
	t.frames = append(append(make([]Frame, 0, n+len(t.frames)), found[:n]...), t.frames...)
	t.bytes += size
	t.floor = cursor
}

// state takes in what LogStates says; a poll may be older than what is known already.
func (t *topic) state(s store.LogState, exists bool) {
	if t.gone {
		return
	}
	if !exists {
		t.vanish()
		return
	}
	if s.Terminal && t.end == 0 {
		t.end = s.LastSeq
		t.broadcast()
	}
	t.hint(s.LastSeq)
}

// vanish: the rows are deleted. Without the terminal event in hand it may still be on its way.
func (t *topic) vanish() {
	switch {
	case t.gone || t.grace != nil:
	case t.terminal != nil || t.end > 0 && t.last >= t.end:
		t.finish()
		t.broadcast()
	default:
		t.grace = time.AfterFunc(t.hub.cfg.GoneGrace, func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			if !t.gone {
				t.finish()
				t.broadcast()
			}
		})
		t.hub.spawn(t.lastWords)
	}
}

// lastWords asks for what a deletion left behind, in case the news of the terminal event never came: a process that is
// about to listen again, or that nobody could tell.
func (t *topic) lastWords() {
	ctx, cancel := context.WithTimeout(t.ctx, t.hub.cfg.ReadTimeout)
	defer cancel()
	last, found, err := t.hub.log.KeptFinalEvent(ctx, t.id)
	if err != nil || !found {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.take([]Frame{encode(last)})
}

// finish makes the window all there is: the log that could fill a gap no longer exists.
func (t *topic) finish() {
	if t.grace != nil {
		t.grace.Stop()
	}
	if t.terminal != nil && t.terminal.Seq > t.last {
		t.push(*t.terminal)
	}
	t.gone, t.floor = true, 0
}

func (t *topic) close() {
	t.cancel()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.grace != nil {
		t.grace.Stop()
	}
}
