package stream

import (
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"legwork/internal/research"
)

// These are the bounds of the partial answers that a process keeps.
const (
	maxAnswerBytes = 256 << 10 // of one answer, more than a report of 20,000 words; text beyond it arrives with the event that completes the task
	fullAnswer     = 64 << 10  // of one answer if all answers together have maxAllBytes
	maxAllBytes    = 16 << 20
	maxAnswers     = 128 // greatest number of answers of tasks that have no subscription with deltas
)

// fragment is a piece of an answer as a run writes it.
type fragment struct {
	Task   uuid.UUID `json:"task"`
	Epoch  int       `json:"epoch"`  // epoch of the run that writes the answer
	Offset int       `json:"offset"` // place of the text in the answer, in code points; 0 starts the text again
	Text   string    `json:"text"`
}

// partialAnswers are the answers that runs are writing, as far as this process has received them. Fragments may get
// lost. After a lost fragment the text stops growing until a run starts it again. The event that completes the task
// contains the whole answer.
type partialAnswers struct {
	mu     sync.Mutex
	byTask map[uuid.UUID]*partialAnswer
	clock  uint64 // number of fragments received so far
	bytes  int    // of the texts of byTask
}

// partialAnswer is the text of one task's answer so far. The text only grows, until a run starts it again from its
// beginning.
type partialAnswer struct {
	epoch         int    // epoch of the run that writes the answer
	version       int    // how often the text started again
	text          string // of this version
	points        int    // number of code points in text
	ended         bool   // the log has its terminal event
	subscriptions int
	lastUsed      uint64        // value of clock at the last fragment
	changed       chan struct{} // closed when text changes; nil while no subscription waits
}

// add appends a fragment. It ignores a fragment that does not directly follow the text so far, and a fragment of a run
// that lost its task to another run.
func (p *partialAnswers) add(f fragment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.get(f.Task)
	p.clock++
	a.lastUsed = p.clock
	if f.Epoch < a.epoch || a.ended || len(f.Text) > maxAnswerBytes {
		return
	}
	if f.Offset == 0 || f.Epoch > a.epoch {
		p.bytes -= len(a.text)
		a.epoch, a.version, a.text, a.points = f.Epoch, a.version+1, "", 0
	}
	most := maxAnswerBytes
	if p.bytes+len(f.Text) > maxAllBytes {
		most = fullAnswer
	}
	if f.Offset != a.points || len(a.text)+len(f.Text) > most {
		return
	}
	a.text += f.Text
	p.bytes += len(f.Text)
	a.points += utf8.RuneCountInString(f.Text)
	if a.changed != nil {
		close(a.changed)
		a.changed = nil
	}
}

// end records that the task's log has ended.
func (p *partialAnswers) end(task uuid.UUID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.byTask[task]; a != nil {
		a.ended = true
		p.release(task, a)
	}
}

// get finds or makes the answer of a task. The caller holds mu. When there are too many answers, get drops the one whose
// last fragment is the oldest, among those without subscriptions.
func (p *partialAnswers) get(task uuid.UUID) *partialAnswer {
	if a := p.byTask[task]; a != nil {
		return a
	}
	if len(p.byTask) >= maxAnswers {
		var oldest uuid.UUID
		for id, a := range p.byTask {
			if old := p.byTask[oldest]; a.subscriptions == 0 && (old == nil || a.lastUsed < old.lastUsed) {
				oldest = id
			}
		}
		p.drop(oldest)
	}
	if p.byTask == nil {
		p.byTask = map[uuid.UUID]*partialAnswer{}
	}
	a := &partialAnswer{}
	p.byTask[task] = a
	return a
}

// drop removes the answer of a task, if there is one. The caller holds mu.
func (p *partialAnswers) drop(task uuid.UUID) {
	if a := p.byTask[task]; a != nil {
		p.bytes -= len(a.text)
		delete(p.byTask, task)
	}
}

// release drops an answer that is not needed any more. The caller holds mu.
func (p *partialAnswers) release(task uuid.UUID, a *partialAnswer) {
	if a.subscriptions == 0 && (a.ended || a.version == 0) && p.byTask[task] == a {
		p.drop(task)
	}
}

// subscribe returns a cursor at the beginning of a task's answer. The caller must close the cursor.
func (p *partialAnswers) subscribe(task uuid.UUID) *deltaCursor {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.get(task)
	a.subscriptions++
	return &deltaCursor{answers: p, task: task, answer: a}
}

// deltaCursor records how much of an answer one subscription has received.
type deltaCursor struct {
	answers *partialAnswers
	task    uuid.UUID
	answer  *partialAnswer
	version int // version of the text that was sent
	bytes   int // number of bytes of this version that were sent
	points  int // number of code points of this version that were sent
}

// next returns the text since the last call as one delta, or a channel to wait on. A slow client gets one larger delta
// later, and nothing waits for the client.
func (c *deltaCursor) next() (d *research.Delta, changed <-chan struct{}) {
	c.answers.mu.Lock()
	defer c.answers.mu.Unlock()
	a := c.answer
	if a.version != c.version && a.text != "" {
		reset := c.bytes > 0
		c.version, c.bytes, c.points = a.version, 0, 0
		return c.delta(a.text, reset), nil
	}
	if a.version == c.version && len(a.text) > c.bytes {
		return c.delta(a.text[c.bytes:], false), nil
	}
	if a.changed == nil {
		a.changed = make(chan struct{})
	}
	return nil, a.changed
}

// complete returns the delta that turns the text that was sent into the final answer. It returns nil when no text is
// missing, or when the task has no answer.
func (c *deltaCursor) complete(final string) *research.Delta {
	if final == "" {
		return nil
	}
	c.answers.mu.Lock()
	defer c.answers.mu.Unlock()
	if c.version == c.answer.version && strings.HasPrefix(final, c.answer.text[:c.bytes]) {
		if len(final) == c.bytes {
			return nil
		}
		return c.delta(final[c.bytes:], false)
	}
	reset := c.bytes > 0
	c.bytes, c.points = 0, 0
	return c.delta(final, reset)
}

// delta makes a delta of text that follows what was sent, and records it as sent.
func (c *deltaCursor) delta(text string, reset bool) *research.Delta {
	d := &research.Delta{TaskID: c.task, Time: time.Now(), Offset: c.points, Text: text, Reset: reset}
	c.bytes += len(text)
	c.points += utf8.RuneCountInString(text)
	return d
}

func (c *deltaCursor) close() {
	c.answers.mu.Lock()
	defer c.answers.mu.Unlock()
	c.answer.subscriptions--
	if c.answers.byTask[c.task] == c.answer {
		c.answers.release(c.task, c.answer)
	}
}
