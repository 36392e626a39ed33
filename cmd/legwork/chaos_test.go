//go:build failpoints

package main_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
	"legwork/internal/testsite"
)

// chaosFor is the duration of the long form: make chaos, or go test -tags failpoints -run TestChaos ./cmd/legwork -args -chaos 5m.
var chaosFor = flag.Duration("chaos", 0, "how long TestChaos makes faults, on a PostgreSQL of its own; 0: its short form")

// TestChaos runs tasks on two API processes and three workers, while makeFaults kills, pauses and slows them and
// interrupts their database connections. At the end, every task that was accepted with 201 must have ended exactly
// once. The audit must find no defects, and every client's log must equal the log in the database.
func TestChaos(t *testing.T) {
	t.Parallel()
	form := chaosSettings{duration: 15 * time.Second, tasks: 20, slots: 8, arrivals: 3 * time.Second, lease: 2 * time.Second, pause: 500 * time.Millisecond,
		page: 250 * time.Millisecond, deleted: 4, resumed: 0.4, mayFail: 0.25, frozen: 2 * time.Second, bound: 15 * time.Second, waitLimit: 90 * time.Second}
	if *chaosFor > 0 {
		tasks := min(200, int(200**chaosFor/(5*time.Minute))) // the same load per second in a shorter test
		form = chaosSettings{duration: *chaosFor, tasks: tasks, slots: 25, arrivals: *chaosFor * 3 / 4, lease: 6 * time.Second, pause: 2 * time.Second,
			page: time.Second, deleted: tasks / 10, resumed: 0.5, mayFail: 0.1, frozen: 8 * time.Second, bound: 15 * time.Second, waitLimit: 5 * time.Minute, ownServer: true}
	}
	c := newChaos(t, form)
	defer c.stopAll()
	c.ready()
	var clients sync.WaitGroup
	for i := range form.tasks {
		clients.Go(func() { c.client(i) })
	}
	for j := range form.deleted {
		clients.Go(func() { c.deleting(j) })
	}
	c.makeFaults()
	c.endFaults()
	clients.Wait()
	if t.Failed() {
		return
	}
	c.check()
	c.stopAll()
	c.stopPooler()
	c.checkConnections()
	c.checkProcesses()
}

// chaosSettings says how long and how heavy the test is.
type chaosSettings struct {
	duration  time.Duration // how long faults are made
	tasks     int
	slots     int           // of each worker
	arrivals  time.Duration // time over which the clients spread their submissions
	lease     time.Duration
	pause     time.Duration // between two faults, on average
	page      time.Duration // time that a page load and a reply of the model take; a task needs several of each
	deleted   int           // number of additional tasks, which clients delete: half of them when they have ended, the others in any state
	resumed   float64       // least share of tasks that must be resumed; with fewer, the test would show too little
	mayFail   float64       // greatest share of tasks that may fail: on a busy machine, three workers in a row can be lost before a task makes a step
	frozen    time.Duration // how long a database node is frozen before it is replaced
	bound     time.Duration // longest time in which a lost run must be resumed
	waitLimit time.Duration // time limit for all tasks to end after the faults
	ownServer bool          // the test has a PostgreSQL of its own, which may be killed
}

// chaos holds the processes and the database in which faults are made.
type chaos struct {
	t           *testing.T
	form        chaosSettings
	proxy       *testsite.Proxy // between the processes and the database
	stopPooler  func()          // ends PgBouncer
	direct      string          // URL of the database without the proxy; changes with each restart
	kill        func()          // kills PostgreSQL (immediate shutdown) and starts it again; nil if other tests use the server
	dir         string
	site        *slowSite
	model       *chaosModel
	slots       []*slot // two API processes, three workers
	apis        []string
	faults      sync.Map // name → *atomic.Int64
	faultsEnded chan struct{}

	mu      sync.Mutex
	task    map[int]string   // ids of the accepted tasks, by client
	logs    map[int][]string // frames that each client received
	gone    map[string]bool  // deleted tasks
	outages []time.Time      // when the database came back
}

func newChaos(t *testing.T, form chaosSettings) *chaos {
	c := &chaos{t: t, form: form, stopPooler: func() {}, dir: t.TempDir(), faultsEnded: make(chan struct{}), task: map[int]string{}, logs: map[int][]string{}, gone: map[string]bool{}}
	c.site = startSlowSite(t, form.page)
	c.model = startChaosModel(t, c.site, form.page)
	c.openDatabase()
	binary := buildWithFailpoints(t)
	// The first API process and the first worker reach the database through PgBouncer, if it is installed.
	pooled := c.proxy.URL()
	if dbtest.FindPgBouncer() != "" || os.Getenv(dbtest.NeedFaults) != "" {
		pooled, c.stopPooler = dbtest.PgBouncer(t, pooled, "query_wait_timeout = 5")
	}
	url := func(i int) string {
		if i == 0 {
			return pooled
		}
		return c.proxy.URL()
	}
	for i := range 2 {
		port := freePort(t)
		c.apis = append(c.apis, fmt.Sprintf("127.0.0.1:%d", port))
		c.slots = append(c.slots, c.newSlot(binary, url(i), []string{"serve", "--role", "api"}, fmt.Sprintf("API_PORT=%d", port)))
	}
	for i := range 3 {
		c.slots = append(c.slots, c.newSlot(binary, url(i), []string{"worker"}))
	}
	return c
}

func (c *chaos) newSlot(binary, url string, args []string, extra ...string) *slot {
	s := &slot{t: c.t, binary: binary, args: args, env: append(append(os.Environ(),
		"DATABASE_URL="+url, "LEGWORK_HOME="+c.dir, "API_HOST=127.0.0.1", "AUTH_MODE=off", "FETCH_ALLOW_NETS=127.0.0.0/8", "REQUEST_DELAY_MIN=0",
		"REQUEST_DELAY_MAX=0", "RATE_LIMIT_REQUESTS=100000", "TASK_MIN_TIME_BUDGET=1", "SEARCH_ENGINES=library", "PAGE_TTL=0", "BROWSER=off",
		"DATABASE_MAX_CONNS=10", "MAX_CONCURRENT_TASKS="+strconv.Itoa(c.form.slots), "LLM_PROVIDER=openai", "VERIFY_SUPPORT=off", "LLM_BASE_URL="+c.model.BaseURL(),
		"LLM_MODEL=scripted", "LLM_MAX_CONCURRENT=100", "LEASE_TTL="+c.form.lease.String(), "LOG_LEVEL=info"), extra...)}
	s.begin()
	return s
}

func (c *chaos) workers() []*slot { return c.slots[2:] }

// ready waits until both APIs answer and all workers are registered. Faults before that would have no effect.
func (c *chaos) ready() {
	deadline := time.Now().Add(c.form.waitLimit)
	for !c.up() {
		if time.Now().After(deadline) {
			c.t.Fatal("the processes did not come up")
		}
		<-time.After(50 * time.Millisecond)
	}
}

func (c *chaos) up() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, api := range c.apis {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+api+"/health/ready", nil)
		if err != nil {
			c.t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return false
		}
	}
	conn, err := pgx.Connect(ctx, c.direct)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close(ctx) }()
	workers := 0
	err = conn.QueryRow(ctx, "SELECT count(*) FROM workers").Scan(&workers)
	return err == nil && workers == len(c.workers())
}

func (c *chaos) fault(name string) {
	n, _ := c.faults.LoadOrStore(name, new(atomic.Int64))
	n.(*atomic.Int64).Add(1)
}

// points are the failpoints at which a worker process can end itself.
var points = []string{"after_claim", "before_effect", "before_step_commit", "after_step_commit", "after_commit_before_notify", "before_exit", "after_requeue"}

// makeFaults makes one fault after another.
func (c *chaos) makeFaults() {
	seed := uint64(time.Now().UnixNano())
	c.t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	end := time.After(c.form.duration)
	defer close(c.faultsEnded)
	for n := 0; ; n++ {
		select {
		case <-end:
			return
		case <-time.After(c.form.pause/2 + rand.N(c.form.pause)):
		}
		w := c.workers()[r.IntN(3)]
		faults := []func(){
			func() { c.fault("kill -9 a worker"); w.signal(syscall.SIGKILL) },
			func() { c.fault("pause a worker beyond its lease"); c.pauseFor(w, c.form.lease+c.form.lease/2) },
			func() { c.fault("terminate backends"); c.terminateBackends() },
			func() { c.fault("kill -9 a worker"); w.signal(syscall.SIGKILL) },
			func() {
				c.fault("die at a failpoint")
				w.dieAt(points[r.IntN(len(points))] + fmt.Sprintf("=kill:%d", 1+r.IntN(4)))
			},
			func() { c.fault("kill -9 an API process"); c.slots[r.IntN(2)].signal(syscall.SIGKILL) },
			func() { c.fault("SIGTERM a worker"); w.signal(syscall.SIGTERM) },
			func() { c.fault("cut the database off"); c.outage(c.form.lease / 2) },
			func() { c.fault("take all connections"); c.takeConnections(c.form.lease / 3) },
			func() {
				c.fault("freeze the database node, then replace it at the same address")
				c.replaceNode(c.form.frozen)
			},
			func() { c.fault("make the database read-only"); c.readOnly(c.form.lease) },
			func() {
				if c.kill != nil {
					c.fault("restart PostgreSQL in immediate mode")
					c.kill()
				}
			},
		}
		faults[n%len(faults)]() // the faults take turns, so that even a short test makes each of them
	}
}

// pauseFor stops a process and lets it continue after d.
func (c *chaos) pauseFor(s *slot, d time.Duration) {
	wake := s.freeze()
	time.AfterFunc(d, wake)
}

// endFaults ends all faults: every process continues, and no failpoint is armed.
func (c *chaos) endFaults() {
	for _, s := range c.slots {
		s.endFaults()
	}
}

// terminate ends half of the program's connections.
const terminate = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
	WHERE datname = current_database() AND application_name LIKE 'legwork%' AND random() < 0.5`

func (c *chaos) terminateBackends() { c.exec(terminate) }

// exec runs a statement as the database's administrator. When the server cannot be reached, it does nothing.
func (c *chaos) exec(sql string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.direct)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close(ctx) }()
	_, _ = conn.Exec(ctx, sql)
}

// outage cuts every connection and refuses new ones for a while.
func (c *chaos) outage(d time.Duration) {
	c.proxy.Cut()
	<-time.After(d)
	c.proxy.Mend()
	c.back()
}

// replaceNode freezes the database: connections stay open, and no byte passes. After d another node answers at the same address, to
// which the old connections are unknown. If the test has a PostgreSQL of its own, it is killed and started again meanwhile.
func (c *chaos) replaceNode(d time.Duration) {
	c.proxy.Freeze()
	<-time.After(d)
	if c.kill != nil {
		c.kill()
	}
	c.proxy.Cut()
	c.proxy.Mend()
	c.back()
}

// readOnly makes the database refuse writes for d. Sessions keep the state that they began with, so all end at the beginning. Later,
// each ends at the first write that it refuses.
func (c *chaos) readOnly(d time.Duration) {
	alter := func(change string) {
		c.exec(`BEGIN READ WRITE; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I ` + change + `', current_database()); END $$; COMMIT`)
	}
	alter("SET default_transaction_read_only = on")
	c.exec(strings.Replace(terminate, "AND random() < 0.5", "", 1))
	<-time.After(d)
	alter("RESET default_transaction_read_only")
	c.back()
}

func (c *chaos) back() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outages = append(c.outages, time.Now())
}

// takeConnections ends half of the program's connections and prevents new ones for a while. If the test has a
// PostgreSQL server of its own, it prevents new ones by opening all free connections itself.
func (c *chaos) takeConnections(d time.Duration) {
	defer c.back()
	if !c.form.ownServer { // other tests need connections of the shared server
		c.proxy.RefuseNew(true)
		defer c.proxy.RefuseNew(false)
		c.terminateBackends()
		<-time.After(d)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var taken []*pgx.Conn
	for ended := false; ctx.Err() == nil; {
		conn, err := pgx.Connect(ctx, c.direct)
		switch {
		case err == nil:
			taken = append(taken, conn)
		case ctx.Err() == nil && !ended && len(taken) > 0:
			ended = true // all connections are taken, so a process that loses a connection cannot open another one
			_, _ = taken[0].Exec(ctx, terminate)
		default:
			pause(ctx, 5*time.Millisecond)
		}
	}
	for _, conn := range taken {
		_ = conn.Close(context.Background())
	}
}

// report logs the faults that were made and the results.
func (c *chaos) report(lines ...string) {
	var b strings.Builder
	c.faults.Range(func(k, v any) bool {
		fmt.Fprintf(&b, "\n  %3d × %s", v.(*atomic.Int64).Load(), k)
		return true
	})
	c.t.Logf("faults:%s\n%s", b.String(), strings.Join(lines, "\n"))
}
