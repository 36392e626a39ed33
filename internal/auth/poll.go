package auth

import (
	"context"
	"time"
)

// pollEvery is how often Poll checks the credentials of open streams.
const pollEvery = time.Second

// Poll checks the credentials of all open streams once a second, until ctx ends. It is for a process that receives no notices, and
// so never calls Listening. Such a process caches nothing.
func (a *Authenticator) Poll(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		open := a.state.watched()
		if len(open) == 0 {
			continue
		}
		check, cancel := context.WithTimeout(ctx, recheckTimeout)
		if err := a.recheck(check, open); err != nil && ctx.Err() == nil {
			a.cfg.Log.WarnContext(ctx, "cannot check whether the credentials of open streams are still valid", "error", err)
		}
		cancel()
	}
}
