package stream

import (
	"context"
	"io"
	"sync"

	"legwork/internal/research"
)

// Subscription is one client's position in a task's log. Only one goroutine at a time may call Next. Any goroutine may
// call Close.
type Subscription struct {
	topic  *topic
	cursor int64
	deltas *deltaCursor // nil for a subscription without deltas
	once   sync.Once
	closed chan struct{}
}

// Next blocks until there are events after the cursor, or more text of the answer for a subscription with
// deltas. It returns them in order and moves the cursor behind them.
//
// It returns io.EOF when the log has ended (the terminal event was returned, or the task is deleted),
// ErrStopping when the process stops, ErrClosed after Close, and ctx.Err() when ctx ends. A cursor beyond the
// end of an open log waits for the events after it. After a failure of the database it tries again until ctx
// ends.
func (s *Subscription) Next(ctx context.Context) ([]Message, error) {
	for {
		if err := s.interrupted(ctx); err != nil {
			return nil, err
		}
		events, w, err := s.look()
		if err != nil {
			return nil, err
		}
		if len(events) == 0 && s.deltas != nil { // events come before deltas
			var delta *research.Delta
			if delta, w.text = s.deltas.next(); delta != nil {
				w.stop(s)
				return []Message{{Delta: delta}}, nil
			}
		}
		if len(events) == 0 {
			events = w.wait(ctx, s)
		}
		if len(events) > 0 {
			s.cursor = events[len(events)-1].Seq()
			return s.completeAnswer(events), nil
		}
	}
}

// completeAnswer puts a delta with the missing text of the answer before the event that completes the task.
func (s *Subscription) completeAnswer(events []Message) []Message {
	last := len(events) - 1
	if s.deltas == nil || !events[last].Terminal() {
		return events
	}
	delta := s.deltas.complete(events[last].Event.finalAnswer())
	if delta == nil {
		return events
	}
	return append(events[:last:last], Message{Delta: delta}, events[last])
}

func (s *Subscription) interrupted(ctx context.Context) error {
	select {
	case <-s.closed:
		return ErrClosed
	case <-s.topic.hub.ctx.Done():
		return ErrStopping
	default:
		return ctx.Err()
	}
}

// waiter has what a subscription without new messages waits for.
type waiter struct {
	read    *read           // nil when no read is needed
	changed <-chan struct{} // nil when the subscription does not wait for the end of the log to change
	text    <-chan struct{} // nil for a subscription without deltas
}

// look returns the events in the window after the cursor, or io.EOF, or what to wait for. It takes the lock exclusively
// only when the table has to be read. So thousands of subscriptions that one event wakes do not wait for each other.
func (s *Subscription) look() ([]Message, waiter, error) {
	t := s.topic
	t.mu.RLock()
	events, w, enough, err := s.lookInWindow()
	t.mu.RUnlock()
	if enough {
		return events, w, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if events, w, enough, err = s.lookInWindow(); enough { // the read of another subscription may have ended meanwhile
		return events, w, err
	}
	w.read = t.read(s.cursor)
	if s.cursor >= t.window.floor {
		w.changed = t.changed
		t.waiting.Add(1)
	}
	return nil, w, nil
}

// lookInWindow is look without a read of the table. enough is false when the table has to be read. The caller holds
// topic.mu, shared or exclusively.
func (s *Subscription) lookInWindow() (events []Message, w waiter, enough bool, err error) {
	t := s.topic
	switch events = t.window.after(s.cursor, t.hub.cfg.ReadRows, t.hub.cfg.ReadBytes); {
	case len(events) > 0:
		return events, w, true, nil
	case t.over(s.cursor):
		return nil, w, true, io.EOF
	case t.mustRead(s.cursor):
		return nil, w, false, nil
	}
	t.waiting.Add(1)
	return nil, waiter{changed: t.changed}, true, nil
}

// wait blocks until something changes. It returns the result of a read of the table directly, because a window that
// grows fast may already have dropped these events.
func (w waiter) wait(ctx context.Context, s *Subscription) []Message {
	var done <-chan struct{}
	if w.read != nil {
		done = w.read.done
	}
	defer w.stop(s)
	select {
	case <-done:
		return messages(w.read.entries)
	case <-w.changed:
	case <-w.text:
	case <-s.closed:
	case <-s.topic.hub.ctx.Done():
	case <-ctx.Done():
	}
	return nil
}

// stop records that the subscription no longer waits.
func (w waiter) stop(s *Subscription) {
	if w.changed != nil {
		s.topic.waiting.Add(-1)
	}
}

// Close ends the subscription. A call of Next that is running returns ErrClosed. When the last subscription of a
// task is closed, the hub drops the task's topic. Close may be called more than once.
func (s *Subscription) Close() {
	s.once.Do(func() {
		close(s.closed)
		if s.deltas != nil {
			s.deltas.close()
		}
		s.topic.hub.leave(s.topic)
	})
}
