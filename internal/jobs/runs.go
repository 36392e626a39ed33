package jobs

import (
	"context"
	"errors"
	"sync"

	"github.com/google/uuid"

	"legwork/internal/research"
)

// Why a run is told to stop. Each is the cause of its context.
var (
	errFenced   = research.ErrFenced // the task moved on: cancelled, deleted or handed to another worker
	errShutdown = errors.New("the process is stopping")
	errTimeout  = errors.New("the task exceeded TASK_TIMEOUT")
)

// runs are the runs of this process, by task.
type runs struct {
	mu   sync.Mutex
	live map[uuid.UUID]liveRun
	stop bool // no run may begin any more
}

type liveRun struct {
	epoch  int
	cancel context.CancelCauseFunc
}

func newRuns() *runs { return &runs{live: map[uuid.UUID]liveRun{}} }

// begin registers a run; false when the process is stopping.
func (r *runs) begin(id uuid.UUID, epoch int, cancel context.CancelCauseFunc) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stop {
		return false
	}
	r.live[id] = liveRun{epoch, cancel}
	return true
}

// done forgets a run, unless a newer one of the same task took its place.
func (r *runs) done(id uuid.UUID, epoch int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.live[id].epoch == epoch {
		delete(r.live, id)
	}
}

// end tells one task's run to stop.
func (r *runs) end(id uuid.UUID, cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l, ok := r.live[id]; ok {
		l.cancel(cause)
	}
}

// endAll tells every run to stop; with final no other may begin.
func (r *runs) endAll(cause error, final bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop = r.stop || final
	for _, l := range r.live {
		l.cancel(cause)
	}
}

// ids lists the tasks that run here.
func (r *runs) ids() []uuid.UUID {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]uuid.UUID, 0, len(r.live))
	for id := range r.live {
		ids = append(ids, id)
	}
	return ids
}

// endMoved stops the runs whose task is at another epoch than theirs, or gone. Runs that began after asked was taken
// are left alone.
func (r *runs) endMoved(asked []uuid.UUID, epochs map[uuid.UUID]int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range asked {
		if l, ok := r.live[id]; ok && epochs[id] != l.epoch {
			l.cancel(errFenced)
		}
	}
}
