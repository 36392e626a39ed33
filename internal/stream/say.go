package stream

import (
	"context"
	"encoding/json"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// How pieces of an answer are put together: a model says a word at a time, and readers do not need more than ten frames
// a second.
const (
	sayEvery   = 100 * time.Millisecond
	saySoon    = 2 << 10         // bytes that do not wait for it
	sayTimeout = 2 * time.Second // of one NOTIFY, which is not tried again
	maxTray    = 256 << 10       // bytes that wait; beyond it they are dropped
	maxSaid    = 1200            // bytes of text in one payload: each may take six in JSON
)

// Say tells of a piece of a task's answer that the run with this epoch is writing, at an offset in code points; 0 begins
// the text anew. It is best effort, takes no time and reaches subscriptions that listen for it, here and in other
// processes. Whatever gets lost is made good by the event that completes the task.
func (p *Publisher) Say(task uuid.UUID, epoch, offset int, text string) {
	if text != "" {
		p.here.put(delta{Task: task, Epoch: epoch, Offset: offset, Text: text})
	}
}

// speak hands what is said to this process's hub, and on to carry, until ctx ends.
func (p *Publisher) speak(ctx context.Context) {
	tick := time.NewTimer(0)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.here.ready:
		}
		for _, d := range p.here.take() {
			p.hub.voices.hear(d)
			p.there.put(d)
		}
		tick.Reset(sayEvery)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-p.here.full:
		}
	}
}

// carry sends what is said to other processes until ctx ends. While one NOTIFY is under way, what comes in is put together.
func (p *Publisher) carry(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.there.ready:
		}
		for _, text := range packSaid(p.hub.id, p.there.take()) {
			limited, cancel := context.WithTimeout(ctx, sayTimeout)
			err := p.log.Notify(limited, channel, text)
			cancel()
			if err != nil {
				p.logger.Debug("other processes miss a piece of an answer", "error", err)
			}
		}
	}
}

// tray collects pieces per task until they are taken.
type tray struct {
	ready, full chan struct{} // hold a token each

	mu     sync.Mutex
	pieces map[uuid.UUID]*piece
	bytes  int
}

// piece is the text after an offset.
type piece struct {
	epoch, offset, points int
	text                  []byte
}

func newTray() *tray {
	return &tray{ready: make(chan struct{}, 1), full: make(chan struct{}, 1), pieces: map[uuid.UUID]*piece{}}
}

// put joins a piece to what it follows, or puts it in its place.
func (t *tray) put(d delta) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.bytes+len(d.Text) > maxTray { // nobody takes them
		clear(t.pieces)
		t.bytes = 0
	}
	p := t.pieces[d.Task]
	if p == nil || d.Offset == 0 || p.epoch != d.Epoch || p.offset+p.points != d.Offset {
		if p != nil {
			t.bytes -= len(p.text)
		}
		p = &piece{epoch: d.Epoch, offset: d.Offset}
		t.pieces[d.Task] = p
	}
	p.text = append(p.text, d.Text...)
	p.points += utf8.RuneCountInString(d.Text)
	t.bytes += len(d.Text)
	signal(t.ready)
	if t.bytes >= saySoon {
		signal(t.full)
	}
}

// take empties the tray.
func (t *tray) take() []delta {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []delta
	for task, p := range t.pieces {
		out = append(out, delta{Task: task, Epoch: p.epoch, Offset: p.offset, Text: string(p.text)})
	}
	clear(t.pieces)
	t.bytes = 0
	select {
	case <-t.full:
	default:
	}
	return out
}

// drop forgets what was said of a task that is over.
func (t *tray) drop(task uuid.UUID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.pieces[task]; p != nil {
		t.bytes -= len(p.text)
		delete(t.pieces, task)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// packSaid writes pieces into as many payloads as they need. They travel apart from events, which are not to wait for them.
func packSaid(from uuid.UUID, said []delta) []string {
	var payloads []string
	for _, d := range said {
		for d.Text != "" {
			part := d
			part.Text = cutText(d.Text, maxSaid)
			raw, err := json.Marshal(struct {
				From uuid.UUID `json:"from"`
				Said []delta   `json:"said"`
			}{from, []delta{part}})
			if err == nil && len(raw) <= maxPayload {
				payloads = append(payloads, string(raw))
			}
			d.Text = d.Text[len(part.Text):]
			d.Offset += utf8.RuneCountInString(part.Text)
		}
	}
	return payloads
}

// cutText gives at most n bytes of a text, at a code point's edge.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 1 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
