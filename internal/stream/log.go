package stream

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"legwork/internal/research"
	"legwork/internal/store"
)

// Errors that end a subscription before its log ends. Test with errors.Is.
var (
	// ErrStopping: this process stops; the client should connect again and continue at its cursor.
	ErrStopping = errors.New("the server is stopping")
	// ErrClosed: the subscription was closed.
	ErrClosed = errors.New("the subscription is closed")
)

// Log is the table of events. store.Worker implements it.
type Log interface {
	// CheckOwner returns research.ErrNotFound when the task does not belong to the account.
	CheckOwner(ctx context.Context, account string, taskID uuid.UUID) error
	// Events returns up to limit events with seq > after, in order.
	Events(ctx context.Context, taskID uuid.UUID, after int64, limit int) ([]research.Event, error)
	// LogStates returns the last seq of each log, and whether the log has ended. A missing key: the task is gone.
	LogStates(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]store.LogState, error)
	// KeptFinalEvent returns the terminal event of a deleted task, if the deletion stored it.
	KeptFinalEvent(ctx context.Context, taskID uuid.UUID) (last research.Event, found bool, err error)
	// Notify sends payloads on channel, in one transaction that does nothing else.
	Notify(ctx context.Context, channel string, payloads ...string) error
}

// Config tunes a Hub. Zero values mean the default named at each field.
type Config struct {
	// Poll is how often the hub compares the watched tasks with the table: 1 s. Negative: never (tests).
	Poll time.Duration
	// WindowEvents and WindowBytes bound the recent events that are kept for each watched task: 256 events, 256
	// KiB. Bytes are about the memory that the events use: their bodies, and their encodings once these exist.
	// The last event is always kept.
	WindowEvents, WindowBytes int
	// ReadRows and ReadBytes bound one read of the table and what one Next returns: 128 events, 64 KiB without encodings.
	// One event larger than that is returned alone.
	ReadRows, ReadBytes int
	// Readers bounds how many reads of the table run at once: 4 at the end of logs, and another 4 for
	// subscriptions that are behind. So those cannot delay the others.
	Readers int
	// ReadTimeout bounds one query: 10 s. A query that took longer is repeated.
	ReadTimeout time.Duration
	// GoneGrace is how long a subscription waits for the terminal event after the task's rows were deleted: 500
	// ms. The event may still arrive by NOTIFY.
	GoneGrace time.Duration
	// Logger gets outages: slog.Default().
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	orDuration := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	orInt := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	orDuration(&c.Poll, time.Second)
	orDuration(&c.ReadTimeout, 10*time.Second)
	orDuration(&c.GoneGrace, 500*time.Millisecond)
	orInt(&c.WindowEvents, 256)
	orInt(&c.WindowBytes, 256<<10)
	orInt(&c.ReadRows, 128)
	orInt(&c.ReadBytes, 64<<10)
	orInt(&c.Readers, 4)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}
