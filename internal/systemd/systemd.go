// Package systemd tells systemd, or another supervisor with the same protocol, when the process is ready, when it stops, and
// that it is alive (sd_notify(3), sd_watchdog_enabled(3)).
//
// Invariant: a supervisor that does not answer cannot delay the process. A datagram is sent without waiting for longer than
// sendTime, and an error is only returned.
package systemd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// sendTime bounds the sending of one datagram.
const sendTime = time.Second

// Supervisor is the process that started this one. The zero Supervisor is none: all its methods do nothing.
type Supervisor struct {
	socket   string        // path of the datagram socket, or @ and the name of an abstract one; empty if there is none
	watchdog time.Duration // after this time without a sign of life the process is killed; 0 means never
}

// From reads the supervisor from the environment of process pid, which has entries NAME=value.
func From(environ []string, pid int) (Supervisor, error) {
	var s Supervisor
	var usec, watched string
	for _, entry := range environ {
		switch name, value, _ := strings.Cut(entry, "="); name {
		case "NOTIFY_SOCKET":
			s.socket = value
		case "WATCHDOG_USEC":
			usec = value
		case "WATCHDOG_PID":
			watched = value
		}
	}
	if s.socket == "" {
		return Supervisor{}, nil
	}
	if s.socket[0] != '/' && s.socket[0] != '@' {
		return Supervisor{}, fmt.Errorf("NOTIFY_SOCKET is %q, neither a path nor an abstract name", s.socket)
	}
	if usec == "" || watched != "" && watched != strconv.Itoa(pid) {
		return s, nil
	}
	n, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || n <= 0 || n > int64(24*time.Hour/time.Microsecond) {
		return s, fmt.Errorf("WATCHDOG_USEC is %q, not a number of microseconds up to a day", usec)
	}
	s.watchdog = time.Duration(n) * time.Microsecond
	return s, nil
}

// Ready says that the process has started. status is a line for people.
func (s Supervisor) Ready(ctx context.Context, status string) error {
	return s.send(ctx, "READY=1", "STATUS="+status)
}

// Stopping says that the process has begun to stop, and that it may take this long.
func (s Supervisor) Stopping(ctx context.Context, within time.Duration) error {
	return s.send(ctx, "STOPPING=1", "EXTEND_TIMEOUT_USEC="+strconv.FormatInt(within.Microseconds(), 10))
}

// Watch sends signs of life until ctx ends, as often as the supervisor's watchdog needs, while alive returns nil. alive gets a
// context that ends before the next sign is due. It returns at once if there is no watchdog. report gets each error of alive.
func (s Supervisor) Watch(ctx context.Context, alive func(context.Context) error, report func(error)) {
	if s.socket == "" || s.watchdog == 0 {
		return
	}
	tick := time.NewTicker(max(s.watchdog/3, time.Millisecond))
	defer tick.Stop()
	for {
		look, cancel := context.WithTimeout(ctx, s.watchdog/3)
		err := alive(look)
		cancel()
		if err == nil {
			err = s.send(ctx, "WATCHDOG=1")
		}
		if err != nil && ctx.Err() == nil {
			report(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// send sends one datagram with a line for each assignment.
func (s Supervisor) send(ctx context.Context, lines ...string) error {
	if s.socket == "" {
		return nil
	}
	dialer := net.Dialer{Timeout: sendTime}
	conn, err := dialer.DialContext(ctx, "unixgram", s.socket)
	if err != nil {
		return fmt.Errorf("tell the supervisor: %w", err)
	}
	err = conn.SetWriteDeadline(time.Now().Add(sendTime))
	if err == nil {
		for i, l := range lines {
			lines[i] = strings.ReplaceAll(l, "\n", " ")
		}
		_, err = conn.Write([]byte(strings.Join(lines, "\n")))
	}
	if err = errors.Join(err, conn.Close()); err != nil {
		return fmt.Errorf("tell the supervisor: %w", err)
	}
	return nil
}
