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
	"legwork/internal/retry"
)

const (
	notifyTries   = 5               // after so many tries the other processes must find the events by their poll
	notifyTimeout = 5 * time.Second // time limit of one try
	drainTimeout  = 2 * time.Second // time limit for sending what is left when the process stops

	// The pause after a batch is at most pausePerTask for each task in the batch beyond the first, and at most maxPause
	// in all.
	pausePerTask = 600 * time.Microsecond
	maxPause     = 20 * time.Millisecond
)

// Publisher announces committed events: to this process's hub at once, and to other processes by NOTIFY. It sends when
// there is something to send and no send is running. Events that arrive during a send are sent together afterwards.
//
// Each NOTIFY costs the database a transaction and wakes every process that listens. So under load the publisher pauses
// after a batch, to send fewer and fuller batches. The pause is min(2 × send time, pausePerTask) for each task in the
// batch beyond the first, and at most maxPause. After a batch of one task there is no pause. As long as all tasks
// together commit less than one event per pausePerTask, each pause collects fewer tasks than the batch before it, so the
// pauses get shorter until there are none. Clients of other processes see events later by at most one pause.
type Publisher struct {
	hub    *Hub
	log    Log
	logger *slog.Logger
	wake   chan struct{}   // holds one token while pending has entries
	local  *fragmentBuffer // fragments for this process's hub
	remote *fragmentBuffer // fragments for other processes
	sent   func(tasks int, ok bool, took time.Duration)

	mu      sync.Mutex
	pending *batch
	sending *batch // nil when no send is running
	stopped bool
}

// batch holds the announcements that are sent together, at most one for each task.
type batch struct {
	announcements []announcement
	index         map[uuid.UUID]int // index into announcements, by task
	done          chan struct{}     // closed when the batch was sent, or when the publisher gave up
	err           error             // valid after done is closed
}

func newBatch() *batch {
	return &batch{index: map[uuid.UUID]int{}, done: make(chan struct{})}
}

func (b *batch) add(a announcement) {
	i, ok := b.index[a.Task]
	if !ok {
		b.index[a.Task] = len(b.announcements)
		b.announcements = append(b.announcements, a)
	} else {
		b.announcements[i] = b.announcements[i].join(a)
	}
}

// NewPublisher returns a publisher. It reaches other processes only while Run runs. A nil logger means slog.Default().
func NewPublisher(hub *Hub, log Log, logger *slog.Logger) *Publisher {
	if logger == nil {
		logger = slog.Default()
	}
	return &Publisher{hub: hub, log: log, logger: logger, wake: make(chan struct{}, 1), pending: newBatch(),
		local: newFragmentBuffer(), remote: newFragmentBuffer(), sent: func(int, bool, time.Duration) {}}
}

// Measure makes the publisher call f after each batch that it has sent, or could not send. Call it before Run. f must not block.
func (p *Publisher) Measure(f func(tasks int, ok bool, took time.Duration)) { p.sent = f }

// Publish announces committed events, all of one task and in seq order. Call it after the commit, and do not
// change the events afterwards. It never waits for the database.
func (p *Publisher) Publish(events []research.Event) {
	if len(events) == 0 {
		return
	}
	newest := events[len(events)-1]
	if newest.Terminal {
		p.local.drop(newest.TaskID)
		p.remote.drop(newest.TaskID)
	}
	p.hub.deliver(events)
	a := announce(events)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	p.pending.add(a)
	signal(p.wake)
}

// Flush waits until everything published so far has been sent. It returns an error when some of it could not be sent.
// Other processes then find the events by their poll. It returns ErrStopping when Run has ended.
func (p *Publisher) Flush(ctx context.Context) error {
	p.mu.Lock()
	var batches []*batch
	if p.sending != nil {
		batches = append(batches, p.sending)
	}
	if len(p.pending.announcements) > 0 {
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

// Run sends until ctx ends. Then it sends what is left, for at most two seconds. Call it once.
func (p *Publisher) Run(ctx context.Context) {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx)) // a send that is running when ctx ends may finish
	defer cancel()
	var fragments sync.WaitGroup
	fragments.Go(func() { p.handOnFragments(ctx) })
	fragments.Go(func() { p.sendFragments(ctx) })
	defer fragments.Wait()
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
			pause(ctx, time.Duration(tasks-1)*min(2*time.Since(began), pausePerTask))
		case <-ctx.Done():
			p.mu.Lock()
			p.stopped = true
			p.mu.Unlock()
			p.send(sending)
			return
		}
	}
}

// pause waits for d, at most maxPause, unless ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(min(d, maxPause))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// send sends the pending announcements and returns how many tasks they are about.
func (p *Publisher) send(ctx context.Context) (tasks int) {
	p.mu.Lock()
	b := p.pending
	if len(b.announcements) == 0 {
		p.mu.Unlock()
		return 0
	}
	p.pending, p.sending = newBatch(), b
	p.mu.Unlock()

	began := time.Now()
	err := p.notify(ctx, packPayloads(p.hub.id, b.announcements))
	p.sent(len(b.announcements), err == nil, time.Since(began))
	p.mu.Lock()
	b.err = err
	p.sending = nil
	p.mu.Unlock()
	close(b.done)
	if b.err != nil {
		p.logger.Warn("gave up telling other processes of new events; their polls will find them",
			"tasks", len(b.announcements), "error", b.err)
	}
	return len(b.announcements)
}

// notify sends payloads in one transaction. It tries notifyTries times.
func (p *Publisher) notify(ctx context.Context, payloads []string) error {
	pauses := retry.NewPauses(25*time.Millisecond, time.Second)
	for try := 1; ; try++ {
		limited, cancel := context.WithTimeout(ctx, notifyTimeout)
		err := p.log.Notify(limited, channel, payloads...)
		cancel()
		if err == nil {
			return nil
		}
		if try == notifyTries || pauses.Wait(ctx) != nil {
			return fmt.Errorf("notify failed %d times: %w", try, err)
		}
	}
}
