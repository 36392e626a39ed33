package jobs

import (
	"context"
	"sync"

	"github.com/google/uuid"
)

// fileLocks keep the writers and the remover of one task's files apart within this process: one lock for each task that has
// any, held over reads and writes of files. The zero fileLocks is ready.
type fileLocks struct {
	mu    sync.Mutex
	tasks map[uuid.UUID]*fileLock
}

// fileLock is the lock of one task.
type fileLock struct {
	held  chan struct{} // of capacity 1: full while somebody holds the lock
	users int           // who hold it or wait for it; guarded by fileLocks.mu
}

// lock waits for a task's lock, and gives what releases it. The error is the cause of ctx's end.
func (l *fileLocks) lock(ctx context.Context, id uuid.UUID) (unlock func(), err error) {
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

func (l *fileLocks) join(id uuid.UUID) *fileLock {
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

// leave forgets the lock with its last user.
func (l *fileLocks) leave(id uuid.UUID, f *fileLock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.users--; f.users == 0 {
		delete(l.tasks, id)
	}
}
