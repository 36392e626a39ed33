package store

import (
	"context"

	"legwork/internal/store/connection"
)

// UntilAvailable calls f again while the database is unavailable; see connection.UntilAvailable.
func UntilAvailable(ctx context.Context, f func() error) error {
	return connection.UntilAvailable(ctx, f)
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
