package stream

import (
	"context"
	"encoding/json"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// These constants say how fragments of an answer are joined. A model writes one word at a time, and clients need no more
// than ten deltas a second.
const (
	fragmentInterval = 100 * time.Millisecond
	fragmentsFull    = 2 << 10         // number of waiting bytes at which fragments are passed on before the interval ends
	fragmentTimeout  = 2 * time.Second // time limit of one NOTIFY with fragments; it is not repeated when it fails
	maxFragmentBytes = 256 << 10       // greatest number of bytes that wait to be sent; further fragments are dropped
	maxFragmentText  = 1200            // bytes of text in one payload; each byte may take six in JSON
)

// PublishFragment publishes a piece of a task's answer. epoch is the epoch of the run that is writing the answer. offset
// is the place of the piece in the answer, in code points; 0 starts the text again. PublishFragment does not wait. The
// piece reaches subscriptions with deltas in every process, but may get lost. The event that completes the task contains
// the whole answer.
func (p *Publisher) PublishFragment(task uuid.UUID, epoch, offset int, text string) {
	if text != "" {
		p.local.put(fragment{Task: task, Epoch: epoch, Offset: offset, Text: text})
	}
}

// handOnFragments passes fragments to this process's hub and to sendFragments, at most once per
// fragmentInterval, until ctx ends.
func (p *Publisher) handOnFragments(ctx context.Context) {
	interval := time.NewTimer(0)
	defer interval.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.local.ready:
		}
		for _, f := range p.local.take() {
			p.hub.answers.add(f)
			p.remote.put(f)
		}
		interval.Reset(fragmentInterval)
		select {
		case <-ctx.Done():
			return
		case <-interval.C:
		case <-p.local.full:
		}
	}
}

// sendFragments sends fragments to other processes until ctx ends. Fragments that arrive during one NOTIFY are joined
// and sent by the next one.
func (p *Publisher) sendFragments(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.remote.ready:
		}
		for _, text := range packFragments(p.hub.id, p.remote.take()) {
			limited, cancel := context.WithTimeout(ctx, fragmentTimeout)
			err := p.log.Notify(limited, channel, text)
			cancel()
			if err != nil {
				p.logger.Debug("other processes miss a piece of an answer", "error", err)
			}
		}
	}
}

// fragmentBuffer joins fragments per task until they are taken.
type fragmentBuffer struct {
	ready chan struct{} // holds a token when there are fragments to take
	full  chan struct{} // holds a token when there are fragmentsFull bytes to take

	mu     sync.Mutex
	byTask map[uuid.UUID]*joined
	bytes  int
}

// joined are consecutive fragments of one task.
type joined struct {
	epoch, offset int
	points        int // number of code points in the text
	text          []byte
}

func newFragmentBuffer() *fragmentBuffer {
	return &fragmentBuffer{ready: make(chan struct{}, 1), full: make(chan struct{}, 1), byTask: map[uuid.UUID]*joined{}}
}

// put appends a fragment to the buffered text if the fragment directly follows it. Otherwise the fragment replaces the
// text.
func (b *fragmentBuffer) put(f fragment) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bytes+len(f.Text) > maxFragmentBytes { // the buffer is full, because nothing takes the fragments
		clear(b.byTask)
		b.bytes = 0
	}
	j := b.byTask[f.Task]
	if j == nil || f.Offset == 0 || j.epoch != f.Epoch || j.offset+j.points != f.Offset {
		if j != nil {
			b.bytes -= len(j.text)
		}
		j = &joined{epoch: f.Epoch, offset: f.Offset}
		b.byTask[f.Task] = j
	}
	j.text = append(j.text, f.Text...)
	j.points += utf8.RuneCountInString(f.Text)
	b.bytes += len(f.Text)
	signal(b.ready)
	if b.bytes >= fragmentsFull {
		signal(b.full)
	}
}

// take returns all fragments in the buffer and empties it.
func (b *fragmentBuffer) take() []fragment {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []fragment
	for task, j := range b.byTask {
		out = append(out, fragment{Task: task, Epoch: j.epoch, Offset: j.offset, Text: string(j.text)})
	}
	clear(b.byTask)
	b.bytes = 0
	select {
	case <-b.full:
	default:
	}
	return out
}

// drop removes the fragments of a task that has ended.
func (b *fragmentBuffer) drop(task uuid.UUID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if j := b.byTask[task]; j != nil {
		b.bytes -= len(j.text)
		delete(b.byTask, task)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// packFragments writes fragments into as many payloads as they need. Events are sent in other payloads, so that they do
// not wait for fragments.
func packFragments(from uuid.UUID, fragments []fragment) []string {
	var payloads []string
	for _, f := range fragments {
		for f.Text != "" {
			part := f
			part.Text = cutText(f.Text, maxFragmentText)
			raw, err := json.Marshal(struct {
				From      uuid.UUID  `json:"from"`
				Fragments []fragment `json:"fragments"`
			}{from, []fragment{part}})
			if err == nil && len(raw) <= maxPayload {
				payloads = append(payloads, string(raw))
			}
			f.Text = f.Text[len(part.Text):]
			f.Offset += utf8.RuneCountInString(part.Text)
		}
	}
	return payloads
}

// cutText returns the first n bytes of a text. It returns up to three bytes less if the cut would split a code point.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 1 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
