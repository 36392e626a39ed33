// Package operator implements the operations of the contract about the server itself, which are for those who run it.
package operator

import (
	"context"
	"io"
	"log/slog"

	"legwork/api"
	"legwork/internal/auth"
	"legwork/internal/wire"
)

// Level is the level of a process's log. *logging.Log implements it.
type Level interface {
	Level() slog.Level
	SetLevel(level slog.Level)
}

// ReadBody reads the whole body of a request.
type ReadBody func(body io.Reader, contentType string) ([]byte, error)

// Handlers implements the operations of this package. New returns one.
type Handlers struct {
	level    Level
	readBody ReadBody
	log      *slog.Logger
}

// New returns handlers. Without a level, the level of the log is shown as info and cannot be changed.
func New(level Level, read ReadBody, log *slog.Logger) *Handlers {
	if level == nil {
		level = fixed{}
	}
	return &Handlers{level: level, readBody: read, log: log}
}

// fixed is the level of a log that has no other.
type fixed struct{}

func (fixed) Level() slog.Level   { return slog.LevelInfo }
func (fixed) SetLevel(slog.Level) {}

func (h *Handlers) present() api.LogLevel {
	return api.LogLevel{Level: api.LogLevelLevel(wire.LogLevelName(h.level.Level()))}
}

// GetLogLevel implements api.StrictServerInterface.
func (h *Handlers) GetLogLevel(context.Context, api.GetLogLevelRequestObject) (api.GetLogLevelResponseObject, error) {
	return api.GetLogLevel200JSONResponse(h.present()), nil
}

// SetLogLevel implements api.StrictServerInterface. The line that says so is logged whatever the level is.
func (h *Handlers) SetLogLevel(ctx context.Context, req api.SetLogLevelRequestObject) (api.SetLogLevelResponseObject, error) {
	body, err := h.readBody(req.Body, req.ContentType)
	if err != nil {
		return nil, err
	}
	level, err := wire.DecodeLogLevel(body)
	if err != nil {
		return nil, err
	}
	h.level.SetLevel(level)
	h.log.WarnContext(ctx, "the level of the log was changed by a request", "to", wire.LogLevelName(level), "by", string(auth.CallerOf(ctx).Kind))
	return api.SetLogLevel200JSONResponse(h.present()), nil
}
