package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
	"legwork/internal/testsite"
)

// spaces makes network namespaces. Each is a machine on which programs run.
type spaces struct {
	t        *testing.T
	name     string // the namespaces, and the devices that lead to them, have names that begin with it
	net      string // the first three numbers of all addresses
	bin      string // folder of PostgreSQL's programs
	uid, gid int    // of the user postgres; PostgreSQL refuses to run as root
}

// newSpaces reserves a name and addresses. Without root the test is skipped.
func newSpaces(t *testing.T) *spaces {
	t.Helper()
	s := &spaces{t: t}
	for s.name == "" { // an empty namespace reserves them
		number := rand.N(256)
		name := fmt.Sprintf("lw%d", number)
		out, err := exec.Command("ip", "netns", "add", name).CombinedOutput()
		switch {
		case err == nil:
			s.name, s.net = name, fmt.Sprintf("10.213.%d", number)
		case bytes.Contains(out, []byte("File exists")):
		case os.Getenv(dbtest.NeedFaults) != "":
			t.Fatalf("no network namespace can be made: %v: %s", err, out)
		default:
			t.Skip("this test makes network namespaces, which needs root, iproute2 and nftables; .ci/run runs it")
		}
	}
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", s.name).Run() })
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(found) == 0 {
		t.Fatal("PostgreSQL's programs are not in /usr/lib/postgresql")
	}
	s.bin = found[len(found)-1]
	owner, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	s.uid, _ = strconv.Atoi(owner.Uid)
	s.gid, _ = strconv.Atoi(owner.Gid)
	return s
}

// run runs a command on this machine.
func (s *spaces) run(name string, args ...string) {
	s.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}

// asPostgres returns a command that runs another one as the user postgres.
func (s *spaces) asPostgres(command ...string) []string {
	return append([]string{"setpriv", fmt.Sprintf("--reuid=%d", s.uid), fmt.Sprintf("--regid=%d", s.gid), "--clear-groups"}, command...)
}

// folder makes a folder of the user postgres.
func (s *spaces) folder() string {
	s.t.Helper()
	dir, err := os.MkdirTemp("", "legwork-"+s.name+"-")
	if err == nil {
		err = os.Chown(dir, s.uid, s.gid)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// add makes a namespace with a device, whose other end is on this machine. Both have the same name.
func (s *spaces) add(number int) (space string) {
	s.t.Helper()
	space = fmt.Sprintf("%s-%d", s.name, number)
	s.run("ip", "netns", "add", space)
	s.t.Cleanup(func() {
		_ = exec.Command("ip", "link", "del", space).Run()
		_ = exec.Command("ip", "netns", "del", space).Run()
	})
	s.run("ip", "link", "add", space, "type", "veth", "peer", "name", "eth0", "netns", space)
	for _, device := range []string{"lo", "eth0"} {
		s.run("ip", "-n", space, "link", "set", device, "up")
	}
	s.run("ip", "link", "set", space, "up")
	return space
}

// spaceProgram is a program in a namespace.
type spaceProgram struct {
	log  *lines
	done chan struct{} // closed when it has ended
}

// start starts a program as the user postgres in a namespace. It is killed at the end of the test.
func (s *spaces) start(space, dir string, command ...string) *spaceProgram {
	s.t.Helper()
	p := &spaceProgram{log: newLines(), done: make(chan struct{})}
	cmd := exec.Command("ip", append([]string{"netns", "exec", space}, s.asPostgres(command...)...)...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = p.log, p.log, dir
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { _ = cmd.Wait(); close(p.done) }()
	s.t.Cleanup(func() { s.kill(space, syscall.SIGKILL); <-p.done })
	return p
}

// drop makes a namespace drop all packets, without an answer.
func (s *spaces) drop(space string) {
	s.t.Helper()
	s.run("ip", "netns", "exec", space, "nft", "add table inet f; add chain inet f i { type filter hook input priority 0; policy drop; }; "+
		"add chain inet f o { type filter hook output priority 0; policy drop; }")
}

// kill sends a signal to all processes in a namespace. After SIGKILL it waits until they have ended.
func (s *spaces) kill(space string, sig syscall.Signal) {
	for deadline := time.Now().Add(waitLimit); time.Now().Before(deadline); {
		out, err := exec.Command("ip", "netns", "pids", space).Output()
		if err != nil || len(bytes.TrimSpace(out)) == 0 {
			return
		}
		for _, field := range strings.Fields(string(out)) {
			if pid, err := strconv.Atoi(field); err == nil {
				_ = syscall.Kill(pid, sig)
			}
		}
		if sig != syscall.SIGKILL {
			return
		}
	}
}

// nodes are machines for a database. All have the same address, which leads to one of them at a time. So a node can die without
// closing a connection, and another can replace it.
type nodes struct {
	*spaces
	address string // the address that all nodes share
	data    string // the cluster; one node at a time uses it
	last    int    // the newest node
	space   string // its namespace
}

// newNodes makes a cluster and starts the first node.
func newNodes(t *testing.T) *nodes {
	t.Helper()
	n := &nodes{spaces: newSpaces(t)}
	n.address, n.data = n.net+".200", n.folder()
	initdb := n.asPostgres(filepath.Join(n.bin, "initdb"), "-D", n.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	n.run(initdb[0], initdb[1:]...)
	hba, err := os.OpenFile(filepath.Join(n.data, "pg_hba.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = hba.WriteString("host all all all trust\n")
		_ = hba.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	n.replace()
	return n
}

// replace kills the present node, if there is one, and starts another at the same address, with the same data.
func (n *nodes) replace() {
	n.t.Helper()
	if n.last > 0 {
		n.kill(n.space, syscall.SIGKILL)
	}
	n.last++
	n.space = n.add(n.last)
	here, there := fmt.Sprintf("%s.%d", n.net, 4*n.last+1), fmt.Sprintf("%s.%d", n.net, 4*n.last+2)
	n.run("ip", "addr", "add", here+"/30", "dev", n.space)
	for _, args := range [][]string{
		{"addr", "add", n.address + "/32", "dev", "lo"}, {"addr", "add", there + "/30", "dev", "eth0"}, {"route", "add", "default", "via", here},
	} {
		n.run("ip", append([]string{"-n", n.space}, args...)...)
	}
	postgres := n.start(n.space, n.data, filepath.Join(n.bin, "postgres"), "-D", n.data,
		"-c", "listen_addresses="+n.address, "-c", "unix_socket_directories=", "-c", "fsync=off")
	n.run("ip", "route", "replace", n.address+"/32", "via", there, "dev", n.space)
	eventually(n.t, "the node answers", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, n.url())
		if err != nil {
			select {
			case <-postgres.done:
				n.t.Fatalf("PostgreSQL has ended: %s", postgres.log)
			default:
				return false
			}
		}
		return conn.Close(ctx) == nil
	})
}

// url returns the connection string of the database.
func (n *nodes) url() string {
	return fmt.Sprintf("postgres://postgres@%s:5432/postgres?sslmode=disable", n.address)
}

// worldOn returns a world whose database is on nodes.
func worldOn(t *testing.T) (*world, *nodes) {
	t.Helper()
	t.Parallel()
	n := newNodes(t)
	return &world{t: t, url: n.url(), dir: t.TempDir(), site: testsite.Start(t)}, n
}

// answers collects how long requests took, and their statuses.
type answers struct {
	all []answer
}

type answer struct {
	what   string
	began  time.Time
	took   time.Duration
	status int // 0 without an answer
	body   string
}

// between returns the answers to requests that began in a period.
func (a answers) between(from, to time.Time) (out []answer) {
	for _, one := range a.all {
		if !one.began.Before(from) && one.began.Before(to) {
			out = append(out, one)
		}
	}
	return out
}

// slowest returns the longest time of an answer.
func slowest(list []answer) time.Duration {
	if len(list) == 0 {
		return 0
	}
	return slices.MaxFunc(list, func(a, b answer) int { return int(a.took - b.took) }).took
}
