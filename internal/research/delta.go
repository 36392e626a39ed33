package research

import (
	"time"

	"github.com/google/uuid"
)

// Delta is a piece of a task's answer, sent while the answer is being written. It is not an event: it has no seq, is not stored,
// and may get lost. The event that completes the task has the whole answer.
type Delta struct {
	TaskID uuid.UUID
	Time   time.Time
	Offset int    // number of code points of the answer before Text
	Text   string // never empty
	Reset  bool   // whether Text is the beginning of a new answer, so that the client must discard the text it has
}
