package stream

import (
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"legwork/internal/dbtest"
)

// wire is a TCP proxy in front of PostgreSQL. When it is cut, connections break and new ones are refused, as in
// a restart of the server. When it is frozen, connections stay open and no bytes pass, as in a network failure.
type wire struct {
	target   string
	listener net.Listener
	work     sync.WaitGroup

	mu     sync.Mutex
	cut    bool
	frozen chan struct{} // closed while bytes may pass
	conns  map[net.Conn]struct{}
}

// newWire returns a proxy in front of the server of a database URL.
func newWire(t *testing.T, database string) *wire {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{target: u.Host, listener: l, frozen: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	if host := u.Query().Get("host"); strings.HasPrefix(host, "/") {
		w.target = host + "/.s.PGSQL." + u.Query().Get("port")
	}
	close(w.frozen)
	w.work.Go(w.accept)
	t.Cleanup(func() {
		_ = l.Close()
		w.set(true)
		w.work.Wait()
	})
	return w
}

// url returns the database URL with the address of the proxy.
func (w *wire) url(database string) string {
	u, err := url.Parse(database)
	if err != nil {
		panic(err)
	}
	q := u.Query()
	q.Del("host")
	q.Del("port")
	q.Set("sslmode", "disable")
	u.Host, u.RawQuery = w.listener.Addr().String(), q.Encode()
	return u.String()
}

func (w *wire) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		network := "tcp"
		if strings.HasPrefix(w.target, "/") {
			network = "unix"
		}
		server, err := net.Dial(network, w.target)
		w.mu.Lock()
		if err != nil || w.cut {
			_ = client.Close()
			if err == nil {
				_ = server.Close()
			}
			w.mu.Unlock()
			continue
		}
		w.conns[client], w.conns[server] = struct{}{}, struct{}{}
		w.mu.Unlock()
		w.work.Go(func() { w.pump(client, server) })
		w.work.Go(func() { w.pump(server, client) })
	}
}

func (w *wire) pump(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		w.mu.Lock()
		frozen := w.frozen
		w.mu.Unlock()
		<-frozen
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// set cuts the wire or restores it.
func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut = cut; cut {
		for c := range w.conns {
			_ = c.Close()
		}
		clear(w.conns)
	}
}

// freeze stops all bytes until the returned function is called.
func (w *wire) freeze() (thaw func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := make(chan struct{})
	w.frozen = c
	return sync.OnceFunc(func() { close(c) })
}

func TestStreamsSurviveALostServer(t *testing.T) {
	t.Parallel()
	database := dbtest.URL(t)
	w := newWire(t, database)
	a := start(t, database, setting{cfg: noPoll})
	b := start(t, database, setting{cfg: Config{Poll: 20 * time.Millisecond}, url: w.url})
	id := a.create(t)
	r := b.follow(t, id, 0)
	for n := range 3 {
		eventually(t, "the events so far", func() bool { return r.count() == 1+2*n })
		w.set(true)
		late := b.follow(t, id, 1) // a reader that begins while nothing can be read
		a.pub.Publish(a.append(t, id, 2))
		eventually(t, "an outage noticed", b.hub.reading.down.Load)
		w.set(false)
		eventually(t, "the end of the outage", func() bool { return late.count() == 2*(n+1) })
	}
	a.pub.Publish(a.end(t, id))
	r.ended(t, a.stored(t, id), io.EOF)
}

func TestStreamsSurviveASilentNetwork(t *testing.T) {
	t.Parallel()
	database := dbtest.URL(t)
	w := newWire(t, database)
	a := start(t, database, setting{cfg: noPoll})
	b := start(t, database, setting{url: w.url, idle: 50 * time.Millisecond,
		cfg: Config{Poll: 20 * time.Millisecond, ReadTimeout: 200 * time.Millisecond}})
	id := a.create(t)
	r := b.follow(t, id, 0)
	eventually(t, "the first event", func() bool { return r.count() == 1 })
	thaw := w.freeze()
	defer thaw()
	a.pub.Publish(a.append(t, id, 5))
	eventually(t, "an outage noticed", b.hub.reading.down.Load)
	if r.count() > 1 {
		t.Error("events passed a frozen network")
	}
	thaw()
	eventually(t, "the events of the outage", func() bool { return r.count() == 6 })
	a.pub.Publish(a.end(t, id))
	r.ended(t, a.stored(t, id), io.EOF)
}
