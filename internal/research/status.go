package research

// Status is the state of a task.
type Status string

// The states of a task. Created, Queued and Running are open. The others are terminal: they never change.
const (
	Created   Status = "created"   // a live worker had a free slot when the task was submitted
	Queued    Status = "queued"    // waiting for a slot, for a retry, or for another worker after a hand-back
	Running   Status = "running"   // a worker runs the task
	Completed Status = "completed" // the task has an answer
	Failed    Status = "failed"    // the task ended without an answer; its error and error code say why
	Cancelled Status = "cancelled" // the user ended the task
)

// Statuses lists every status, in the order of a task's life.
var Statuses = []Status{Created, Queued, Running, Completed, Failed, Cancelled}

// Valid reports whether s is one of the statuses above.
func (s Status) Valid() bool {
	switch s {
	case Created, Queued, Running, Completed, Failed, Cancelled:
		return true
	}
	return false
}

// Terminal reports whether a task in this status has ended.
func (s Status) Terminal() bool {
	return s == Completed || s == Failed || s == Cancelled
}

// CanBecome reports whether one transaction may change a task's status from s to next.
func (s Status) CanBecome(next Status) bool {
	switch s {
	case Created:
		return next == Running || next == Queued || next == Failed || next == Cancelled
	case Queued:
		return next == Running || next == Queued || next == Failed || next == Cancelled
	case Running:
		return next == Queued || next.Terminal()
	}
	return false
}
