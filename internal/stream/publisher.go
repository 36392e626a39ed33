package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"legwork/internal/research"
)

const (
	notifyTries   = 5               // then the poll of the others has to do
	notifyTimeout = 5 * time.Second // of one try
	drainTimeout  = 2 * time.Second // of sending the rest when stopping

	// Rest after a batch, for each task beyond the first, and in all.
	restEach = 600 * time.Microsecond
	restMost = 20 * time.Millisecond
)

// Publisher tells of committed events: this process's hub at once, other processes by NOTIFY. It sends when it has
// something to send and nothing is in flight; what comes in meanwhile goes out together.
//
// A NOTIFY costs the database a transaction and wakes every process that listens, so under load fewer and fuller ones
// pay: after a batch the publisher rests, for each task in it beyond the first twice as long as sending took, but restEach
// at most. While tasks commit fewer than one event in restEach, all together, a rest brings less than a task into the next
// batch for each that it was for, so rests die out; beyond that batches and rests grow together, up to restMost. What people
// see on another process is late by that much at most.
type Publisher struct {
	hub    *Hub
	log    Log
	logger *slog.Logger
	wake   chan struct{} // holds one token while pending has entries
	here   *tray         // what is said, on its way to this process's hub
	there  *tray         // and to other processes

	mu      sync.Mutex
	pending *batch
	flying  *batch // nil when idle
	stopped bool
}

// batch is what goes out together, coalesced per task.
type batch struct {
	news  []announcement
	index map[uuid.UUID]int // into news
	done  chan struct{}     // closed when sent or given up
	err   error             // after done
}

func newBatch() *batch {
	return &batch{index: map[uuid.UUID]int{}, done: make(chan struct{})}
}

func (b *batch) add(n announcement) {
	i, ok := b.index[n.Task]
	if !ok {
		b.index[n.Task] = len(b.news)
		b.news = append(b.news, n)
	} else {
		b.news[i] = b.news[i].join(n)
	}
}

// NewPublisher returns a publisher that needs Run to reach other processes. A nil logger means slog.Default().
func NewPublisher(hub *Hub, log Log, logger *slog.Logger) *Publisher {
	if logger == nil {
		logger = slog.Default()
	}
	return &Publisher{hub: hub, log: log, logger: logger, wake: make(chan struct{}, 1), pending: newBatch(),
		here: newTray(), there: newTray()}
}

// Publish tells of committed events, all of one task and in seq order. Call it after the commit. It never waits for
// the database.
func (p *Publisher) Publish(events []research.Event) {
	if len(events) == 0 {
		return
	}
	task := events[0].TaskID
	frames := make([]Frame, len(events))
	for i, e := range events {
		frames[i] = encode(e)
	}
	if frames[len(frames)-1].Terminal {
		p.here.drop(task)
		p.there.drop(task)
	}
	p.hub.deliver(task, frames)
	n := announce(task, frames)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	p.pending.add(n)
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Flush waits until everything published so far has been sent. It returns an error when some of it could not be, which
// other processes then find by their poll, or ErrStopping when Run has ended before.
func (p *Publisher) Flush(ctx context.Context) error {
	p.mu.Lock()
	var batches []*batch
	if p.flying != nil {
		batches = append(batches, p.flying)
	}
	if len(p.pending.news) > 0 {
		batches = append(batches, p.pending)
	}
	stopped := p.stopped
	p.mu.Unlock()
	if stopped {
		return ErrStopping
	}
	var errs []error
	for _, b := range batches {
		select {
		case <-b.done:
			errs = append(errs, b.err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errors.Join(errs...)
}

// Run sends until ctx ends, then sends the rest, for at most two seconds. Call it once.
func (p *Publisher) Run(ctx context.Context) {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx)) // what is in flight when ctx ends still arrives
	defer cancel()
	var saying sync.WaitGroup
	saying.Go(func() { p.speak(ctx) })
	saying.Go(func() { p.carry(ctx) })
	defer saying.Wait()
	defer context.AfterFunc(ctx, func() {
		limit := time.NewTimer(drainTimeout)
		defer limit.Stop()
		select {
		case <-limit.C:
			cancel()
		case <-sending.Done():
		}
	})()
	for {
		select {
		case <-p.wake:
			began := time.Now()
			tasks := p.send(sending)
			rest(ctx, time.Duration(tasks-1)*min(2*time.Since(began), restEach))
		case <-ctx.Done():
			p.mu.Lock()
			p.stopped = true
			p.mu.Unlock()
			p.send(sending)
			return
		}
	}
}

// rest waits for a time, restMost at most, unless ctx ends.
func rest(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(min(d, restMost))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// send sends what is pending now and tells of how many tasks that was.
func (p *Publisher) send(ctx context.Context) (tasks int) {
	p.mu.Lock()
	b := p.pending
	if len(b.news) == 0 {
		p.mu.Unlock()
		return 0
	}
	p.pending, p.flying = newBatch(), b
	p.mu.Unlock()

	err := p.notify(ctx, packPayloads(p.hub.id, b.news))
	p.mu.Lock()
	b.err = err
	p.flying = nil
	p.mu.Unlock()
	close(b.done)
	if b.err != nil {
		p.logger.Warn("gave up telling other processes of new events; their polls will find them",
			"tasks", len(b.news), "error", b.err)
	}
	return len(b.news)
}

// notify sends payloads in one transaction, trying a few times.
func (p *Publisher) notify(ctx context.Context, payloads []string) error {
	wait := backoff{min: 25 * time.Millisecond, max: time.Second}
	for try := 1; ; try++ {
		limited, cancel := context.WithTimeout(ctx, notifyTimeout)
		err := p.log.Notify(limited, channel, payloads...)
		cancel()
		if err == nil {
			return nil
		}
		if try == notifyTries || !wait.wait(ctx) {
			return fmt.Errorf("notify failed %d times: %w", try, err)
		}
	}
}
