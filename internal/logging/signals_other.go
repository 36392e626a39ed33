//go:build !unix

package logging

import "context"

// WatchSignals waits until ctx ends: this system has no signals for the level.
func (l *Log) WatchSignals(ctx context.Context) { <-ctx.Done() }
