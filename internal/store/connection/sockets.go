package connection

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// skipSilent is how long an address that did not answer is not tried again, if there are others.
const skipSilent = 3 * time.Second

// sockets opens the sockets of connections and can close all of them at once.
type sockets struct {
	several bool // there are several hosts

	mu     sync.Mutex
	open   map[*socket]struct{}
	silent map[string]time.Time // addresses that did not answer, and when
}

func newSockets() *sockets {
	return &sockets{open: map[*socket]struct{}{}, silent: map[string]time.Time{}}
}

// socket is a connection to a server. It never lets pgx wait for long at the end of a connection.
type socket struct {
	net.Conn
	all      *sockets
	address  string
	opened   time.Time
	limit    *time.Timer // closes the socket unless it becomes a session in time
	answered atomic.Bool // the server has sent something
	closing  sync.Once
}

// dial is pgconn.Config.DialFunc. pgx also calls it to send a cancel request. Such a socket never becomes a session, so it is
// closed after connectTimeout.
func (s *sockets) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if s.isSilent(address) {
		return nil, fmt.Errorf("%s did not answer a moment ago: %w", address, os.ErrDeadlineExceeded)
	}
	// The server's machine is dead if it answers none of the probes. They begin when nothing was received for Idle.
	dialer := net.Dialer{Timeout: connectTimeout, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: silence / 2, Interval: time.Second, Count: int(silence / time.Second / 2)}}
	began := time.Now()
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		if time.Since(began) >= connectTimeout/2 {
			s.remember(address)
		}
		return nil, err
	}
	if err := limitSilence(conn, silence); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("set TCP_USER_TIMEOUT: %w", err)
	}
	out := &socket{Conn: conn, all: s, address: address, opened: began}
	s.mu.Lock() // Close reads the limit under this lock
	defer s.mu.Unlock()
	out.limit = time.AfterFunc(connectTimeout, func() { _ = out.Close() })
	s.open[out] = struct{}{}
	return out, nil
}

// established is pgconn.Config.AfterNetConnect. From here on pgx bounds the connection attempt itself.
func (s *sockets) established(_ context.Context, _ *pgconn.Config, conn net.Conn) (net.Conn, error) {
	inner := conn
	if tls, ok := conn.(interface{ NetConn() net.Conn }); ok {
		inner = tls.NetConn()
	}
	if own, ok := inner.(*socket); ok {
		own.limit.Stop()
	}
	return conn, nil
}

// closeOlder closes all sockets that were opened before a time, and returns their number.
func (s *sockets) closeOlder(than time.Time) int {
	s.mu.Lock()
	var old []*socket
	for c := range s.open {
		if c.opened.Before(than) {
			old = append(old, c)
		}
	}
	s.mu.Unlock()
	for _, c := range old {
		_ = c.Close()
	}
	return len(old)
}

func (s *sockets) isSilent(address string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.several && time.Since(s.silent[address]) < skipSilent
}

func (s *sockets) remember(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.several {
		s.silent[address] = time.Now()
	}
}

// Read implements net.Conn.
func (c *socket) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && !c.answered.Load() {
		c.answered.Store(true)
	}
	return n, err
}

// SetDeadline implements net.Conn. pgx sets a deadline only to end a connection, and a time of fifteen seconds if it wants to
// end it politely. A dead server would hold a place of the pool all that time.
func (c *socket) SetDeadline(t time.Time) error {
	if latest := time.Now().Add(farewell); t.After(latest) {
		t = latest
	}
	return c.Conn.SetDeadline(t)
}

// Close implements net.Conn.
func (c *socket) Close() error {
	c.closing.Do(func() {
		if !c.answered.Load() && time.Since(c.opened) >= connectTimeout/2 {
			c.all.remember(c.address) // the kernel of the server's machine answers, but the server does not
		}
		c.all.mu.Lock()
		c.limit.Stop()
		delete(c.all.open, c)
		c.all.mu.Unlock()
	})
	return c.Conn.Close()
}
