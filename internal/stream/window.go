package stream

import "sort"

// window is the part of a log that a topic keeps in memory: all events with floor < seq ≤ last. It holds at most
// maxEvents events and about maxBytes of memory for bodies and encodings, but always the last event.
type window struct {
	maxEvents, maxBytes int

	floor   int64
	last    int64
	entries []*Entry
	bytes   int
}

// after returns the next messages after a cursor: at most rows messages of about size bytes in all, but at least one. It
// returns none when the cursor is at the end of the window or outside it.
func (w *window) after(cursor int64, rows, size int) []Message {
	if cursor < w.floor || cursor >= w.last {
		return nil
	}
	from := w.search(cursor)
	to := from
	for to < len(w.entries) && to-from < rows {
		if size -= entrySize + len(w.entries[to].Body); size < 0 && to > from {
			break
		}
		to++
	}
	return messages(w.entries[from:to])
}

// search returns the index of the first entry after a cursor.
func (w *window) search(cursor int64) int {
	return sort.Search(len(w.entries), func(i int) bool { return w.entries[i].Seq > cursor })
}

// held returns the entry with this seq, or nil when the window does not hold it.
func (w *window) held(seq int64) *Entry {
	if i := w.search(seq - 1); i < len(w.entries) && w.entries[i].Seq == seq {
		return w.entries[i]
	}
	return nil
}

// push appends an entry, and drops entries from the front until the window is within its bounds.
func (w *window) push(e *Entry) {
	w.entries = append(w.entries, e)
	w.last = e.Seq
	w.count(e)
	w.trim()
}

// count updates the number of bytes that are counted for an entry in the window.
func (w *window) count(e *Entry) {
	size := e.size()
	w.bytes += size - e.counted
	e.counted = size
}

func (w *window) trim() {
	drop := 0
	for len(w.entries)-drop > 1 && (len(w.entries)-drop > w.maxEvents || w.bytes > w.maxBytes) {
		e := w.entries[drop]
		w.floor = e.Seq
		w.bytes -= e.counted
		e.counted = 0
		drop++
	}
	clear(w.entries[:drop])
	w.entries = w.entries[drop:]
}

// reset empties the window and moves it to the position after seq.
func (w *window) reset(seq int64) {
	for _, e := range w.entries {
		e.counted = 0
	}
	w.floor, w.last, w.entries, w.bytes = seq, seq, nil, 0
}

// prepend extends the window backwards to cursor with events that a read found, if there is room. Then the next client
// that starts at this cursor needs no read of the table.
func (w *window) prepend(cursor int64, found []*Entry) {
	n := sort.Search(len(found), func(i int) bool { return found[i].Seq > w.floor })
	if n+len(w.entries) > w.maxEvents {
		return
	}
	size := 0
	for _, e := range found[:n] {
		size += e.size()
	}
	if size+w.bytes > w.maxBytes {
		return
	}
	w.entries = append(append(make([]*Entry, 0, n+len(w.entries)), found[:n]...), w.entries...)
	for _, e := range found[:n] {
		w.count(e)
	}
	w.floor = cursor
}
