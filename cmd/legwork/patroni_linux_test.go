package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"legwork/api"
	"legwork/internal/dbtest"
	"legwork/internal/testsite"
)

// patroniVariable is an environment variable. If it is set, TestPatroni runs; see scripts/patroni.sh.
const patroniVariable = "LEGWORK_TEST_PATRONI"

// cluster is a Patroni cluster of three nodes. Each is a network namespace with etcd, Patroni and PostgreSQL. Replication is
// synchronous.
type cluster struct {
	*spaces
	ctx context.Context
}

const clusterNodes = 3

// newCluster starts a cluster and waits until it has a primary and a synchronous standby.
func newCluster(t *testing.T) *cluster {
	c := &cluster{spaces: newSpaces(t), ctx: t.Context()}
	// The bridge is in a namespace of its own. On this machine itself, the rules of a Docker engine drop what passes a bridge.
	c.run("ip", "-n", c.name, "link", "add", "bridge", "type", "bridge")
	c.run("ip", "link", "add", c.name, "type", "veth", "peer", "name", "machine", "netns", c.name)
	t.Cleanup(func() { c.run("ip", "link", "del", c.name) })
	c.run("ip", "-n", c.name, "link", "set", "machine", "master", "bridge")
	c.run("ip", "addr", "add", c.net+".254/24", "dev", c.name)
	c.run("ip", "link", "set", c.name, "up")
	for _, device := range []string{"machine", "bridge"} {
		c.run("ip", "-n", c.name, "link", "set", device, "up")
	}
	var peers, clients []string
	for i := range clusterNodes {
		peers = append(peers, fmt.Sprintf("node%d=http://%s:2380", i, c.address(i)))
		clients = append(clients, c.address(i)+":2379")
	}
	for i := range clusterNodes {
		space := c.add(i)
		c.run("ip", "link", "set", space, "netns", c.name)
		c.run("ip", "-n", c.name, "link", "set", space, "master", "bridge", "up")
		c.run("ip", "-n", space, "addr", "add", c.address(i)+"/24", "dev", "eth0")
	}
	for i := range clusterNodes {
		dir := c.folder()
		c.start(c.space(i), dir, "env", "ETCD_UNSUPPORTED_ARCH=arm64", "etcd", "--name", fmt.Sprintf("node%d", i), "--data-dir", filepath.Join(dir, "etcd"),
			"--listen-peer-urls", "http://"+c.address(i)+":2380", "--initial-advertise-peer-urls", "http://"+c.address(i)+":2380",
			"--listen-client-urls", "http://"+c.address(i)+":2379", "--advertise-client-urls", "http://"+c.address(i)+":2379",
			"--initial-cluster", strings.Join(peers, ","), "--initial-cluster-state", "new", "--logger", "zap")
		config := filepath.Join(dir, "patroni.yml")
		if err := os.WriteFile(config, []byte(c.config(i, dir, clients)), 0o644); err != nil {
			t.Fatal(err)
		}
		p := c.start(c.space(i), dir, "patroni", config)
		t.Cleanup(func() {
			if t.Failed() {
				log := p.log.String()
				t.Logf("node %d: %s", i, log[max(0, len(log)-4000):])
			}
		})
	}
	eventually(t, "the cluster has a primary and two standbys, one of them synchronous", func() bool {
		members := c.members()
		return c.primary() >= 0 && len(members) == clusterNodes && members["sync_standby"] == 1
	})
	return c
}

func (c *cluster) space(node int) string   { return fmt.Sprintf("%s-%d", c.name, node) }
func (c *cluster) address(node int) string { return fmt.Sprintf("%s.%d", c.net, 11+node) }

// config returns the configuration of Patroni on a node. The times are the shortest that Patroni allows.
func (c *cluster) config(node int, dir string, etcd []string) string {
	return fmt.Sprintf(`
scope: legwork
name: node%[1]d
restapi: {listen: "%[2]s:8008", connect_address: "%[2]s:8008"}
etcd3: {hosts: [%[3]s]}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 2
    retry_timeout: 5
    synchronous_mode: true
    postgresql:
      use_pg_rewind: true
      parameters: {max_connections: 200, max_wal_senders: 10, max_replication_slots: 10, wal_log_hints: "on"}
  initdb: [{encoding: UTF8}, {locale: C.UTF-8}]
  pg_hba: ["local all all trust", "host all all all trust", "host replication all all trust"]
postgresql:
  listen: "%[2]s:5432"
  connect_address: "%[2]s:5432"
  data_dir: %[4]s/data
  bin_dir: %[5]s
  pgpass: %[4]s/pgpass
  authentication: {superuser: {username: postgres, password: x}, replication: {username: replicator, password: x}}
  parameters: {unix_socket_directories: "%[4]s"}
`, node, c.address(node), `"`+strings.Join(etcd, `", "`)+`"`, dir, c.bin)
}

// url returns the connection string with all nodes, of which clients use the primary.
func (c *cluster) url() string {
	var hosts []string
	for i := range clusterNodes {
		hosts = append(hosts, c.address(i)+":5432")
	}
	return "postgres://postgres@" + strings.Join(hosts, ",") + "/postgres?sslmode=disable&target_session_attrs=read-write"
}

// primary returns the number of the node that accepts writes, or -1.
func (c *cluster) primary() int {
	for i := range clusterNodes {
		ctx, cancel := context.WithTimeout(c.ctx, time.Second)
		conn, err := pgx.Connect(ctx, fmt.Sprintf("postgres://postgres@%s:5432/postgres?sslmode=disable", c.address(i)))
		if err == nil {
			var standby bool
			err = conn.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&standby)
			_ = conn.Close(ctx)
			if err == nil && !standby {
				cancel()
				return i
			}
		}
		cancel()
	}
	return -1
}

// members returns the number of running members of the cluster by role, as the first node that answers sees them.
func (c *cluster) members() map[string]int {
	client := &http.Client{Timeout: time.Second}
	for i := range clusterNodes {
		res, err := client.Get("http://" + c.address(i) + ":8008/cluster")
		if err != nil {
			continue
		}
		var seen struct {
			Members []struct{ Role, State string }
		}
		err = json.NewDecoder(res.Body).Decode(&seen)
		_ = res.Body.Close()
		if err != nil {
			continue
		}
		roles := map[string]int{}
		for _, m := range seen.Members {
			if m.State == "running" || m.State == "streaming" {
				roles[m.Role]++
			}
		}
		return roles
	}
	return nil
}

// switchover asks Patroni for another primary.
func (c *cluster) switchover(from int) {
	body := fmt.Sprintf(`{"leader":"node%d"}`, from)
	res, err := (&http.Client{Timeout: time.Minute}).Post("http://"+c.address(from)+":8008/switchover", "application/json", strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		var b bytes.Buffer
		_, _ = b.ReadFrom(res.Body)
		c.t.Fatalf("switchover: %s: %s", res.Status, b.String())
	}
}

// asking submits tasks until it is stopped. A submission without an answer or with 503 is repeated with the same Idempotency-Key.
type asking struct {
	w        *world
	mu       sync.Mutex
	accepted map[string]time.Time // when each task was accepted
	failing  atomic.Int64
}

func (a *asking) client(ctx context.Context, c *client, number int) {
	for i := 0; ctx.Err() == nil; i++ {
		body, _ := json.Marshal(map[string]any{"question": "What is the default value of keep_warm_minutes?", "seedUrl": a.w.site.URL("/index.html"), "timeBudget": 60})
		for ctx.Err() == nil {
			req, err := http.NewRequest(http.MethodPost, c.base+"/api/tasks", bytes.NewReader(body))
			if err != nil {
				a.w.t.Error(err)
				return
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Idempotency-Key", fmt.Sprintf("client-%d-%d", number, i))
			began := time.Now()
			res, err := c.http.Do(req)
			var task api.Task
			status := 0
			if err == nil {
				status = res.StatusCode
				err = json.NewDecoder(res.Body).Decode(&task)
				_ = res.Body.Close()
			}
			if took := time.Since(began); took > mostUnanswered+time.Second {
				a.w.t.Errorf("a submission was answered with %d after %s", status, took)
			}
			if err == nil && (status == http.StatusCreated || status == http.StatusOK) {
				a.mu.Lock()
				a.accepted[task.TaskID] = time.Now()
				a.mu.Unlock()
				break
			}
			if status != http.StatusServiceUnavailable {
				a.w.t.Errorf("a submission was answered with %d, %v", status, err)
			}
			a.failing.Add(1)
			<-time.After(100 * time.Millisecond)
		}
		<-time.After(500 * time.Millisecond)
	}
}

// next waits until a task is accepted that was submitted after a time, and returns how long after that time.
func (a *asking) next(after time.Time) time.Duration {
	var first time.Duration
	eventually(a.w.t, "a task is accepted again", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		first = 0
		for _, at := range a.accepted {
			if d := at.Sub(after); d > 0 && (first == 0 || d < first) {
				first = d
			}
		}
		return first > 0
	})
	return first
}

// TestPatroni submits and works tasks while a Patroni cluster changes its primary: by a switchover, and because the node of the
// primary dies without closing its connections. No accepted task may be lost, and all must end.
func TestPatroni(t *testing.T) {
	if os.Getenv(patroniVariable) == "" {
		t.Skip("scripts/patroni.sh runs this test, which takes two minutes")
	}
	n := newCluster(t)
	site := testsite.Start(t)
	w := &world{t: t, url: n.url(), dir: t.TempDir(), site: site}
	front := w.start(settings(w.url, w.dir, "MAX_QUEUED_TASKS=0"), "serve", "--role", "api")
	c := w.api(front)
	for range 2 {
		w.line(w.start(settings(w.url, w.dir), "worker"), "legwork starts")
	}
	load := &asking{w: w, accepted: map[string]time.Time{}}
	ctx, stop := context.WithCancel(context.Background())
	var clients sync.WaitGroup
	for i := range 4 {
		clients.Go(func() { load.client(ctx, c, i) })
	}
	pause := func(d time.Duration) { <-time.After(d) }
	pause(5 * time.Second)

	first := n.primary()
	began := time.Now()
	n.switchover(first)
	promoted := w.promoted(n, first)
	t.Logf("switchover: another primary after %s; the next task was accepted %s later", promoted.Sub(began), load.next(promoted))
	if took := load.next(promoted); took > mostRecovery {
		t.Errorf("tasks were accepted again %s after the switchover", took)
	}
	eventually(t, "the cluster is complete again", func() bool { return n.members()["sync_standby"] == 1 && n.members()["replica"] == 1 })
	pause(5 * time.Second)

	second := n.primary()
	began = time.Now()
	n.drop(n.space(second))
	n.kill(n.space(second), syscall.SIGKILL)
	promoted = w.promoted(n, second)
	t.Logf("kill -9 of the primary's node: another primary after %s; the next task was accepted %s later", promoted.Sub(began), load.next(promoted))
	if took := load.next(promoted); took > mostRecovery {
		t.Errorf("tasks were accepted again %s after the promotion", took)
	}
	pause(10 * time.Second)
	stop()
	clients.Wait()

	st := dbtest.Open(t, w.url)
	eventually(t, "all tasks have ended", func() bool {
		open := -1
		err := st.Pool().QueryRow(w.ctx(), "SELECT count(*) FROM tasks WHERE status NOT IN ('completed', 'failed', 'cancelled')").Scan(&open)
		return err == nil && open == 0
	})
	lost := 0
	for id := range load.accepted {
		var status string
		if err := st.Pool().QueryRow(w.ctx(), "SELECT status FROM tasks WHERE id = $1", id).Scan(&status); err != nil || status != string(api.StatusCompleted) {
			t.Errorf("accepted task %s: %s, %v", id, status, err)
			lost++
		}
	}
	findings, err := st.Worker().Audit(w.ctx())
	if err != nil || len(findings) > 0 {
		t.Errorf("audit: %v, %v", findings, err)
	}
	t.Logf("%d tasks were accepted, %d of them lost or failed; %d submissions were repeated", len(load.accepted), lost, load.failing.Load())
}

// promoted waits until another node than old is the primary, and returns the time.
func (w *world) promoted(n *cluster, old int) (at time.Time) {
	w.t.Helper()
	eventually(w.t, "another primary", func() bool {
		now := n.primary()
		at = time.Now()
		return now >= 0 && now != old
	})
	return at
}
