package store

import (
	"context"
	"errors"
	"time"

	"legwork/internal/research"
)

// Pauses between attempts to reach a database that is away.
const (
	firstPause = 50 * time.Millisecond
	maxPause   = 2 * time.Second
)

// UntilAvailable repeats f with growing pauses while it reports research.ErrUnavailable and ctx lasts. What f does must be
// right when it is done twice: the answer to its last statement may have been lost.
func UntilAvailable(ctx context.Context, f func() error) error {
	pause := firstPause
	for {
		err := f()
		if err == nil || !errors.Is(err, research.ErrUnavailable) || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
		pause = min(2*pause, maxPause)
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
