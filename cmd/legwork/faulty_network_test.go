package main

import (
	"io"
	"net"
	"net/url"
	"path"
	"strings"
	"sync"
	"testing"
	"time"
)

// detour is a TCP proxy before PostgreSQL: a network that can be cut and mended, and lead elsewhere afterwards.
type detour struct {
	t  *testing.T
	ln net.Listener

	mu       sync.Mutex
	conns    map[net.Conn]bool
	network  string // of the server, and its address
	address  string
	cutOff   bool
	stalling chan struct{} // nil: data flows; closed when a stall is over
	mendAt   int           // so many connections sent away mend a cut; 0: only mend does
}

// newDetour gives a connection string of the same database that leads through a proxy.
func newDetour(t *testing.T, dsn string) (*detour, string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &detour{t: t, ln: ln, conns: map[net.Conn]bool{}}
	d.mend(dsn)
	go d.serve()
	t.Cleanup(func() { _ = ln.Close(); d.cut() })
	u, _ := url.Parse(dsn)
	q := u.Query()
	q.Del("host")
	q.Del("port")
	u.Host, u.RawQuery = ln.Addr().String(), q.Encode()
	return d, u.String()
}

// mend lets connections through again, to the server that dsn names.
func (d *detour) mend(dsn string) {
	u, err := url.Parse(dsn)
	if err != nil {
		d.t.Error(err)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.network, d.address, d.cutOff = "tcp", u.Host, false
	if host := u.Query().Get("host"); strings.HasPrefix(host, "/") { // a Unix socket, as the embedded server has
		port := u.Query().Get("port")
		if port == "" {
			port = "5432"
		}
		d.network, d.address = "unix", path.Join(host, ".s.PGSQL."+port)
	}
}

// cut breaks every connection and lets none through until mend.
func (d *detour) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cutOff = true
	for c := range d.conns {
		_ = c.Close()
	}
	clear(d.conns)
	if d.stalling != nil {
		close(d.stalling)
		d.stalling = nil
	}
}

// refuse breaks every connection and sends the next n away.
func (d *detour) refuse(n int) {
	d.cut()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mendAt = n
}

// stall keeps connections open while nothing passes, until cut.
func (d *detour) stall() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stalling = make(chan struct{})
}

// outage stalls everything for a time, then breaks every connection and leads to the server that dsn names again. It
// closes over at that moment.
func (d *detour) outage(length time.Duration, dsn string) (over <-chan struct{}) {
	ended := make(chan struct{})
	d.stall()
	timer := time.AfterFunc(length, func() {
		defer close(ended)
		d.cut()
		d.mend(dsn)
	})
	d.t.Cleanup(func() { timer.Stop() })
	return ended
}

func (d *detour) serve() {
	for {
		client, err := d.ln.Accept()
		if err != nil {
			return
		}
		d.mu.Lock()
		network, address, off := d.network, d.address, d.cutOff
		if d.mendAt--; off && d.mendAt == 0 {
			d.cutOff = false
		}
		d.mu.Unlock()
		server, err := net.Dial(network, address)
		if err != nil || off {
			_ = client.Close()
			if err == nil {
				_ = server.Close()
			}
			continue
		}
		d.mu.Lock()
		d.conns[client], d.conns[server] = true, true
		if d.cutOff { // meanwhile
			_, _ = client.Close(), server.Close()
		}
		d.mu.Unlock()
		go d.pipe(server, client)
		go d.pipe(client, server)
	}
}

func (d *detour) pipe(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	_, _ = io.Copy(to, stallable{from, d})
}

// stallable holds what it reads while the detour stalls.
type stallable struct {
	net.Conn
	detour *detour
}

// Read implements io.Reader.
func (s stallable) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	s.detour.mu.Lock()
	over := s.detour.stalling
	s.detour.mu.Unlock()
	if over != nil {
		<-over
	}
	return n, err
}
