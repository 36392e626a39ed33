package testsite

import (
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// Proxy is a TCP proxy in front of PostgreSQL, which fails as networks and servers do. When it is cut, connections break and new ones
// are refused, as in a restart of the server. While it is frozen, connections stay open, new ones are accepted, and no bytes pass,
// as when the server's machine hangs or the network drops packets. Its methods may be called from any goroutine.
type Proxy struct {
	t        testing.TB
	listener net.Listener
	work     sync.WaitGroup

	mu       sync.Mutex
	network  string // of the server
	address  string
	database *url.URL
	cut      bool
	full     bool
	refusals int           // number of connections to refuse until a cut ends; 0: only Mend ends it
	frozen   chan struct{} // closed while bytes may pass
	conns    map[net.Conn]struct{}
}

// StartProxy starts a proxy in front of the server of a database URL. It ends with the test.
func StartProxy(t testing.TB, database string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{t: t, listener: listener, frozen: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	close(p.frozen)
	p.Aim(database)
	p.work.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.Cut()
		p.work.Wait()
	})
	return p
}

// Address returns the host and port at which the proxy listens.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// URL returns the URL of the same database through this proxy.
func (p *Proxy) URL() string { return p.URLThrough(p.Address()) }

// URLThrough returns the URL of the same database with other addresses.
func (p *Proxy) URLThrough(addresses ...string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := *p.database
	q := u.Query()
	q.Del("host")
	q.Del("port")
	q.Set("sslmode", "disable")
	u.Host, u.RawQuery = strings.Join(addresses, ","), q.Encode()
	return u.String()
}

// Aim makes new connections lead to the server of a database URL.
func (p *Proxy) Aim(database string) {
	p.t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		p.t.Error(err)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.database, p.network, p.address = u, "tcp", u.Host
	if host := u.Query().Get("host"); strings.HasPrefix(host, "/") { // a Unix socket
		port := u.Query().Get("port")
		if port == "" {
			port = "5432"
		}
		p.network, p.address = "unix", host+"/.s.PGSQL."+port
	}
}

// Cut breaks all connections, and refuses new ones until Mend is called. A freeze ends.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut, p.refusals = true, 0
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
	p.thaw(p.frozen)
}

// Mend allows connections after a cut.
func (p *Proxy) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = false
}

// Refuse breaks all connections, refuses the next n, and allows later ones.
func (p *Proxy) Refuse(n int) {
	p.Cut()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusals = n
}

// RefuseNew refuses new connections, or allows them again, and leaves the others alone.
func (p *Proxy) RefuseNew(full bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.full = full
}

// Freeze lets no bytes pass until the returned function or Cut is called.
func (p *Proxy) Freeze() (thaw func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.frozen:
		p.frozen = make(chan struct{})
	default: // frozen already
	}
	frozen := p.frozen
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.thaw(frozen)
	}
}

func (p *Proxy) thaw(frozen chan struct{}) {
	select {
	case <-frozen:
	default:
		close(frozen)
	}
}

// refuses reports whether a new connection is refused, and counts it.
func (p *Proxy) refuses() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut && p.refusals > 0 {
		if p.refusals--; p.refusals == 0 {
			p.cut = false
		}
		return true
	}
	return p.cut || p.full
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if p.refuses() {
			_ = client.Close()
			continue
		}
		p.work.Go(func() { p.serve(client) })
	}
}

// serve passes the bytes of one connection.
func (p *Proxy) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	if !p.keep(client) {
		return
	}
	defer p.forget(client)
	p.mu.Lock()
	network, address, frozen := p.network, p.address, p.frozen
	p.mu.Unlock()
	<-frozen
	server, err := net.Dial(network, address)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	if !p.keep(server) {
		return
	}
	defer p.forget(server)
	var both sync.WaitGroup
	pass := func(to, from net.Conn) {
		_, _ = io.Copy(to, freezable{from, p})
		_, _ = to.Close(), from.Close()
	}
	both.Go(func() { pass(server, client) })
	both.Go(func() { pass(client, server) })
	both.Wait()
}

// keep remembers a connection, so that a cut breaks it. It returns false if there is a cut.
func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.cut {
		p.conns[c] = struct{}{}
	}
	return !p.cut
}

func (p *Proxy) forget(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// freezable is a connection that holds back what it reads while the proxy is frozen.
type freezable struct {
	net.Conn
	proxy *Proxy
}

// Read implements io.Reader.
func (f freezable) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	f.proxy.mu.Lock()
	frozen := f.proxy.frozen
	f.proxy.mu.Unlock()
	<-frozen
	return n, err
}
