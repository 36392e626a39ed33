package stream

import (
	"context"
	"io"
	"sync"
)

// Subscription is one reader's place in a task's log. Next is for one goroutine at a time; Close may be called from any.
type Subscription struct {
	topic  *topic
	cursor int64
	ear    *ear // nil: no deltas
	once   sync.Once
	closed chan struct{}
}

// Next blocks until there are events after the cursor, or with deltas more of the answer, moves the cursor behind them and returns them in order. It
// returns io.EOF when the log has ended (the terminal event was delivered, or the task is gone), ErrStopping when the
// process stops, ErrClosed after Close, and ctx.Err() when ctx ends. A cursor beyond the end of an open log waits for
// the events after it. Failures of the database are tried again for as long as ctx allows.
func (s *Subscription) Next(ctx context.Context) ([]Frame, error) {
	for {
		if err := s.interrupted(ctx); err != nil {
			return nil, err
		}
		frames, w, err := s.look()
		if err != nil {
			return nil, err
		}
		if len(frames) == 0 && s.ear != nil { // events go first
			var piece *Frame
			if piece, w.said = s.ear.next(); piece != nil {
				w.leave(s)
				return []Frame{*piece}, nil
			}
		}
		if len(frames) == 0 {
			frames = w.wait(ctx, s)
		}
		if len(frames) > 0 {
			s.cursor = frames[len(frames)-1].Seq
			return s.completed(frames), nil
		}
	}
}

// completed puts what is missing of the answer before the event that completes the task.
func (s *Subscription) completed(frames []Frame) []Frame {
	last := len(frames) - 1
	if s.ear == nil || !frames[last].Terminal {
		return frames
	}
	rest := s.ear.rest(frames[last])
	if rest == nil {
		return frames
	}
	return append(append([]Frame(nil), frames[:last]...), *rest, frames[last])
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

// watch is what a subscription with nothing to return waits for.
type watch struct {
	read *read           // nil: no read is needed
	wake <-chan struct{} // nil: news at the other end of the log are no reason to wake
	said <-chan struct{} // nil: no deltas are wanted
}

// look returns what the window has after the cursor, or io.EOF, or what to wait for. Unless the table has to be read
// it only shares the lock, so that thousands woken by one event do not queue.
func (s *Subscription) look() ([]Frame, watch, error) {
	t := s.topic
	t.mu.RLock()
	frames, w, enough, err := s.peek()
	t.mu.RUnlock()
	if enough {
		return frames, w, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if frames, w, enough, err = s.peek(); enough { // another one's read ended in between
		return frames, w, err
	}
	w.read = t.read(s.cursor)
	if s.cursor >= t.floor {
		w.wake = t.wake
		t.waiting.Add(1)
	}
	return nil, w, nil
}

// peek is look without reading the table; not enough when that has to be done. It needs mu, shared or not.
func (s *Subscription) peek() (frames []Frame, w watch, enough bool, err error) {
	t := s.topic
	switch frames = t.after(s.cursor); {
	case len(frames) > 0:
		return frames, w, true, nil
	case t.over(s.cursor):
		return nil, w, true, io.EOF
	case t.mustRead(s.cursor):
		return nil, w, false, nil
	}
	t.waiting.Add(1)
	return nil, watch{wake: t.wake}, true, nil
}

// wait blocks until something changed. What a read of the table found is returned at once: a window that moves on fast
// may have dropped it again.
func (w watch) wait(ctx context.Context, s *Subscription) []Frame {
	var done <-chan struct{}
	if w.read != nil {
		done = w.read.done
	}
	defer w.leave(s)
	select {
	case <-done:
		return w.read.frames
	case <-w.wake:
	case <-w.said:
	case <-s.closed:
	case <-s.topic.hub.ctx.Done():
	case <-ctx.Done():
	}
	return nil
}

// leave ends what waiting began.
func (w watch) leave(s *Subscription) {
	if w.wake != nil {
		s.topic.waiting.Add(-1)
	}
}

// Close ends the subscription; a Next under way returns ErrClosed. The last one closed frees what the hub holds of the
// task. Close may be called more than once.
func (s *Subscription) Close() {
	s.once.Do(func() {
		close(s.closed)
		if s.ear != nil {
			s.ear.close()
		}
		s.topic.hub.leave(s.topic)
	})
}
