package stream

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

const (
	// channel carries the payloads. NOTIFY reaches listeners of the same database only.
	channel = "legwork_events"
	// maxPayload is PostgreSQL's limit: a payload must be shorter than 8000 bytes.
	maxPayload = 7999
	// maxPayloads is how many payloads with events one batch sends.
	maxPayloads = 4
	// maxFrames is how many bytes of events travel with one task's announcement.
	maxFrames = 2048
)

// announcement says that the log of a task has come to Seq. Frames are those of the last events up to there, if they are
// small: they save the receiver a read when they follow what it has, and a terminal event must reach readers
// in other processes even when the task is deleted right away and no row is left to read.
type announcement struct {
	Task   uuid.UUID `json:"task"`
	Seq    int64     `json:"seq"`
	Sizes  []int     `json:"sizes,omitempty"` // only in payloads: the bytes of each of Frames, which follow the JSON
	Frames []Frame   `json:"-"`
	End    bool      `json:"end,omitempty"` // the last of Frames is terminal
}

// announce makes the announcement of consecutive events, to which frames belongs from now on.
func announce(task uuid.UUID, frames []Frame) announcement {
	newest := frames[len(frames)-1]
	n := announcement{Task: task, Seq: newest.Seq}
	size, from := 0, len(frames)
	for from > 0 && size+len(frames[from-1].Data) <= maxFrames {
		from--
		size += len(frames[from].Data)
	}
	if from > 0 && !newest.Terminal { // with one missing before them, the others are of no use
		return n
	}
	n.Frames = frames[from:]
	n.End = newest.Terminal && len(n.Frames) > 0
	return n
}

// join coalesces news of the same task.
func (n announcement) join(m announcement) announcement {
	if m.Seq < n.Seq {
		n, m = m, n
	}
	follows := n.Seq == m.Seq-int64(len(m.Frames)) && len(n.Frames) > 0
	if follows && n.size()+m.size() <= maxFrames {
		m.Frames = append(n.Frames, m.Frames...)
	} else if !m.End {
		m.Frames = nil
	}
	return m
}

func (n announcement) size() (bytes int) {
	for _, f := range n.Frames {
		bytes += len(f.Data)
	}
	return bytes
}

// bare leaves of the frames only a terminal one.
func (n announcement) bare() announcement {
	if n.End {
		n.Frames = n.Frames[len(n.Frames)-1:]
	} else {
		n.Frames = nil
	}
	return n
}

// payload is the text of a NOTIFY: an object in one line and, after it, the bytes of all events, which nobody has to
// decode. Readers ignore keys they do not know, so that versions can run side by side.
type payload struct {
	From uuid.UUID         `json:"from"`
	Logs []json.RawMessage `json:"logs,omitempty"`
	Said []json.RawMessage `json:"said,omitempty"` // each a delta
}

// packPayloads writes news into as few payloads as hold them, in order. When maxPayloads do not hold all with their events,
// the events stay behind: a read of the table serves many of them at once.
func packPayloads(from uuid.UUID, news []announcement) []string {
	payloads := pack(from, news)
	if len(payloads) <= maxPayloads {
		return payloads
	}
	bare := make([]announcement, len(news))
	for i, n := range news {
		bare[i] = n.bare()
	}
	return pack(from, bare)
}

// sender is how every payload of a process begins, so that it knows its own without decoding them.
func sender(id uuid.UUID) string { return `{"from":"` + id.String() + `"` }

func pack(from uuid.UUID, news []announcement) []string {
	const end = "]}\n"
	var payloads []string
	begin := sender(from) + `,"logs":[`
	head, tail := append(make([]byte, 0, 512), begin...), []byte(nil)
	var item []byte
	for _, n := range news {
		item = n.append(item[:0])
		if len(head)+len(",")+len(item)+len(end)+len(tail)+n.size() > maxPayload {
			payloads = append(payloads, string(append(append(head, end...), tail...)))
			head, tail = append(head[:0], begin...), tail[:0]
		}
		if len(head) > len(begin) {
			head = append(head, ',')
		}
		head = append(head, item...)
		for _, f := range n.Frames {
			tail = append(tail, f.Data...)
		}
	}
	if len(head) > len(begin) {
		payloads = append(payloads, string(append(append(head, end...), tail...)))
	}
	return payloads
}

// append writes n as JSON, of the frames their sizes.
func (n announcement) append(b []byte) []byte {
	b = append(b, `{"task":"`...)
	b = append(b, n.Task.String()...)
	b = append(b, `","seq":`...)
	b = strconv.AppendInt(b, n.Seq, 10)
	if len(n.Frames) > 0 {
		b = append(b, `,"sizes":[`...)
		for i, f := range n.Frames {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, int64(len(f.Data)), 10)
		}
		b = append(b, ']')
		if n.End {
			b = append(b, `,"end":true`...)
		}
	}
	return append(b, '}')
}

// parsePayload reads what packPayloads and packSaid wrote. Entries that make no sense are left out and the others kept;
// an error means that the whole payload could not be read.
func parsePayload(text string) (from uuid.UUID, news []announcement, said []delta, err error) {
	var p payload
	head, tail, _ := strings.Cut(text, "\n")
	if err := json.Unmarshal([]byte(head), &p); err != nil {
		return uuid.Nil, nil, nil, fmt.Errorf("payload of channel %s: %w", channel, err)
	}
	for _, raw := range p.Logs {
		var n announcement
		if json.Unmarshal(raw, &n) != nil {
			continue
		}
		if tail = n.attach(tail); n.Task != uuid.Nil && n.Seq >= 1 {
			news = append(news, n)
		}
	}
	for _, raw := range p.Said {
		var d delta
		if json.Unmarshal(raw, &d) == nil && d.Task != uuid.Nil && d.Epoch > 0 && d.Offset >= 0 {
			said = append(said, d)
		}
	}
	return p.From, news, said, nil
}

// attach takes the frames of n from the front of tail and gives the rest. Bytes that cannot be a frame of a log stay out,
// and after sizes that cannot be so do all that follow.
func (n *announcement) attach(tail string) (rest string) {
	first := n.Seq - int64(len(n.Sizes)) + 1
	keep := first > 0
	for i, size := range n.Sizes {
		if size < 2 || size > len(tail) {
			keep, tail = false, ""
			break
		}
		e := tail[:size]
		tail = tail[size:]
		keep = keep && e[0] == '{' && e[size-1] == '}'
		n.Frames = append(n.Frames, Frame{Seq: first + int64(i), Data: []byte(e), Terminal: n.End && i == len(n.Sizes)-1})
	}
	if n.Sizes = nil; !keep || len(n.Frames) == 0 {
		n.Frames, n.End = nil, false
	}
	return tail
}
