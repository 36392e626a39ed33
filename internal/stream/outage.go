package stream

import (
	"log/slog"
	"sync/atomic"
)

// outage logs the first failure and the recovery of an operation that is repeated.
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
