package store

import (
	"context"
	"errors"
	"time"

	"legwork/internal/research"
	"legwork/internal/retry"
)

// Pauses between attempts to reach a database that is away.
const (
	firstPause = 50 * time.Millisecond
	maxPause   = 2 * time.Second
)

// maxTimeouts is how often a statement may run into the server's timeout before that counts as its answer. A busy disk or a
// paused server passes; a statement that is too much for the server does not.
const maxTimeouts = 3

// UntilAvailable repeats f with growing pauses while it reports research.ErrUnavailable and ctx lasts. What f does must be
// right when it is done twice: the answer to its last statement may have been lost. After maxTimeouts statements that
// took too long it gives up.
func UntilAvailable(ctx context.Context, f func() error) error {
	pauses, timeouts := retry.NewPauses(firstPause, maxPause), 0
	for {
		err := f()
		if isStatementTimeout(err) {
			timeouts++
		}
		if err == nil || !errors.Is(err, research.ErrUnavailable) || timeouts == maxTimeouts || pauses.Wait(ctx) != nil {
			return err
		}
	}
}

// ReadUntilAvailable is UntilAvailable for reads.
func ReadUntilAvailable[T any](ctx context.Context, read func() (T, error)) (T, error) {
	var value T
	err := UntilAvailable(ctx, func() (err error) {
		value, err = read()
		return err
	})
	return value, err
}
