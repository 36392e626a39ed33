package logging

import (
	"context"
	"log/slog"
)

// ErrorsOnly returns a logger that passes on errors only. It is for River, which logs a warning at every cancel and hand-back, which
// are normal here.
func ErrorsOnly(log *slog.Logger) *slog.Logger {
	return slog.New(minLevel{Handler: log.Handler(), min: slog.LevelError})
}

type minLevel struct {
	slog.Handler
	min slog.Level
}

// Enabled implements slog.Handler.
func (m minLevel) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= m.min && m.Handler.Enabled(ctx, l)
}
