package browser

import (
	"context"
	"errors"
	"fmt"
	"time"

	"legwork/internal/goroutine"
	"legwork/internal/retry"
)

// errUnavailable means that there is no Chromium, and that it is too early to start one again.
var errUnavailable = errors.New("the browser is not available")

// If a Chromium does not start, or ends within minLifetime, the next start is delayed. After the first such failure there is no delay,
// because the page that was being shown is tried again at once. Then the delay is firstPause, and doubles with each failure up to
// lastPause.
const (
	minLifetime = time.Minute
	firstPause  = time.Second
	lastPause   = time.Minute
)

// acquire waits for a free tab and returns the Chromium to open it in. Call release when the tab is closed.
func (b *Browser) acquire(ctx context.Context) (i *instance, release func(), err error) {
	select {
	case b.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	case <-b.base.Done():
		return nil, nil, errUnavailable
	}
	if i, err = b.take(ctx); err != nil {
		<-b.slots
		return nil, nil, err
	}
	return i, func() { b.give(i); <-b.slots }, nil
}

// take returns the current Chromium and adds one to its number of pages. If there is no Chromium, take starts one.
func (b *Browser) take(ctx context.Context) (*instance, error) {
	for {
		b.mu.Lock()
		if i := b.current; i != nil && !i.dead() {
			i.tabs++
			if i.pages++; i.pages >= b.cfg.RecycleAfter {
				b.current = nil // the next page gets a new Chromium
			}
			b.mu.Unlock()
			return i, nil
		}
		switch {
		case b.closed:
			b.mu.Unlock()
			return nil, errUnavailable
		case time.Now().Before(b.notUntil):
			defer b.mu.Unlock()
			if b.failed != nil {
				return nil, fmt.Errorf("%w: %w", errUnavailable, b.failed)
			}
			return nil, errUnavailable
		}
		starting := b.begin()
		b.mu.Unlock()
		select {
		case <-starting:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// begin starts a Chromium, unless one is already starting. The channel is closed when the start has ended. The caller must hold b.mu, and
// b must not be closed.
func (b *Browser) begin() <-chan struct{} {
	if b.starting == nil {
		b.starting = make(chan struct{})
		b.ended.Go(b.base, b.start)
	}
	return b.starting
}

// give subtracts the page that take has added. A Chromium that takes no new pages ends after its last page.
func (b *Browser) give(i *instance) {
	b.mu.Lock()
	i.tabs--
	over := i.tabs == 0 && b.current != i
	b.mu.Unlock()
	if over {
		b.background(i.stop)
	}
}

// background runs f in a goroutine. Close waits for it.
func (b *Browser) background(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return // the Browser is closed, and Close does the work of f
	}
	b.ended.Go(b.base, f)
}

// start makes a new Chromium the current one.
func (b *Browser) start() {
	var i *instance
	err := goroutine.Catch(b.base, func() (err error) { // Catch turns a panic into an error, so that the callers that wait for the start are always told
		i, err = b.launch(b.base)
		return err
	})
	b.mu.Lock()
	close(b.starting)
	b.starting = nil
	if err != nil {
		news := b.failed == nil || b.failed.Error() != err.Error()
		b.failed = err
		b.countFailure()
		b.mu.Unlock()
		b.cfg.Started("failed")
		if news && b.base.Err() == nil {
			b.log.Error("Chromium does not start; pages are read over HTTP", "at", b.cfg.At, "error", err)
		}
		b.revive()
		return
	}
	b.failed, b.version = nil, i.version
	b.live[i] = true
	closed := b.closed
	if !closed {
		b.current = i
	}
	b.mu.Unlock()
	b.cfg.Started("ok")
	b.log.Info("Chromium runs", "version", i.version, "at", b.cfg.At, "pid", i.pid.Load())
	if closed {
		i.stop()
	}
	<-i.ctx.Done()
	b.lost(i)
}

// lost removes a Chromium that has ended, and makes sure that all processes of this Chromium have ended.
func (b *Browser) lost(i *instance) {
	unasked := !i.stopping.Load()
	i.stop()
	if unasked {
		defer b.revive()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.live, i)
	if b.current == i {
		b.current = nil
	}
	if !unasked || b.closed {
		return
	}
	if time.Since(i.began) > minLifetime {
		b.failures = 0
	}
	b.countFailure()
	b.cfg.Started("lost")
	b.log.Warn("Chromium has ended unexpectedly; its pages are tried once more", "pid", i.pid.Load(), "pages", i.pages, "age", time.Since(i.began).Round(time.Millisecond))
}

// countFailure increases the number of failures, and sets the time of the next start.
func (b *Browser) countFailure() {
	b.failures++
	if b.failures > 1 {
		b.notUntil = time.Now().Add(retry.Pause(b.failures-1, firstPause, lastPause))
	}
}
