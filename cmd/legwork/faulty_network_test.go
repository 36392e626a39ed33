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

// faultyNetwork is a TCP proxy in front of PostgreSQL. It can break connections, and then connect clients to the same
// or another server.
type faultyNetwork struct {
	t  *testing.T
	ln net.Listener

	mu       sync.Mutex
	conns    map[net.Conn]bool
	network  string // network and address of the server
	address  string
	cutOff   bool
	stalling chan struct{} // closed at the end of a stall; nil when data is not stalled
	mendAt   int           // number of refused connections after which a cut ends; 0 if only the method mend ends it
}

// newFaultyNetwork returns a proxy, and the connection string that leads through it to the same database.
func newFaultyNetwork(t *testing.T, dsn string) (*faultyNetwork, string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &faultyNetwork{t: t, ln: ln, conns: map[net.Conn]bool{}}
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

// mend allows connections again. They lead to the server that dsn names.
func (d *faultyNetwork) mend(dsn string) {
	u, err := url.Parse(dsn)
	if err != nil {
		d.t.Error(err)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.network, d.address, d.cutOff = "tcp", u.Host, false
	if host := u.Query().Get("host"); strings.HasPrefix(host, "/") { // the embedded server has a Unix socket
		port := u.Query().Get("port")
		if port == "" {
			port = "5432"
		}
		d.network, d.address = "unix", path.Join(host, ".s.PGSQL."+port)
	}
}

// cut breaks every connection and allows no new ones until mend is called.
func (d *faultyNetwork) cut() {
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

// refuse breaks every connection, refuses the next n, and then allows new ones.
func (d *faultyNetwork) refuse(n int) {
	d.cut()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mendAt = n
}

// stall keeps connections open but passes no data, until cut is called.
func (d *faultyNetwork) stall() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stalling = make(chan struct{})
}

// outage stalls all data for some time. Then it breaks every connection, allows new ones to the server of dsn, and closes the
// channel over.
func (d *faultyNetwork) outage(length time.Duration, dsn string) (over <-chan struct{}) {
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

func (d *faultyNetwork) serve() {
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
		if d.cutOff { // cut was called meanwhile
			_, _ = client.Close(), server.Close()
		}
		d.mu.Unlock()
		go d.pipe(server, client)
		go d.pipe(client, server)
	}
}

func (d *faultyNetwork) pipe(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	_, _ = io.Copy(to, stallable{from, d})
}

// stallable is a reader that holds data back during a stall.
type stallable struct {
	net.Conn
	faultyNetwork *faultyNetwork
}

// Read implements io.Reader.
func (s stallable) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	s.faultyNetwork.mu.Lock()
	over := s.faultyNetwork.stalling
	s.faultyNetwork.mu.Unlock()
	if over != nil {
		<-over
	}
	return n, err
}
