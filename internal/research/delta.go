package research

import (
	"time"

	"github.com/google/uuid"
)

// Delta is a piece of a task's answer that is sent while the answer is being written. It is not an event: it has no seq,
// is stored nowhere and may get lost. The event that completes the task has the whole answer.
type Delta struct {
	TaskID uuid.UUID
	Time   time.Time
	Offset int    // how many code points of the answer come before Text
	Text   string // never empty
	Reset  bool   // Text starts the answer again: the client drops the text it has
}
