package stream

import (
	"sync"
	"sync/atomic"

	"legwork/internal/research"
)

// Message is what a subscription returns: an event of the log, or a delta. Exactly one field is set.
type Message struct {
	Event *Entry
	Delta *research.Delta
}

// Seq returns the seq of the event. It returns 0 for a delta, which has no seq.
func (m Message) Seq() int64 {
	if m.Event == nil {
		return 0
	}
	return m.Event.Seq
}

// Terminal reports whether the message is the event that ends the log.
func (m Message) Terminal() bool { return m.Event != nil && m.Event.Terminal }

// Encode returns the message in the format of enc. The bytes of an event are shared and must not be changed.
func (m Message) Encode(enc Encoder) []byte {
	if m.Event == nil {
		return enc.Delta(*m.Delta)
	}
	return m.Event.Encoded(enc)
}

// Encoder writes events and deltas in the format of one protocol. Encodings of events are cached by encoder, and
// encoders are compared with ==. So an encoder's type must be comparable, preferably an empty struct, and equal encoders
// must write equal bytes. Event returns nil for an event that the protocol does not have.
type Encoder interface {
	Event(e research.Event) []byte
	Delta(d research.Delta) []byte
}

// Entry is an event of a log and its encodings. All subscriptions of this process share it, so that each encoding is
// made once. The event must not be changed.
type Entry struct {
	research.Event

	topic     *topic                   // the window of this topic may hold the entry
	encodings atomic.Pointer[encoding] // list that only grows at its front, so that readers need no lock

	mu     sync.Mutex // held while an encoding or answer is made
	answer *string    // answer in the event; nil until finalAnswer is called

	counted int // number of bytes that the window has counted for this entry; guarded by topic.mu
}

// encoding is an event in the format of one encoder.
type encoding struct {
	encoder Encoder
	data    []byte
	next    *encoding
}

// entrySize is an estimate of the bytes that an entry takes without its body and its encodings.
const entrySize = 160

func newEntry(t *topic, e research.Event) *Entry { return &Entry{Event: e, topic: t} }

func newEntries(t *topic, events []research.Event) []*Entry {
	entries := make([]*Entry, len(events))
	for i, e := range events {
		entries[i] = newEntry(t, e)
	}
	return entries
}

// Encoded returns the event in the format of enc, encoding it at the first call with this encoder.
func (e *Entry) Encoded(enc Encoder) []byte {
	if data, ok := e.cached(enc); ok {
		return data
	}
	e.mu.Lock()
	data, ok := e.cached(enc) // another goroutine may have made the encoding meanwhile
	if !ok {
		data = enc.Event(e.Event)
		e.encodings.Store(&encoding{encoder: enc, data: data, next: e.encodings.Load()})
	}
	e.mu.Unlock()
	if !ok {
		e.topic.recount(e)
	}
	return data
}

func (e *Entry) cached(enc Encoder) (data []byte, ok bool) {
	for c := e.encodings.Load(); c != nil; c = c.next {
		if c.encoder == enc {
			return c.data, true
		}
	}
	return nil, false
}

// size estimates how many bytes of memory the entry takes, its encodings included.
func (e *Entry) size() int {
	n := entrySize + len(e.Body)
	for c := e.encodings.Load(); c != nil; c = c.next {
		n += len(c.data)
	}
	return n
}

// finalAnswer returns the answer in the event that completes the task. It returns "" for every other event. The body is
// decoded only once.
func (e *Entry) finalAnswer() string {
	if e.Type != research.EventComplete {
		return ""
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.answer == nil {
		f, _ := e.Fields() // a body that cannot be decoded has no answer to show
		e.answer = &f.Answer
	}
	return *e.answer
}

func messages(entries []*Entry) []Message {
	out := make([]Message, len(entries))
	for i, e := range entries {
		out[i].Event = e
	}
	return out
}
