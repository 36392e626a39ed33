package stream

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"legwork/internal/research"
)

// Bounds of what a process keeps of answers that are being written.
const (
	maxSpeech   = 64 << 10 // bytes of one; what exceeds it is told with the answer itself
	maxSpeeches = 128      // that nobody listens to
)

// delta is a piece of an answer that is being written. A piece at offset 0 begins the text anew.
type delta struct {
	Task   uuid.UUID `json:"task"`
	Epoch  int       `json:"epoch"`  // of the run that writes
	Offset int       `json:"offset"` // in code points
	Text   string    `json:"text"`
}

// voices are the answers that are being written, as far as this process heard of them. All of it is best effort: a piece
// that was missed makes the rest of its text unheard, until it begins anew or the answer is there.
type voices struct {
	mu       sync.Mutex
	speeches map[uuid.UUID]*speech
	clock    uint64 // counts what was heard
}

// speech is the text of one task so far. It only grows until it begins anew.
type speech struct {
	epoch  int
	turn   int // counts beginnings
	text   string
	points int // code points of text
	over   bool
	ears   int
	heard  uint64
	wake   chan struct{} // closed and replaced when there is more; nil while nobody waits
}

// hear takes in a piece. One that does not follow what is known is left out, and so is what a run says that lost its task.
func (v *voices) hear(d delta) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.at(d.Task)
	v.clock++
	s.heard = v.clock
	switch {
	case d.Epoch < s.epoch || s.over || len(d.Text) > maxSpeech:
		return
	case d.Offset == 0:
		s.epoch, s.turn, s.text, s.points = d.Epoch, s.turn+1, "", 0
	case d.Epoch > s.epoch: // its beginning was missed
		s.epoch, s.turn, s.text, s.points = d.Epoch, s.turn+1, "", 0
		return
	case d.Offset != s.points || len(s.text)+len(d.Text) > maxSpeech:
		return
	}
	s.text += d.Text
	s.points += utf8.RuneCountInString(d.Text)
	if s.wake != nil {
		close(s.wake)
		s.wake = nil
	}
}

// end says that the task's log has ended.
func (v *voices) end(task uuid.UUID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s := v.speeches[task]; s != nil {
		s.over = true
		v.release(task, s)
	}
}

// at finds or makes a speech; mu is held. The one that was silent for longest makes room.
func (v *voices) at(task uuid.UUID) *speech {
	if s := v.speeches[task]; s != nil {
		return s
	}
	if len(v.speeches) >= maxSpeeches {
		var oldest uuid.UUID
		for id, s := range v.speeches {
			if old := v.speeches[oldest]; s.ears == 0 && (old == nil || s.heard < old.heard) {
				oldest = id
			}
		}
		delete(v.speeches, oldest)
	}
	if v.speeches == nil {
		v.speeches = map[uuid.UUID]*speech{}
	}
	s := &speech{}
	v.speeches[task] = s
	return s
}

// release forgets a speech that nobody needs any more; mu is held.
func (v *voices) release(task uuid.UUID, s *speech) {
	if s.ears == 0 && (s.over || s.turn == 0) {
		delete(v.speeches, task)
	}
}

// listen gives a listener's place at the beginning of a task's answer. It must be closed.
func (v *voices) listen(task uuid.UUID) *ear {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.at(task)
	s.ears++
	return &ear{voices: v, task: task, speech: s}
}

// ear is how far one subscription was told an answer.
type ear struct {
	voices *voices
	task   uuid.UUID
	speech *speech
	turn   int // of the text that was told
	bytes  int // of it
	points int
}

// next gives what was said since the last call as one frame, or what to wait for. A subscription that was slow gets one
// larger piece; nothing waits for it.
func (e *ear) next() (f *Frame, more <-chan struct{}) {
	e.voices.mu.Lock()
	defer e.voices.mu.Unlock()
	s := e.speech
	if s.turn != e.turn && s.text != "" {
		reset := e.bytes > 0
		e.turn, e.bytes, e.points = s.turn, 0, 0
		return e.tell(s.text, reset), nil
	}
	if s.turn == e.turn && len(s.text) > e.bytes {
		return e.tell(s.text[e.bytes:], false), nil
	}
	if s.wake == nil {
		s.wake = make(chan struct{})
	}
	return nil, s.wake
}

// rest gives what is missing in front of the event that ends the log: after it the text that was told is the answer, to
// the letter. Nil: nothing is missing, or there is no answer.
func (e *ear) rest(last Frame) *Frame {
	var end struct {
		Type   research.EventType `json:"type"`
		Answer string             `json:"answer"`
	}
	if json.Unmarshal(last.Data, &end) != nil || end.Type != research.EventComplete || end.Answer == "" {
		return nil
	}
	e.voices.mu.Lock()
	defer e.voices.mu.Unlock()
	if e.turn == e.speech.turn && strings.HasPrefix(end.Answer, e.speech.text[:e.bytes]) {
		if len(end.Answer) == e.bytes {
			return nil
		}
		return e.tell(end.Answer[e.bytes:], false)
	}
	reset := e.bytes > 0
	e.bytes, e.points = 0, 0
	return e.tell(end.Answer, reset)
}

// tell makes the frame of a text that follows what was told, or of one that takes its place.
func (e *ear) tell(text string, reset bool) *Frame {
	f := deltaFrame(e.task, e.points, text, reset)
	e.bytes += len(text)
	e.points += utf8.RuneCountInString(text)
	return &f
}

func (e *ear) close() {
	e.voices.mu.Lock()
	defer e.voices.mu.Unlock()
	e.speech.ears--
	if e.voices.speeches[e.task] == e.speech {
		e.voices.release(e.task, e.speech)
	}
}

// deltaFrame is an uncounted frame: it has no seq, for it is of no log.
func deltaFrame(task uuid.UUID, offset int, text string, reset bool) Frame {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(struct { // strings, numbers and a bool cannot fail
		Type   research.EventType `json:"type"`
		Task   uuid.UUID          `json:"taskId"`
		Time   string             `json:"timestamp"`
		Offset int                `json:"offset"`
		Text   string             `json:"text"`
		Reset  bool               `json:"reset,omitempty"`
	}{research.EventDelta, task, time.Now().UTC().Format(research.TimeFormat), offset, text, reset})
	return Frame{Data: bytes.TrimRight(b.Bytes(), "\n")}
}
