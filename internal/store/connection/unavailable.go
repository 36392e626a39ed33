package connection

import (
	"context"
	"errors"
	"time"

	"legwork/internal/research"
	"legwork/internal/retry"
)

// These are the pauses between attempts while the database is unavailable. They grow from firstPause to maxPause.
const (
	firstPause = 50 * time.Millisecond
	maxPause   = 2 * time.Second
)

// UntilAvailable stops repeating after maxTimeouts statement timeouts. A busy server answers in time on a later attempt, but a
// statement that is too expensive never does.
const maxTimeouts = 3

// UntilAvailable calls f again, after growing pauses, while f returns research.ErrUnavailable and ctx has not ended. f
// must be safe to repeat, because the database may have committed f's change although its answer was lost. After
// maxTimeouts statement timeouts UntilAvailable returns the error.
func UntilAvailable(ctx context.Context, f func() error) error {
	pauses, timeouts := retry.NewPauses(firstPause, maxPause), 0
	for {
		err := f()
		if StatementTimeout(err) {
			timeouts++
		}
		if err == nil || !errors.Is(err, research.ErrUnavailable) || timeouts == maxTimeouts || pauses.Wait(ctx) != nil {
			return err
		}
	}
}
