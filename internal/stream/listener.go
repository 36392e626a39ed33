package stream

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"legwork/internal/retry"
)

const (
	listenIdle        = 30 * time.Second // after this time without a notification the connection is tested
	listenPingTimeout = 5 * time.Second
)

// Channel handles a further channel of NOTIFY that a Listener serves besides the channel of events. Its methods are
// never called at the same time.
type Channel interface {
	// Listening is called when the connection begins to receive notifications. Earlier notifications may have been
	// missed. When Listening returns an error, the listener calls Lost and tries again with another connection.
	Listening(ctx context.Context) error
	// Lost is called when the connection has broken. From then on notifications are missed.
	Lost()
	// Notified is called with the payload of each notification.
	Notified(payload string)
}

// Listener passes the notifications of other processes to the Hub, and notifications of attached channels to their
// Channel. It has one connection of its own, which belongs to no pool.
type Listener struct {
	hub     *Hub
	connect func(context.Context) (*pgx.Conn, error)
	logger  *slog.Logger
	own     string // the beginning of payloads that this process sent itself
	lost    outage
	idle    time.Duration
	others  map[string]Channel // further channels, by name
}

// NewListener returns a listener. It opens its connections by connect, in Run. When logger is nil, it uses slog.Default().
func NewListener(connect func(context.Context) (*pgx.Conn, error), hub *Hub, logger *slog.Logger) *Listener {
	if logger == nil {
		logger = slog.Default()
	}
	return &Listener{hub: hub, connect: connect, logger: logger, own: sender(hub.id), idle: listenIdle,
		lost: outage{what: "listening for events of other processes", logger: logger}}
}

// Attach makes the listener serve another channel of NOTIFY as well. Call it before Run.
func (l *Listener) Attach(name string, c Channel) {
	if l.others == nil {
		l.others = map[string]Channel{}
	}
	l.others[name] = c
}

// Run listens until ctx ends. When the connection is lost, it connects again, after 50 ms at first and 5 s at most.
// After each LISTEN it polls once, because it received no notifications for earlier commits.
func (l *Listener) Run(ctx context.Context) {
	pauses := retry.NewPauses(50*time.Millisecond, 5*time.Second)
	for {
		err := l.listen(ctx, pauses.Reset)
		if ctx.Err() != nil {
			return
		}
		l.lost.report(err)
		if pauses.Wait(ctx) != nil {
			return
		}
	}
}

// listen serves one connection until it breaks. It calls listening when the LISTEN statement has taken effect.
func (l *Listener) listen(ctx context.Context, listening func()) error {
	conn, err := l.connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing)
	}()
	if _, err := conn.Exec(ctx, listenTo(l.others)); err != nil {
		return err
	}
	for _, c := range l.others {
		defer c.Lost()
		if err := c.Listening(ctx); err != nil {
			return err
		}
	}
	listening()
	l.lost.report(nil)
	l.hub.check(ctx) // after the LISTEN, because earlier commits sent no notification to it
	for {
		if err := l.receive(ctx, conn); err != nil {
			return err
		}
	}
}

// listenTo returns the statements that listen to the channel of events and to further channels.
func listenTo(others map[string]Channel) string {
	sql := "LISTEN " + pgx.Identifier{channel}.Sanitize()
	for name := range others {
		sql += "; LISTEN " + pgx.Identifier{name}.Sanitize()
	}
	return sql
}

// receive waits for one notification and passes it on. After 30 seconds without one it tests the connection.
func (l *Listener) receive(ctx context.Context, conn *pgx.Conn) error {
	waiting, cancel := context.WithTimeout(ctx, l.idle)
	n, err := conn.WaitForNotification(waiting)
	cancel()
	switch {
	case err == nil:
		if c, attached := l.others[n.Channel]; attached {
			c.Notified(n.Payload)
		} else {
			l.handle(n.Payload)
		}
		return nil
	case ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded):
		return err
	}
	ping, cancel := context.WithTimeout(ctx, listenPingTimeout)
	defer cancel()
	return conn.Ping(ping)
}

func (l *Listener) handle(text string) {
	if strings.HasPrefix(text, l.own) {
		return
	}
	_, announcements, fragments, err := parsePayload(text)
	if err != nil {
		l.logger.Warn("ignored a notification that is not ours", "error", err)
		return
	}
	l.hub.receive(announcements)
	for _, f := range fragments {
		l.hub.answers.add(f)
	}
}
