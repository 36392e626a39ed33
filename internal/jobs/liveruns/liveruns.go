// Package liveruns holds the runs of a process, so that what ends a task can stop its run here at once. Each run has a cause that
// says why it was stopped.
package liveruns

import (
	"context"
	"errors"
	"sync"

	"github.com/google/uuid"

	"legwork/internal/research"
)

// Reasons to stop a run. Each is set as the cause of the run's context.
var (
	ErrFenced   = research.ErrFenced // the task was cancelled, deleted or given to another worker
	ErrShutdown = errors.New("the process is stopping")
	ErrTimeout  = errors.New("the task exceeded TASK_TIMEOUT")
)

// Runs holds the jobs that this process works on, and the task of each job once it is claimed.
type Runs struct {
	mu   sync.Mutex
	live map[int64]*run // by River's job
	stop bool           // the process is stopping: no run may begin
}

type run struct {
	task   uuid.UUID // zero until it is claimed
	epoch  int
	cancel context.CancelCauseFunc
}

// New returns no runs.
func New() *Runs { return &Runs{live: map[int64]*run{}} }

// Begin registers a job. It returns false when the process is stopping.
func (r *Runs) Begin(job int64, cancel context.CancelCauseFunc) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stop {
		return false
	}
	r.live[job] = &run{cancel: cancel}
	return true
}

// Claimed sets the task of a job that was registered by Begin.
func (r *Runs) Claimed(job int64, task uuid.UUID, epoch int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.live[job]
	l.task, l.epoch = task, epoch
}

// Done removes a job.
func (r *Runs) Done(job int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.live, job)
}

// End cancels the contexts of a task's runs, with a cause.
func (r *Runs) End(task uuid.UUID, cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.live {
		if l.task == task {
			l.cancel(cause)
		}
	}
}

// EndAll cancels the contexts of all runs, with a cause. When final is set, no other run may begin.
func (r *Runs) EndAll(cause error, final bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop = r.stop || final
	for _, l := range r.live {
		l.cancel(cause)
	}
}

// IDs returns the ids of the tasks that run in this process.
func (r *Runs) IDs() []uuid.UUID {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]uuid.UUID, 0, len(r.live))
	for _, l := range r.live {
		if l.task != uuid.Nil {
			ids = append(ids, l.task)
		}
	}
	return ids
}

// EndMoved stops the runs of the tasks in asked whose epoch in the database differs, or whose task does not exist any more.
// Runs that began after asked was read are not touched.
func (r *Runs) EndMoved(asked []uuid.UUID, epochs map[uuid.UUID]int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := make(map[uuid.UUID]bool, len(asked))
	for _, id := range asked {
		known[id] = true
	}
	for _, l := range r.live {
		if epoch := epochs[l.task]; known[l.task] && (epoch == 0 || epoch > l.epoch) {
			l.cancel(ErrFenced)
		}
	}
}
