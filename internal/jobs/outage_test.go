//go:build failpoints

package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"legwork/internal/agent"
	"legwork/internal/dbtest"
	"legwork/internal/page"
	"legwork/internal/research"
)

// proxy forwards connections of a process to PostgreSQL. It can drop the answer to a COMMIT and close every connection.
type proxy struct {
	ln     net.Listener
	target func() (net.Conn, error)
	lose   atomic.Int64 // number of answers to COMMIT to drop from now on
	lost   atomic.Int64 // number of answers that were dropped
	down   atomic.Bool
	deny   atomic.Int64 // number of new connections to refuse from now on
	mu     sync.Mutex
	conns  map[net.Conn]bool
}

// withProxy returns two processes on one database: seen connects directly, p through a proxy.
func withProxy(t *testing.T) (seen, p *process, px *proxy) {
	t.Helper()
	dsn := dbtest.URL(t)
	seen = start(t, dsn, t.TempDir())
	px, detour := startProxy(t, dsn)
	return seen, start(t, detour, t.TempDir()), px
}

// startProxy starts a proxy, and returns the connection string that leads through it to the database of dsn.
func startProxy(t *testing.T, dsn string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	network, address := "tcp", u.Host
	q := u.Query()
	if host := q.Get("host"); strings.HasPrefix(host, "/") { // the embedded server uses a Unix socket
		port := q.Get("port")
		if port == "" {
			port = "5432"
		}
		network, address = "unix", path.Join(host, ".s.PGSQL."+port)
		q.Del("host")
		q.Del("port")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{ln: ln, conns: map[net.Conn]bool{}, target: func() (net.Conn, error) { return net.Dial(network, address) }}
	q.Set("sslmode", "disable")
	u.Host, u.RawQuery = ln.Addr().String(), q.Encode()
	go p.serve()
	t.Cleanup(func() { _ = ln.Close(); p.cut() })
	return p, u.String()
}

func (p *proxy) serve() {
	for {
		client, err := p.ln.Accept()
		if err != nil {
			return
		}
		if p.down.Load() || p.deny.Add(-1) >= 0 {
			_ = client.Close()
			continue
		}
		server, err := p.target()
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		var swallow atomic.Bool
		go p.pipe(server, client, func(b []byte) bool {
			// b is a COMMIT, or the statement with an event of script, which is a transaction of its own. The server gets
			// it, and the proxy drops the answer.
			commits := bytes.Contains(b, []byte("commit\x00")) || bytes.Contains(b, []byte(`"tool":"find_in_page"`))
			if commits && p.lose.Add(-1) >= 0 {
				swallow.Store(true)
			}
			return true
		})
		go p.pipe(client, server, func([]byte) bool {
			if swallow.Load() {
				p.lost.Add(1)
				return false
			}
			return true
		})
	}
}

// pipe copies from one connection to the other until look returns false or one side is closed. Then it closes both
// connections.
func (p *proxy) pipe(to, from net.Conn, look func([]byte) bool) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && (!look(buf[:n])) {
			return
		}
		if _, werr := to.Write(buf[:n]); werr != nil || err != nil {
			return
		}
	}
}

// cut closes every connection.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
}

// TestLostCommit drops the answers to several COMMITs. Nothing may be written twice, no effect may be repeated, and the
// log must have no gap. To achieve this, the run reads the log to find out whether a transaction was committed.
func TestLostCommit(t *testing.T) {
	t.Parallel()
	seen, p, px := withProxy(t)
	s := &script{steps: 6}
	s.effect = func(context.Context, int) error { px.lose.Store(1); return nil } // drops the answer to the step's COMMIT
	p.work(s.run, oneSlot)
	task := seen.submit("q")
	got := seen.await(task.ID)
	if got.Status != research.Completed || got.Try != 1 {
		t.Fatalf("ended %s at try %d: %v", got.Status, got.Try, got.Error)
	}
	if px.lost.Load() < 3 {
		t.Fatalf("only %d answers were dropped; the test needs at least 3", px.lost.Load())
	}
	for turn := 1; turn <= 6; turn++ {
		if n := s.count(turn); n != 1 {
			t.Errorf("step %d was made %d times", turn, n)
		}
	}
	if n := len(seen.frames(task.ID)); n != 2+2*6+1 {
		t.Errorf("%d events, want %d", n, 2+2*6+1)
	}
}

// TestOutage makes the database unavailable during a run. The run must wait and continue when the database is back.
func TestOutage(t *testing.T) {
	t.Parallel()
	seen, p, px := withProxy(t)
	away, back := make(chan struct{}), make(chan struct{})
	s := &script{steps: 3, effect: func(_ context.Context, turn int) error {
		if turn == 2 {
			px.down.Store(true)
			px.cut()
			close(away)
		}
		return nil
	}}
	p.work(s.run, oneSlot)
	task := seen.submit("q")
	wait(t, "the outage", away)
	go func() {
		defer close(back)
		conn, err := net.Dial("tcp", px.ln.Addr().String()) // the proxy closes it, which proves that the database is unavailable
		if err == nil {
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
		px.down.Store(false)
	}()
	wait(t, "the end of the outage", back)
	got := seen.await(task.ID)
	if got.Status != research.Completed || got.Try != 1 || s.count(2) != 1 {
		t.Errorf("ended %s at try %d, step 2 made %d times", got.Status, got.Try, s.count(2))
	}
	if n := len(seen.frames(task.ID)); n != 2+2*3+1 {
		t.Errorf("%d events, want %d", n, 2+2*3+1)
	}
}

// TestReadsWaitForTheDatabase makes the database unavailable before each read of a run, more often than a task has tries. Each
// read must wait and succeed, and no try may be used up.
func TestReadsWaitForTheDatabase(t *testing.T) {
	t.Parallel()
	seen, p, px := withProxy(t)
	// duringOutage closes all connections, makes the proxy refuse the next ten, and calls read.
	duringOutage := func(name string, read func() error) error {
		px.deny.Store(10)
		px.cut()
		if err := read(); err != nil && !errors.Is(err, research.ErrNotFound) {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
	agentFunc := func(ctx context.Context, env agent.Env) (research.Result, error) {
		const nowhere = "https://library.invalid/"
		err := errors.Join(
			duringOutage("rank", func() error { _, err := env.Rank(ctx, "q", 3); return err }),
			duringOutage("page", func() error { _, err := env.Page(ctx, uuid.NewString()); return err }),
			duringOutage("recall", func() error { _, _, err := env.Recall(ctx, page.Address{URL: nowhere}, true); return err }),
		)
		if err != nil {
			return research.Result{}, err
		}
		return research.Result{Answer: "done", Confidence: 0.5, Metadata: map[string]any{"partial": false}}, nil
	}
	p.work(agentFunc, oneSlot)
	got := seen.await(seen.submit("q").ID)
	if got.Status != research.Completed || got.Try != 1 {
		t.Errorf("ended %s at try %d: %v", got.Status, got.Try, got.Error)
	}
}
