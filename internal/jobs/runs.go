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

// runs holds the runs of this process, by task.
type runs struct {
	mu   sync.Mutex
	live map[uuid.UUID]liveRun
	stop bool // the process is stopping: no run may begin
}

type liveRun struct {
	epoch  int
	cancel context.CancelCauseFunc
}

func newRuns() *runs { return &runs{live: map[uuid.UUID]liveRun{}} }

// begin registers a run. It returns false when the process is stopping.
func (r *runs) begin(id uuid.UUID, epoch int, cancel context.CancelCauseFunc) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stop {
		return false
	}
	r.live[id] = liveRun{epoch, cancel}
	return true
}

// done removes a run, unless a newer run of the same task has replaced it.
func (r *runs) done(id uuid.UUID, epoch int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.live[id].epoch == epoch {
		delete(r.live, id)
	}
}

// end cancels the context of a task's run, with a cause.
func (r *runs) end(id uuid.UUID, cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l, ok := r.live[id]; ok {
		l.cancel(cause)
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
	for id := range r.live {
		ids = append(ids, id)
	}
	return ids
}

// endMoved stops the runs of the tasks in asked whose epoch in the database differs, or whose task does not exist any more.
// Runs that began after asked was read are not touched.
func (r *runs) endMoved(asked []uuid.UUID, epochs map[uuid.UUID]int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range asked {
		if l, ok := r.live[id]; ok && epochs[id] != l.epoch {
			l.cancel(errFenced)
		}
	}
}
