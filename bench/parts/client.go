package parts

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// web returns an HTTP client for the load, which keeps one connection per client.
func web(clients int) *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConns: clients, MaxIdleConnsPerHost: clients, DisableCompression: true}}
}

// request sends a request and returns the body of the response.
func request(ctx context.Context, c *http.Client, base, method, path, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, res.Status, b)
	}
	return b, err
}

// call sends a single request and decodes the response into out.
func call(ctx context.Context, base, method, path, body string, out any) error {
	b, err := request(ctx, http.DefaultClient, base, method, path, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, out)
}

// callers are connections that repeat one request, as pgbench repeats a script. They write the request as bytes and
// read the response on the same goroutine, because net/http's client would use as much CPU as the server.
type callers struct {
	addr  string // host:port
	bytes []byte // the request
	what  string
	idle  chan *caller
}

type caller struct {
	conn net.Conn
	in   *bufio.Reader
}

func newCallers(ctx context.Context, n int, base, method, path, body string) (*callers, error) {
	c := &callers{addr: strings.TrimPrefix(base, "http://"), what: method + " " + path, idle: make(chan *caller, n)}
	c.bytes = fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		method, path, c.addr, len(body), body)
	for range n {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.addr)
		if err != nil {
			c.close()
			return nil, err
		}
		c.idle <- &caller{conn: conn, in: bufio.NewReader(conn)}
	}
	return c, nil
}

// call sends the request once, on a free connection.
func (c *callers) call(context.Context) error {
	one := <-c.idle
	defer func() { c.idle <- one }()
	_ = one.conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := one.conn.Write(c.bytes); err != nil {
		return err
	}
	res, err := http.ReadResponse(one.in, nil)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode/100 != 2 {
		said, _ := io.ReadAll(res.Body)
		return fmt.Errorf("%s: %s: %s", c.what, res.Status, said)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

func (c *callers) close() {
	for range len(c.idle) {
		_ = (<-c.idle).conn.Close()
	}
}
