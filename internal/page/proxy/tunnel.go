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

// tunnel serves CONNECT: it copies bytes in both directions until both sides have ended or a limit is reached.
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
	// The context of the request is not used, since it would end when the browser has sent everything, before the answer is complete.
	life, end := context.WithTimeout(s.ctx, s.cfg.MaxAge)
	defer end()
	defer goroutine.AfterFunc(life, func() { _, _ = web.Close(), browser.Close() })()
	if _, err := io.WriteString(browser, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	var both goroutine.Group
	both.Go(life, func() { copyDirection(web, buffered, browser, web) })
	both.Go(life, func() { copyDirection(browser, web, browser, web) })
	both.Wait()
}

// copyDirection copies bytes from one side to the other. When the first side has ended, it closes the second side for writing. After an
// error it closes both sides.
func copyDirection(to net.Conn, from io.Reader, ends ...net.Conn) {
	_, err := io.Copy(struct{ io.Writer }{to}, struct{ io.Reader }{from}) // the structs hide splice(2), which would bypass the counting of bytes
	if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil && half.CloseWrite() == nil {
		return
	}
	for _, c := range ends {
		_ = c.Close()
	}
}

// errBytes is the error of a connection that has carried Config.MaxBytes.
var errBytes = errors.New("the connection has carried more bytes than are allowed")

// bounded is a connection to the web that ends when it is idle for too long, is too old, or has carried too many bytes.
type bounded struct {
	net.Conn
	idle time.Duration
	end  time.Time
	left atomic.Int64 // bytes that this connection may still carry, in both directions together
}

func newBounded(conn net.Conn, cfg Config) *bounded {
	b := &bounded{Conn: conn, idle: cfg.Idle, end: time.Now().Add(cfg.MaxAge)}
	b.left.Store(cfg.MaxBytes)
	b.extend()
	return b
}

// extend moves the deadline after each read or write. Both directions share one deadline, so a long upload keeps the connection open even
// if nothing is received.
func (b *bounded) extend() {
	at := time.Now().Add(b.idle)
	if at.After(b.end) {
		at = b.end
	}
	_ = b.SetDeadline(at)
}

func (b *bounded) count(n int, err error) (int, error) {
	if n > 0 {
		b.extend()
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

// CloseWrite tells the other side that no more bytes will be sent.
func (b *bounded) CloseWrite() error {
	if half, ok := b.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
