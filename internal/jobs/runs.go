package jobs

import (
	"context"
	"errors"
	"sync"

	"github.com/google/uuid"

	"legwork/internal/research"
)

// Reasons to stop a run. Each is set as the cause of the run's context.
var (
	errFenced   = research.ErrFenced // the task was cancelled, deleted or given to another worker
	errShutdown = errors.New("the process is stopping")
	errTimeout  = errors.New("the task exceeded TASK_TIMEOUT")
)

// runs holds the jobs that this process works on, and the task of each job once it is claimed.
type runs struct {
	mu   sync.Mutex
	live map[int64]*liveRun // by River's job
	stop bool               // the process is stopping: no run may begin
}

type liveRun struct {
	task   uuid.UUID // zero until it is claimed
	epoch  int
	cancel context.CancelCauseFunc
}

func newRuns() *runs { return &runs{live: map[int64]*liveRun{}} }

// begin registers a job. It returns false when the process is stopping.
func (r *runs) begin(job int64, cancel context.CancelCauseFunc) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stop {
		return false
	}
	r.live[job] = &liveRun{cancel: cancel}
	return true
}

// claimed sets the task of a job that was registered by begin.
func (r *runs) claimed(job int64, task uuid.UUID, epoch int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.live[job]
	l.task, l.epoch = task, epoch
}

// done removes a job.
func (r *runs) done(job int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.live, job)
}

// end cancels the contexts of a task's runs, with a cause.
func (r *runs) end(task uuid.UUID, cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.live {
		if l.task == task {
			l.cancel(cause)
		}
	}
}

// endAll cancels the contexts of all runs, with a cause. When final is set, no other run may begin.
func (r *runs) endAll(cause error, final bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop = r.stop || final
	for _, l := range r.live {
		l.cancel(cause)
	}
}

// ids returns the ids of the tasks that run in this process.
func (r *runs) ids() []uuid.UUID {
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

// endMoved stops the runs of the tasks in asked whose epoch in the database differs, or whose task does not exist any more.
// Runs that began after asked was read are not touched.
func (r *runs) endMoved(asked []uuid.UUID, epochs map[uuid.UUID]int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := make(map[uuid.UUID]bool, len(asked))
	for _, id := range asked {
		known[id] = true
	}
	for _, l := range r.live {
		if epoch := epochs[l.task]; known[l.task] && (epoch == 0 || epoch > l.epoch) {
			l.cancel(errFenced)
		}
	}
}
