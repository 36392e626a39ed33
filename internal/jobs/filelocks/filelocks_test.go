package filelocks

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"
)

func TestFileLocks(t *testing.T) {
	t.Parallel()
	var locks Locks
	a, b := uuid.New(), uuid.New()
	unlock, err := locks.Lock(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	// The lock of another task is free.
	other, err := locks.Lock(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	other()
	// A wait ends when its context ends, and returns the cause.
	why := errors.New("the client has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	left := make(chan error)
	go func() {
		_, err := locks.Lock(ctx, a)
		left <- err
	}()
	cancel(why)
	if err := <-left; !errors.Is(err, why) {
		t.Errorf("a wait that was given up: %v", err)
	}
	// A wait whose context does not end gets the lock.
	next := make(chan struct{})
	go func() {
		defer close(next)
		unlock, err := locks.Lock(t.Context(), a)
		if err != nil {
			t.Error(err)
			return
		}
		unlock()
	}()
	unlock()
	<-next
	if len(locks.tasks) != 0 {
		t.Errorf("%d locks are kept that nobody uses", len(locks.tasks))
	}
	// A free lock is given although the context has ended, because the caller checks its context anyway.
	if unlock, err := locks.Lock(ctx, a); err != nil {
		t.Error(err)
	} else {
		unlock()
	}
}

func TestFileLocksExclude(t *testing.T) {
	t.Parallel()
	var locks Locks
	ids := []uuid.UUID{uuid.New(), uuid.New()}
	inside := map[uuid.UUID]*int{ids[0]: new(int), ids[1]: new(int)} // without the locks the race detector reports the access
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			id := ids[i%2]
			unlock, err := locks.Lock(t.Context(), id)
			if err != nil {
				t.Error(err)
				return
			}
			defer unlock()
			*inside[id]++
		})
	}
	all.Wait()
	if *inside[ids[0]] != 100 || *inside[ids[1]] != 100 || len(locks.tasks) != 0 {
		t.Errorf("%d, %d; %d kept", *inside[ids[0]], *inside[ids[1]], len(locks.tasks))
	}
}
