package stream

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"legwork/internal/research"
)

const (
	// channel is the channel of NOTIFY. A NOTIFY reaches listeners of the same database only.
	channel = "legwork_events"
	// maxPayload is PostgreSQL's limit: a payload must be shorter than 8000 bytes.
	maxPayload = 7999
	// maxPayloads is the greatest number of payloads in which one batch sends events.
	maxPayloads = 4
	// maxEventBytes is the greatest number of bytes of events in one announcement.
	maxEventBytes = 2048
	// eventHeadSize is an estimate of the bytes that an event without its body takes in a payload.
	eventHeadSize = 70
)

// announcement says that the log of a task has reached Seq. Events are the last events up to Seq, if they are small. A
// receiver that has all earlier events then need not read the table. A terminal event is always included, because it
// must reach the clients of other processes even when the task is deleted at once and no row is left to read.
type announcement struct {
	Task   uuid.UUID
	Seq    int64
	Events []research.Event
}

// announce makes the announcement of consecutive events of one task. It does not copy the events.
func announce(events []research.Event) announcement {
	newest := events[len(events)-1]
	a := announcement{Task: newest.TaskID, Seq: newest.Seq}
	size, from := 0, len(events)
	for from > 0 && size+payloadSize(events[from-1]) <= maxEventBytes {
		from--
		size += payloadSize(events[from])
	}
	if from > 0 && !newest.Terminal { // the last events are useless without the events before them
		return a
	}
	a.Events = events[from:]
	return a
}

// payloadSize estimates how many bytes an event takes in a payload.
func payloadSize(e research.Event) int { return eventHeadSize + len(e.Body) }

// ends reports whether the announcement contains the terminal event.
func (a announcement) ends() bool { return len(a.Events) > 0 && a.Events[len(a.Events)-1].Terminal }

// join merges two announcements of the same task.
func (a announcement) join(b announcement) announcement {
	if b.Seq < a.Seq {
		a, b = b, a
	}
	follows := a.Seq == b.Seq-int64(len(b.Events)) && len(a.Events) > 0
	if follows && a.size()+b.size() <= maxEventBytes {
		b.Events = append(a.Events[:len(a.Events):len(a.Events)], b.Events...)
	} else if !b.ends() {
		b.Events = nil
	}
	return b
}

// size estimates how many bytes the events take in a payload.
func (a announcement) size() (bytes int) {
	for _, e := range a.Events {
		bytes += payloadSize(e)
	}
	return bytes
}

// withoutEvents returns the announcement without its events. It keeps a terminal event.
func (a announcement) withoutEvents() announcement {
	if a.ends() {
		a.Events = a.Events[len(a.Events)-1:]
	} else {
		a.Events = nil
	}
	return a
}

// payload is the JSON object in the first line of a NOTIFY's text. The bodies of all events follow after that line, byte
// for byte as they were committed. Readers ignore unknown keys, so that different versions can run at the same time.
type payload struct {
	From      uuid.UUID         `json:"from"`                // the process that sends
	Logs      []json.RawMessage `json:"logs,omitempty"`      // each a logHead
	Fragments []json.RawMessage `json:"fragments,omitempty"` // each a fragment
}

// logHead is an announcement in a payload, without the bodies of its events.
type logHead struct {
	Task   uuid.UUID   `json:"task"`
	Seq    int64       `json:"seq"` // of the last event
	Events []eventHead `json:"events"`
	End    bool        `json:"end"` // the last event is terminal
}

// eventHead is an event in a payload, without its body. Its seq follows from its position.
type eventHead struct {
	Type research.EventType `json:"type"`
	At   int64              `json:"at"`   // time of the event in microseconds since 1970, which is PostgreSQL's precision
	Size int                `json:"size"` // of its body in bytes
}

// packPayloads writes announcements in order into as few payloads as possible. When they need more than maxPayloads, it
// leaves the events out. Then the receiver reads many events at once from the table.
func packPayloads(from uuid.UUID, announcements []announcement) []string {
	payloads := pack(from, announcements)
	if len(payloads) <= maxPayloads {
		return payloads
	}
	short := make([]announcement, len(announcements))
	for i, a := range announcements {
		short[i] = a.withoutEvents()
	}
	return pack(from, short)
}

// sender returns the beginning of every payload of a process. A process uses it to recognise its own payloads without
// decoding them.
func sender(id uuid.UUID) string { return `{"from":"` + id.String() + `"` }

func pack(from uuid.UUID, announcements []announcement) []string {
	const end = "]}\n"
	var payloads []string
	begin := sender(from) + `,"logs":[`
	head, bodies := append(make([]byte, 0, 1024), begin...), []byte(nil)
	var item []byte
	for _, a := range announcements {
		item = a.appendHead(item[:0])
		size := 0
		for _, e := range a.Events {
			size += len(e.Body)
		}
		if len(head)+len(",")+len(item)+len(end)+len(bodies)+size > maxPayload {
			payloads = append(payloads, string(append(append(head, end...), bodies...)))
			head, bodies = append(head[:0], begin...), bodies[:0]
		}
		if len(head) > len(begin) {
			head = append(head, ',')
		}
		head = append(head, item...)
		for _, e := range a.Events {
			bodies = append(bodies, e.Body...)
		}
	}
	if len(head) > len(begin) {
		payloads = append(payloads, string(append(append(head, end...), bodies...)))
	}
	return payloads
}

// appendHead appends a as a logHead. It does not use encoding/json, which would take several times as long for
// every event.
func (a announcement) appendHead(b []byte) []byte {
	b = append(append(b, `{"task":"`...), a.Task.String()...)
	b = strconv.AppendInt(append(b, `","seq":`...), a.Seq, 10)
	for i, e := range a.Events {
		if i == 0 {
			b = append(b, `,"events":[{"type":"`...)
		} else {
			b = append(b, `,{"type":"`...)
		}
		b = append(b, e.Type...)
		b = strconv.AppendInt(append(b, `","at":`...), e.Time.UnixMicro(), 10)
		b = strconv.AppendInt(append(b, `,"size":`...), int64(len(e.Body)), 10)
		b = append(b, '}')
	}
	if len(a.Events) > 0 {
		b = append(b, ']')
	}
	if a.ends() {
		b = append(b, `,"end":true`...)
	}
	return append(b, '}')
}

// parsePayload reads what packPayloads and packFragments wrote. It leaves out invalid entries and returns the others. It
// returns an error when the whole payload could not be read.
func parsePayload(text string) (from uuid.UUID, announcements []announcement, fragments []fragment, err error) {
	var p payload
	head, bodies, _ := strings.Cut(text, "\n")
	if err := json.Unmarshal([]byte(head), &p); err != nil {
		return uuid.Nil, nil, nil, fmt.Errorf("payload of channel %s: %w", channel, err)
	}
	for _, raw := range p.Logs {
		var h logHead
		if json.Unmarshal(raw, &h) != nil {
			continue
		}
		a := announcement{Task: h.Task, Seq: h.Seq}
		a.Events, bodies = h.events(bodies)
		if a.Task != uuid.Nil && a.Seq >= 1 {
			announcements = append(announcements, a)
		}
	}
	for _, raw := range p.Fragments {
		var f fragment
		if json.Unmarshal(raw, &f) == nil && f.Task != uuid.Nil && f.Epoch > 0 && f.Offset >= 0 {
			fragments = append(fragments, f)
		}
	}
	return p.From, announcements, fragments, nil
}

// events takes the bodies of the announced events from the front of bodies and returns the rest. It returns no events
// when one of them cannot be an event of a log. When the size of a body is impossible, it returns no rest, because then
// the other bodies cannot be found.
func (h logHead) events(bodies string) (events []research.Event, rest string) {
	first := h.Seq - int64(len(h.Events)) + 1
	ok := first > 0
	for i, e := range h.Events {
		if e.Size < 0 || e.Size > len(bodies) {
			return nil, ""
		}
		body := bodies[:e.Size]
		bodies = bodies[e.Size:]
		ok = ok && isObject(body) && isType(e.Type)
		events = append(events, research.Event{TaskID: h.Task, Seq: first + int64(i), Type: e.Type,
			Time: time.UnixMicro(e.At).UTC(), Terminal: h.End && i == len(h.Events)-1, Body: []byte(body)})
	}
	if !ok {
		return nil, bodies
	}
	return events, bodies
}

// isObject reports whether a body is empty or looks like a JSON object.
func isObject(body string) bool {
	return body == "" || len(body) >= 2 && body[0] == '{' && body[len(body)-1] == '}'
}

// isType reports whether a type can be written into JSON without escapes.
func isType(t research.EventType) bool {
	for _, c := range []byte(t) {
		if c != ':' && c != '_' && (c < 'a' || c > 'z') {
			return false
		}
	}
	return t != ""
}
