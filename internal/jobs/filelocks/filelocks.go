// Package filelocks lets one goroutine of a process at a time write or remove the files of a task.
package filelocks

import (
	"context"
	"sync"

	"github.com/google/uuid"
)

// Locks has one lock for each task. This process holds the lock while it writes or removes the task's files. So it
// writes no file during or after the removal. The zero Locks is ready for use.
type Locks struct {
	mu    sync.Mutex
	tasks map[uuid.UUID]*fileLock // only locks that are held or waited for
}

// fileLock is the lock of one task.
type fileLock struct {
	held  chan struct{} // of capacity 1; holds a token while the lock is held
	users int           // number of callers that hold the lock or wait for it; guarded by Locks.mu
}

// Lock waits for a task's lock, and returns the function that releases it. When ctx ends first, it returns the cause.
func (l *Locks) Lock(ctx context.Context, id uuid.UUID) (unlock func(), err error) {
	f := l.join(id)
	select {
	case f.held <- struct{}{}:
		return func() { <-f.held; l.leave(id, f) }, nil
	default:
	}
	select {
	case f.held <- struct{}{}:
		return func() { <-f.held; l.leave(id, f) }, nil
	case <-ctx.Done():
		l.leave(id, f)
		return nil, context.Cause(ctx)
	}
}

func (l *Locks) join(id uuid.UUID) *fileLock {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.tasks[id]
	if f == nil {
		if l.tasks == nil {
			l.tasks = map[uuid.UUID]*fileLock{}
		}
		f = &fileLock{held: make(chan struct{}, 1)}
		l.tasks[id] = f
	}
	f.users++
	return f
}

// leave removes the lock when its last user leaves.
func (l *Locks) leave(id uuid.UUID, f *fileLock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.users--; f.users == 0 {
		delete(l.tasks, id)
	}
}
