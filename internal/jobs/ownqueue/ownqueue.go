// Package ownqueue names the queue for the jobs of each task. In a process that runs its own submissions and no others, as
// legwork ask does on a database where no worker is alive, their jobs wait in a queue that only this process works.
//
// Other workers leave these tasks alone while the process has a fresh heartbeat: choose_task passes over tasks whose job is in
// another queue than Shared. After that the reconciler queues them for everybody.
package ownqueue

import (
	"fmt"
	"sync"

	"github.com/google/uuid"
)

// Shared is the queue for the tasks of everybody. choose_task and other SQL contain the name.
const Shared = "research"

// Queues names the queues of a process. The zero Queues names Shared for every task. It is safe for concurrent use.
type Queues struct {
	mu   sync.Mutex
	name string // empty when the process runs the tasks of everybody
	own  map[uuid.UUID]bool
}

// Own makes the process keep its later submissions for itself, and returns the queue of their jobs.
func (q *Queues) Own() (name string, err error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("name a queue: %w", err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.name, q.own = "ask-"+id.String(), map[uuid.UUID]bool{}
	return q.name, nil
}

// OfNew returns the queue for the jobs of a task that this process submits.
func (q *Queues) OfNew(id uuid.UUID) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.name == "" {
		return Shared
	}
	q.own[id] = true
	return q.name
}

// Of returns the queue for the next job of a task.
func (q *Queues) Of(id uuid.UUID) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.own[id] {
		return q.name
	}
	return Shared
}

// Share makes the next jobs of all tasks jobs for everybody, because this process stops.
func (q *Queues) Share() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.name, q.own = "", nil
}
