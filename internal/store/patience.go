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

// UntilAvailable repeats f with growing pauses while it reports research.ErrUnavailable and ctx lasts. What f does must be
// right when it is done twice: the answer to its last statement may have been lost.
func UntilAvailable(ctx context.Context, f func() error) error {
	pauses := retry.NewPauses(firstPause, maxPause)
	for {
		err := f()
		if err == nil || !errors.Is(err, research.ErrUnavailable) || pauses.Wait(ctx) != nil {
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
