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

// These errors end a subscription before its log ends. Test with errors.Is.
var (
	// ErrStopping means that this process stops. The client should connect again and continue at its cursor.
	ErrStopping = errors.New("the server is stopping")
	// ErrClosed means that the subscription was closed.
	ErrClosed = errors.New("the subscription is closed")
)

// Log is the table of events. store.Worker implements it.
type Log interface {
	// CheckOwner returns research.ErrNotFound when the task does not belong to the account.
	CheckOwner(ctx context.Context, account string, taskID uuid.UUID) error
	// Events returns up to limit events with seq > after, in order.
	Events(ctx context.Context, taskID uuid.UUID, after int64, limit int) ([]research.Event, error)
	// LogStates returns the last seq of each log, and whether the log has ended. A task that does not exist is missing in
	// the map.
	LogStates(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]store.LogState, error)
	// KeptFinalEvent returns the terminal event of a deleted task, if the deletion stored it.
	KeptFinalEvent(ctx context.Context, taskID uuid.UUID) (last research.Event, found bool, err error)
	// Notify sends payloads on channel, in one transaction that does nothing else.
	Notify(ctx context.Context, channel string, payloads ...string) error
}

// Config tunes a Hub. A field with its zero value has the default that its comment states.
type Config struct {
	// Poll is how often the hub compares the watched tasks with the table. The default is 1 s. A negative value means
	// never, for tests.
	Poll time.Duration
	// WindowEvents and WindowBytes are the greatest number and size of the recent events that are kept for each watched
	// task. The defaults are 256 events and 256 KiB. The size is an estimate of the memory for the events' bodies and
	// existing encodings. The last event is always kept.
	WindowEvents, WindowBytes int
	// ReadRows and ReadBytes bound one read of the table and the result of one Next. The defaults are 128 events and 64
	// KiB without encodings. A single event larger than that is returned alone.
	ReadRows, ReadBytes int
	// Readers is the greatest number of reads of the table that run at once at the end of logs. As many further reads may
	// run for subscriptions that are behind, so these cannot delay the others. The default is 4.
	Readers int
	// ReadTimeout is the time limit of one query. The default is 10 s. A query that took longer is repeated.
	ReadTimeout time.Duration
	// GoneGrace is how long a subscription waits for the terminal event after the task's rows were deleted, because the
	// event may still arrive by NOTIFY. The default is 500 ms.
	GoneGrace time.Duration
	// Logger logs outages. The default is slog.Default().
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
