package research

import (
	"errors"
	"fmt"
)

// Sentinel errors that several packages use. Test with errors.Is.
var (
	// ErrNotFound means that this account has no such task, page or artifact.
	ErrNotFound = errors.New("not found")
	// ErrConflict means that the task's status does not allow the request.
	ErrConflict = errors.New("conflict")
	// ErrNoPlan is an ErrConflict: the task does not wait for its plan to be confirmed.
	ErrNoPlan = fmt.Errorf("%w: the task does not wait for its plan", ErrConflict)
	// ErrFenced means that the task has a newer epoch than the run that tried to write, or has ended. The run must stop without
	// a further write.
	ErrFenced = errors.New("the task has been handed on")
	// ErrGone means that the task of an idempotency key was deleted.
	ErrGone = errors.New("gone")
	// ErrQueueFull means that too many tasks wait (MAX_QUEUED_TASKS). Nothing was stored.
	ErrQueueFull = errors.New("queue full")
	// ErrTooSlow means that the request takes longer than the server allows. Repeating it does not help.
	ErrTooSlow = errors.New("too slow")
	// ErrUnavailable means that the database or another dependency does not answer at present. The request may be repeated later.
	ErrUnavailable = errors.New("unavailable")
)

// Error codes of failed tasks and of agent:error events.
const (
	CodeCancelled    = "cancelled"     // ended by its user
	CodeTimeout      = "timeout"       // exceeded the hard limit TASK_TIMEOUT
	CodeNoSources    = "no_sources"    // no page could be read
	CodeSeedRefused  = "seed_refused"  // the seed URL is on a network that may not be fetched
	CodeModelFailed  = "model_failed"  // the language model failed for good
	CodeWorkerLost   = "worker_lost"   // three workers in a row were lost without a new step
	CodeInternal     = "internal"      // an error in legwork or an outage; the log has the cause
	CodeShuttingDown = "shutting_down" // the server is stopping
	CodeNotFound     = "not_found"     // the stream's task does not exist
)

// Failure is an error that ends a run, with a message for the user. After a transient failure the task is tried again.
type Failure struct {
	Code      string // one of the Code constants
	Message   string // a sentence for the user that names what to do
	Transient bool   // another try may succeed
	Cause     error  // for the log; may be nil
}

// Error implements error.
func (f *Failure) Error() string {
	if f.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", f.Code, f.Message, f.Cause)
	}
	return f.Code + ": " + f.Message
}

// Unwrap returns the cause, for errors.Is and errors.As.
func (f *Failure) Unwrap() error { return f.Cause }

// FieldError says what is wrong with one field of an input.
type FieldError struct {
	Field   string `json:"field"`   // the field's name in camelCase, as the API spells it
	Message string `json:"message"` // what is wrong and what is allowed
}

// ValidationError is the error for an input that was refused before anything was written.
type ValidationError struct {
	Fields []FieldError
}

// Error implements error.
func (v *ValidationError) Error() string {
	if len(v.Fields) == 1 {
		return v.Fields[0].Field + ": " + v.Fields[0].Message
	}
	return fmt.Sprintf("%d invalid fields", len(v.Fields))
}

// Add appends one invalid field.
func (v *ValidationError) Add(field, format string, args ...any) {
	v.Fields = append(v.Fields, FieldError{Field: field, Message: fmt.Sprintf(format, args...)})
}

// Err returns v if it has at least one field, otherwise nil.
func (v *ValidationError) Err() error {
	if len(v.Fields) == 0 {
		return nil
	}
	return v
}
