package logging

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"

	"legwork/internal/tracing"
)

// keyComponent is the key of the package that logs a line.
const keyComponent = "component"

// withIDs is a slog.Handler that adds to each line its component, and the ids of its context that it does not have itself.
type withIDs struct {
	slog.Handler
	lines *atomic.Pointer[func(level string)]
}

// WithAttrs implements slog.Handler.
func (h withIDs) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withIDs{h.Handler.WithAttrs(attrs), h.lines}
}

// WithGroup implements slog.Handler.
func (h withIDs) WithGroup(name string) slog.Handler {
	return withIDs{h.Handler.WithGroup(name), h.lines}
}

// Handle implements slog.Handler.
func (h withIDs) Handle(ctx context.Context, r slog.Record) error {
	line := r.Clone()
	if r.PC != 0 {
		line.AddAttrs(slog.String(keyComponent, componentOf(r.PC)))
	}
	for _, id := range tracing.Attrs(ctx) {
		if !has(r, id.Key) {
			line.AddAttrs(id)
		}
	}
	if f := h.lines.Load(); f != nil {
		(*f)(strings.ToLower(r.Level.String()))
	}
	return h.Handler.Handle(ctx, line)
}

// has reports whether a line has an attribute.
func has(r slog.Record, key string) (found bool) {
	r.Attrs(func(a slog.Attr) bool { found = a.Key == key; return !found })
	return found
}
