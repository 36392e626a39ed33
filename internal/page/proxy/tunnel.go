package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"legwork/internal/goroutine"
)

// tunnel serves CONNECT: bytes in both directions until both have ended or a bound is reached.
func (s *Server) tunnel(ctx context.Context, w http.ResponseWriter, r *http.Request, u *url.URL) {
	web, err := s.dial(ctx, "tcp", address(u))
	if err != nil {
		s.fail(w, r, u.Host, err)
		return
	}
	defer func() { _ = web.Close() }()
	browser, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.fail(w, r, u.Host, err)
		return
	}
	defer func() { _ = browser.Close() }()
	// Not the request's context, which ends already when the browser has said everything.
	life, end := context.WithTimeout(s.ctx, s.cfg.MaxAge)
	defer end()
	defer goroutine.AfterFunc(life, func() { _, _ = web.Close(), browser.Close() })()
	if _, err := io.WriteString(browser, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	var both goroutine.Group
	both.Go(life, func() { carry(web, buffered, browser, web) })
	both.Go(life, func() { carry(browser, web, browser, web) })
	both.Wait()
}

// carry copies from one side to the other and then tells the other that this was all. An error ends both sides at once.
func carry(to net.Conn, from io.Reader, ends ...net.Conn) {
	_, err := io.Copy(struct{ io.Writer }{to}, struct{ io.Reader }{from}) // no splice: bytes are counted
	if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil && half.CloseWrite() == nil {
		return
	}
	for _, c := range ends {
		_ = c.Close()
	}
}

// errBytes: a connection carried all that it may.
var errBytes = errors.New("the connection carried more than it may")

// bounded is a connection to the web that ends when it was silent too long, is too old or has carried too much.
type bounded struct {
	net.Conn
	idle time.Duration
	end  time.Time
	left atomic.Int64 // bytes
}

func newBounded(conn net.Conn, cfg Config) *bounded {
	b := &bounded{Conn: conn, idle: cfg.Idle, end: time.Now().Add(cfg.MaxAge)}
	b.left.Store(cfg.MaxBytes)
	b.awake()
	return b
}

// awake puts off the end, which holds for both directions: an upload keeps a connection open on which nothing comes back.
func (b *bounded) awake() {
	at := time.Now().Add(b.idle)
	if at.After(b.end) {
		at = b.end
	}
	_ = b.SetDeadline(at)
}

func (b *bounded) count(n int, err error) (int, error) {
	if n > 0 {
		b.awake()
	}
	if b.left.Add(-int64(n)) < 0 && err == nil {
		err = errBytes
	}
	return n, err
}

// Read implements net.Conn.
func (b *bounded) Read(p []byte) (int, error) { return b.count(b.Conn.Read(p)) }

// Write implements net.Conn.
func (b *bounded) Write(p []byte) (int, error) { return b.count(b.Conn.Write(p)) }

// CloseWrite tells the server that no more will be sent.
func (b *bounded) CloseWrite() error {
	if half, ok := b.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
