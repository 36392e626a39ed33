//go:build unix

package logging

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// WatchSignals changes the level when the process gets a signal, until ctx ends: SIGUSR1 sets it to debug, SIGUSR2 to the level of the
// configuration.
func (l *Log) WatchSignals(ctx context.Context) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2)
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-signals:
			level := l.configured
			if s == syscall.SIGUSR1 {
				level = slog.LevelDebug
			}
			l.SetLevel(level)
			l.WarnContext(ctx, "the level of the log was changed by a signal", "to", level)
		}
	}
}
