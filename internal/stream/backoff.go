package stream

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// backoff is an exponential wait between tries, with jitter so that the processes of a fleet do not come back at once.
type backoff struct {
	min, max time.Duration
	tries    int
}

// next is how long to wait now: between half and all of min·2ⁿ, at most max.
func (b *backoff) next() time.Duration {
	d := b.max
	if b.tries < 30 && b.min<<b.tries < b.max {
		d = b.min << b.tries
	}
	b.tries++
	return d/2 + rand.N(d/2+1)
}

func (b *backoff) reset() { b.tries = 0 }

// wait sleeps until the next try is due; false when ctx ended first.
func (b *backoff) wait(ctx context.Context) bool {
	t := time.NewTimer(b.next())
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// outage logs the first failure and the recovery of something that is tried again and again.
type outage struct {
	what   string
	logger *slog.Logger
	down   atomic.Bool
}

func (o *outage) report(err error) {
	if err != nil {
		if o.down.CompareAndSwap(false, true) {
			o.logger.Warn(o.what+" fails; trying again until it works", "error", err)
		}
		return
	}
	if o.down.Load() && o.down.CompareAndSwap(true, false) {
		o.logger.Info(o.what + " works again")
	}
}
