//go:build failpoints

package main_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
	"legwork/internal/pgembed"
	"legwork/internal/store/schema"
	"legwork/internal/testsite"
)

// buildWithFailpoints builds the program under test.
func buildWithFailpoints(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "legwork")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-tags", "failpoints", "-o", path, "legwork/cmd/legwork").CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	return path
}

func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().(*net.TCPAddr).Port
}

// slot runs one process at a time, and starts a new one whenever it ends.
type slot struct {
	t      *testing.T
	binary string
	args   []string
	env    []string

	mu     sync.Mutex
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the present process has ended
	frozen bool
	over   bool   // the process is not started again
	next   string // failpoints with which the next process starts
	log    tail
}

// begin starts a process. It is called at first, and again whenever the process has ended.
func (s *slot) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	cmd := exec.Command(s.binary, s.args...)
	cmd.Env = s.env
	if s.next != "" {
		cmd.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], "LEGWORK_FAILPOINTS="+s.next)
		s.next = ""
	}
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	cmd.Dir = os.TempDir()
	if err := cmd.Start(); err != nil {
		s.t.Errorf("start %v: %v", s.args, err)
		return
	}
	s.cmd, s.ended, s.frozen = cmd, make(chan struct{}), false
	go func(ended chan struct{}) {
		_ = cmd.Wait()
		close(ended)
		<-time.After(100 * time.Millisecond)
		s.begin()
	}(s.ended)
}

func (s *slot) signal(sig os.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.frozen && s.cmd != nil {
		_ = s.cmd.Process.Signal(sig)
	}
}

// freeze stops the process and returns a function that lets it continue.
func (s *slot) freeze() (wake func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cmd := s.cmd
	if s.frozen {
		return func() {}
	}
	s.frozen = true
	_ = cmd.Process.Signal(syscall.SIGSTOP)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.cmd == cmd && s.frozen {
			_ = cmd.Process.Signal(syscall.SIGCONT)
			s.frozen = false
		}
	}
}

// dieAt replaces the process by one that ends itself at a failpoint.
func (s *slot) dieAt(point string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.frozen && s.cmd != nil {
		s.next = point
		_ = s.cmd.Process.Kill()
	}
}

// endFaults lets the process continue. A process that has a failpoint armed may still end there; it is then started without
// failpoints.
func (s *slot) endFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frozen {
		_ = s.cmd.Process.Signal(syscall.SIGCONT)
		s.frozen = false
	}
}

// end stops the process for good, by SIGTERM if possible.
func (s *slot) end(t *testing.T) {
	s.mu.Lock()
	s.over = true
	cmd, ended := s.cmd, s.ended
	s.mu.Unlock()
	_ = cmd.Process.Signal(syscall.SIGCONT)
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Errorf("%v did not end within 30 s of SIGTERM", s.args)
		_ = cmd.Process.Kill()
		<-ended
	}
}

func (c *chaos) stopAll() {
	var all sync.WaitGroup
	for _, s := range c.slots {
		all.Go(func() { s.end(c.t) })
	}
	all.Wait()
	if c.t.Failed() {
		for i, s := range c.slots {
			c.t.Logf("process %d %v:\n%s", i, s.args, s.log.String())
		}
	}
}

// tail keeps the last bytes that are written to it, and all lines that say why runs failed.
type tail struct {
	mu     sync.Mutex
	b      bytes.Buffer
	failed bytes.Buffer
}

// Write implements io.Writer.
func (l *tail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.b.Len() > 64<<10 {
		l.b.Next(32 << 10)
	}
	if bytes.Contains(p, []byte("the run failed")) {
		_, _ = l.failed.Write(p)
	}
	return l.b.Write(p)
}

// failures returns the lines that say why runs of a task failed.
func (c *chaos) failures(task string) (lines []string) {
	for _, s := range c.slots {
		s.log.mu.Lock()
		for line := range strings.Lines(s.log.failed.String()) {
			if strings.Contains(line, task) {
				lines = append(lines, line)
			}
		}
		s.log.mu.Unlock()
	}
	return lines
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// openDatabase creates the database and a proxy in front of it. With ownServer, it starts a PostgreSQL for this test, which the
// test may kill.
func (c *chaos) openDatabase() {
	c.t.Helper()
	if !c.form.ownServer {
		c.direct = dbtest.URL(c.t)
		c.proxy = startProxy(c.t, c.direct)
		return
	}
	cfg := pgembed.Config{Home: filepath.Join(c.t.TempDir(), "pg")}
	server, err := pgembed.Start(c.t.Context(), cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = server.Stop(context.Background()) })
	c.direct = server.URL()
	if err := schema.Migrate(c.t.Context(), c.direct, slog.New(slog.DiscardHandler)); err != nil {
		c.t.Fatal(err)
	}
	c.proxy = startProxy(c.t, c.direct)
	c.kill = func() {
		pid, err := os.ReadFile(filepath.Join(cfg.Home, "postgres", "postmaster.pid"))
		if err != nil {
			matches, _ := filepath.Glob(filepath.Join(cfg.Home, "*", "postmaster.pid"))
			if len(matches) == 1 {
				pid, err = os.ReadFile(matches[0])
			}
		}
		first, _, _ := strings.Cut(string(pid), "\n")
		n, perr := strconv.Atoi(first)
		if err != nil || perr != nil {
			c.t.Errorf("no postmaster: %v, %v", err, perr)
			return
		}
		_ = syscall.Kill(n, syscall.SIGQUIT)
		<-server.Done()
		_ = server.Stop(context.Background())
		if server, err = pgembed.Start(context.Background(), cfg); err != nil {
			c.t.Errorf("restart PostgreSQL: %v", err)
			return
		}
		c.direct = server.URL()
		c.proxy.aim(c.direct)
		c.back()
	}
}

// proxy is a TCP proxy between the processes and the database.
type proxy struct {
	ln net.Listener

	mu     sync.Mutex
	target *pgx.ConnConfig
	away   bool
	full   bool
	frozen chan struct{} // closed while bytes may pass
	conns  map[net.Conn]struct{}
}

func startProxy(t *testing.T, dsn string) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{ln: ln, frozen: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	close(p.frozen)
	p.aim(dsn)
	t.Cleanup(func() { _ = ln.Close(); p.cut(true) })
	go func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			go p.pipe(in)
		}
	}()
	return p
}

func (p *proxy) aim(dsn string) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		panic(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = cfg
}

// url returns dsn with the proxy's address.
func (p *proxy) url(dsn string) string {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		panic(err)
	}
	u := url.URL{Scheme: "postgres", Host: p.ln.Addr().String(), Path: "/" + cfg.Database, User: url.UserPassword(cfg.User, cfg.Password), RawQuery: "sslmode=disable"}
	return u.String()
}

func (p *proxy) pipe(in net.Conn) {
	defer func() { _ = in.Close() }()
	p.mu.Lock()
	refused, cfg, frozen := p.away || p.full, p.target, p.frozen
	p.mu.Unlock()
	if refused {
		return
	}
	<-frozen
	network, addr := pgconnAddress(cfg)
	out, err := net.Dial(network, addr)
	if err != nil {
		return
	}
	defer func() { _ = out.Close() }()
	p.mu.Lock()
	p.conns[in], p.conns[out] = struct{}{}, struct{}{}
	p.mu.Unlock()
	done := make(chan struct{}, 2)
	copyOver := func(to, from net.Conn) { _, _ = io.Copy(to, freezable{from, p}); done <- struct{}{} }
	go copyOver(in, out)
	go copyOver(out, in)
	<-done
	p.mu.Lock()
	delete(p.conns, in)
	delete(p.conns, out)
	p.mu.Unlock()
}

func pgconnAddress(cfg *pgx.ConnConfig) (network, addr string) {
	if strings.HasPrefix(cfg.Host, "/") {
		return "unix", fmt.Sprintf("%s/.s.PGSQL.%d", cfg.Host, cfg.Port)
	}
	return "tcp", net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))
}

// cut closes every connection and refuses new ones.
func (p *proxy) cut(away bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.away = away; away {
		for c := range p.conns {
			_ = c.Close()
		}
	}
}

// freeze lets no byte pass, in old connections and new ones, until the returned function is called.
func (p *proxy) freeze() (thaw func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	frozen := make(chan struct{})
	p.frozen = frozen
	return func() { close(frozen) }
}

// freezable is a reader that holds bytes back while the proxy is frozen.
type freezable struct {
	net.Conn
	proxy *proxy
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

func (p *proxy) refuseNew(full bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.full = full
}

// slowSite returns a site with separate pages for each client. Each page takes some time to load.
type slowSite struct {
	*testsite.Site
}

const sitePages = 4

func startSlowSite(t *testing.T, delay time.Duration) *slowSite {
	s := &slowSite{testsite.Start(t)}
	s.Handle("/chaos/*", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!DOCTYPE html><html lang="en"><title>Kettle %[1]s</title><h1>Kettle %[1]s</h1>
<p>The keep warm time of the kettle on the page %[1]s is 25 minutes, as long as the lid of the kettle stays closed.</p><ul>`, r.URL.Path)
		dir := filepath.Dir(r.URL.Path)
		for i := range sitePages {
			fmt.Fprintf(w, `<li><a href="%s/%d.html">Keep warm time of kettle %d</a></li>`, dir, i, i)
		}
		fmt.Fprint(w, `</ul></html>`)
	})
	return s
}
