package systemd

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// supervisor listens on a real datagram socket, as systemd does.
type supervisor struct {
	t    *testing.T
	conn *net.UnixConn
}

func listen(t *testing.T, name string) supervisor {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return supervisor{t, conn}
}

func (s supervisor) next() []string {
	s.t.Helper()
	b := make([]byte, 4096)
	if err := s.conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	n, err := s.conn.Read(b)
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.Split(string(b[:n]), "\n")
}

func TestStates(t *testing.T) {
	t.Parallel()
	for _, name := range []string{filepath.Join(t.TempDir(), "notify"), "@legwork-test-" + filepath.Base(t.TempDir()) + time.Now().Format("150405.000000000")} {
		other := listen(t, name)
		s, err := From([]string{"A=b", "NOTIFY_SOCKET=" + name}, 7)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Ready(t.Context(), "serves\nREADY=0"); err != nil {
			t.Fatal(err)
		}
		if got := other.next(); !slices.Equal(got, []string{"READY=1", "STATUS=serves READY=0"}) {
			t.Errorf("%q", got)
		}
		if err := s.Stopping(t.Context(), 23*time.Second); err != nil {
			t.Fatal(err)
		}
		if got := other.next(); !slices.Equal(got, []string{"STOPPING=1", "EXTEND_TIMEOUT_USEC=23000000"}) {
			t.Errorf("%q", got)
		}
	}
}

// TestWatchdog checks that signs of life come while the process is alive, stop while it is not, and come again.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "notify")
	other := listen(t, name)
	s, err := From([]string{"NOTIFY_SOCKET=" + name, "WATCHDOG_USEC=30000", "WATCHDOG_PID=7"}, 7)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	hung := errors.New("hung")
	looks, reports, ended := make(chan error), make(chan error), make(chan struct{})
	go func() {
		defer close(ended)
		s.Watch(ctx, func(context.Context) error {
			select {
			case err := <-looks:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}, func(err error) { reports <- err })
	}()
	looks <- nil
	if got := other.next(); !slices.Equal(got, []string{"WATCHDOG=1"}) {
		t.Errorf("%q", got)
	}
	for range 3 {
		looks <- hung
		if err := <-reports; !errors.Is(err, hung) {
			t.Errorf("reported %v", err)
		}
	}
	looks <- nil
	other.next()
	if err := other.conn.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := other.conn.Read(make([]byte, 9)); err == nil {
		t.Errorf("%d bytes more, although the process was not alive then", n)
	}
	stop()
	<-ended
}

func TestEnvironments(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		environ  []string
		watchdog time.Duration
		wrong    bool
	}{
		{nil, 0, false},
		{[]string{"WATCHDOG_USEC=1000000"}, 0, false}, // no socket
		{[]string{"NOTIFY_SOCKET=/x"}, 0, false},
		{[]string{"NOTIFY_SOCKET=/x", "WATCHDOG_USEC=1000000"}, time.Second, false},
		{[]string{"NOTIFY_SOCKET=/x", "WATCHDOG_USEC=1000000", "WATCHDOG_PID=8"}, 0, false}, // another process is watched
		{[]string{"NOTIFY_SOCKET=/x", "WATCHDOG_USEC=soon"}, 0, true},
		{[]string{"NOTIFY_SOCKET=/x", "WATCHDOG_USEC=-1"}, 0, true},
		{[]string{"NOTIFY_SOCKET=relative"}, 0, true},
	} {
		s, err := From(c.environ, 7)
		if s.watchdog != c.watchdog || (err != nil) != c.wrong {
			t.Errorf("%v: %v, %v", c.environ, s.watchdog, err)
		}
	}
	var none Supervisor
	if err := errors.Join(none.Ready(t.Context(), ""), none.Stopping(t.Context(), 0)); err != nil {
		t.Error(err)
	}
	none.Watch(t.Context(), nil, nil)
	gone, err := From([]string{"NOTIFY_SOCKET=" + filepath.Join(t.TempDir(), "nobody")}, 7)
	if err != nil || gone.Ready(t.Context(), "") == nil {
		t.Errorf("a supervisor that is gone is no error: %v", err)
	}
}
