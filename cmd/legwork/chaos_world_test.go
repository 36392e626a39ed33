//go:build failpoints

package main_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

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
		c.proxy = testsite.StartProxy(c.t, c.direct)
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
	c.proxy = testsite.StartProxy(c.t, c.direct)
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
		c.proxy.Aim(c.direct)
		c.back()
	}
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
