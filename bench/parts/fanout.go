package parts

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"legwork/bench/measure"
	"legwork/bench/server"
)

// portsPerAddress bounds the number of sockets that use one loopback address. By default Linux has about 28,000
// ephemeral ports for each address.
const portsPerAddress = 5000

// fanoutPart is part d: the cost of a socket, and the time until one event has reached all sockets. The reference is
// a server without legwork that uses the same WebSocket library and sends the same bytes from memory.
func fanoutPart(ctx context.Context, b *Bench) error {
	limit := measure.RaiseFileLimit()
	for size := range strings.SplitSeq(b.Sockets, ",") {
		n, err := strconv.Atoi(size)
		if err != nil || n < 1 {
			return fmt.Errorf("-sockets %q: list numbers", b.Sockets)
		}
		if limit < uint64(n)+500 {
			return fmt.Errorf("%d sockets need more open files than the %d that are allowed here; raise ulimit -n", n, limit)
		}
		url, err := b.database(ctx, "fanout")
		if err != nil {
			return err
		}
		if err := b.fanout(ctx, url, n, limit >= uint64(2*n)+500); err != nil {
			return fmt.Errorf("%d sockets: %w", n, err)
		}
	}
	return nil
}

// clients are n WebSocket clients that all watch one task.
type clients struct {
	conns   []*websocket.Conn
	readers sync.WaitGroup
	seen    atomic.Int64 // frames received by all clients
	stop    context.CancelFunc
}

// fanout measures legwork and the reference with n clients. If both is true, the clients of both are connected at the
// same time and the measurements alternate. Otherwise it measures first legwork and then the reference.
func (b *Bench) fanout(ctx context.Context, url string, n int, both bool) error {
	own, err := b.watch(ctx, "fanout", server.Config{URL: url, Conns: 10}, n)
	if err != nil {
		return err
	}
	closeOwn := sync.OnceFunc(own.close)
	defer closeOwn()
	sides, order := map[string]measure.Side{"own": own.sendOne}, []string{"own"}
	var first map[string]map[string][]float64
	if !both {
		b.Logf("%d and %d sockets at once need more open files than are allowed here: no alternation", n, n)
		if first, err = measure.Rounds(ctx, b.Pairs, sides, order...); err != nil {
			return err
		}
		closeOwn()
		sides, order = map[string]measure.Side{}, nil
	}
	bare, err := b.watch(ctx, "fanout-bare", server.Config{Bare: true}, n)
	if err != nil {
		return fmt.Errorf("reference: %w", err)
	}
	defer bare.close()
	sides["bare"], order = bare.sendOne, append(order, "bare")
	got, err := measure.Rounds(ctx, b.Pairs, sides, order...)
	if err != nil {
		return err
	}
	maps.Copy(got, first)
	add := func(what, unit string, value func(watched) []float64, t *measure.Target) {
		b.Report.Add(measure.Figure{Part: "d", Name: fmt.Sprintf("%d sockets: %s", n, what), Unit: unit, Values: value(own),
			Reference: "bare server", References: value(bare), Target: t})
	}
	one := func(pick func(watched) float64) func(watched) []float64 {
		return func(a watched) []float64 { return []float64{pick(a)} }
	}
	var small, soon *measure.Target
	if n >= 10_000 {
		small, soon = &measure.Target{Of: "value", AtMost: 40}, &measure.Target{Of: "value", AtMost: 1}
	}
	add("memory each, process and kernel", "KiB", one(func(a watched) float64 { return a.process + a.kernel }), small)
	add("of that, kernel", "KiB", one(func(a watched) float64 { return a.kernel }), nil)
	add("accepted in", "s", one(func(a watched) float64 { return a.accepted.Seconds() }), nil)
	b.Report.Add(measure.Figure{Part: "d", Name: fmt.Sprintf("%d sockets: one event to all", n), Unit: "s", Values: got["own"]["s"],
		Reference: "bare server", References: got["bare"]["s"], Target: soon})
	b.Report.Add(measure.Figure{Part: "d", Name: fmt.Sprintf("%d sockets: CPU when idle", n), Unit: "% of one", Values: []float64{own.idle}})
	return nil
}

// watched is a server with its clients, and what the clients cost the server.
type watched struct {
	server          *server.Process
	clients         *clients
	task            uuid.UUID
	process, kernel float64 // KiB per client
	accepted        time.Duration
	idle            float64 // percent of one CPU
}

// watch starts a server, connects n clients and measures what they cost.
func (b *Bench) watch(ctx context.Context, name string, cfg server.Config, n int) (a watched, err error) {
	if a.server, err = b.start(ctx, fmt.Sprintf("%s-%d", name, n), cfg); err != nil {
		return a, err
	}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	r, err := a.server.Ask(ctx, server.Command{Op: "tasks", Runs: 1})
	if err != nil {
		return a, err
	}
	a.task = r.Tasks[0]
	if err := warmUp(ctx, a.server.API, a.task); err != nil {
		return a, err
	}
	if _, err := a.server.Ask(ctx, server.Command{Op: "collect"}); err != nil {
		return a, err
	}
	residentBefore, kernelBefore, began := measure.Resident(a.server.PID()), measure.KernelSockets(), time.Now()
	if a.clients, err = connect(ctx, a.server.API, a.task, n); err != nil {
		return a, err
	}
	a.accepted = time.Since(began)
	if _, err := a.server.Ask(ctx, server.Command{Op: "collect"}); err != nil {
		return a, err
	}
	a.process = float64(measure.Resident(a.server.PID())-residentBefore) / float64(n) / 1024
	// Both ends of each connection are on this machine and use about the same memory, so half of it is the server's.
	a.kernel = float64(measure.KernelSockets()-kernelBefore) / 2 / float64(n) / 1024
	idleFrom, used := time.Now(), measure.CPUTime(a.server.PID())
	measure.WaitUntil(ctx, idleFrom.Add(2*b.Duration))
	a.idle = float64(measure.CPUTime(a.server.PID())-used) / float64(time.Since(idleFrom)) * 100
	return a, nil
}

// sendOne is a measure.Side: it calls clients.sendOne once, and returns the seconds that the call took.
func (a watched) sendOne(ctx context.Context) (map[string]float64, error) {
	took, err := a.clients.sendOne(ctx, a.server, a.task)
	return map[string]float64{"s": took.Seconds()}, err
}

func (a watched) close() {
	if a.clients != nil {
		a.clients.close()
	}
	a.server.Stop()
}

// warmUp connects 20 sockets, so that code and pools are in memory before memory is measured.
func warmUp(ctx context.Context, base string, id uuid.UUID) error {
	c, err := connect(ctx, base, id, 20)
	if err == nil {
		c.close()
	}
	return err
}

// connect opens n streams of a task from several loopback addresses and waits until each has its first two frames.
func connect(ctx context.Context, base string, id uuid.UUID, n int) (*clients, error) {
	reading, stop := context.WithCancel(ctx)
	c := &clients{conns: make([]*websocket.Conn, n), stop: stop}
	var next atomic.Int64
	var dialers sync.WaitGroup
	failures := make(chan error, 16)
	for range 16 {
		dialers.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				conn, err := dialFrom(ctx, 2+i/portsPerAddress, base, id)
				if err != nil {
					failures <- err
					return
				}
				c.conns[i] = conn
				c.readers.Go(func() { c.read(reading, conn) })
			}
		})
	}
	dialers.Wait()
	close(failures)
	err := <-failures
	if err == nil {
		err = c.await(ctx, int64(2*n))
	}
	if err != nil {
		c.close()
	}
	return c, err
}

// dialFrom connects from 127.0.0.host.
func dialFrom(ctx context.Context, host int, base string, id uuid.UUID) (*websocket.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(host))}}
	client := &http.Client{Transport: &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true, WriteBufferSize: 1024, ReadBufferSize: 1024}}
	url := fmt.Sprintf("ws%s/api/tasks/%s/stream", strings.TrimPrefix(base, "http"), id)
	conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: client}) //nolint:bodyclose // the library closes it
	return conn, err
}

func (c *clients) read(ctx context.Context, conn *websocket.Conn) {
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			return
		}
		c.seen.Add(1)
	}
}

// await waits until this many frames were received.
func (c *clients) await(ctx context.Context, frames int64) error {
	deadline := time.Now().Add(30 * time.Second)
	for c.seen.Load() < frames {
		if time.Now().After(deadline) || ctx.Err() != nil {
			return fmt.Errorf("%d of %d frames came", c.seen.Load(), frames)
		}
		measure.WaitUntil(ctx, time.Now().Add(time.Millisecond))
	}
	return nil
}

// sendOne appends one event and returns the time from its commit until all clients have received it.
func (c *clients) sendOne(ctx context.Context, process *server.Process, id uuid.UUID) (time.Duration, error) {
	want := c.seen.Load() + int64(len(c.conns))
	r, err := process.Ask(ctx, server.Command{Op: "append one", Tasks: []uuid.UUID{id}})
	if err != nil {
		return 0, err
	}
	if err := c.await(ctx, want); err != nil {
		return 0, err
	}
	return time.Duration(time.Now().UnixNano() - r.Commits[0].At), nil
}

func (c *clients) close() {
	c.stop()
	for _, conn := range c.conns {
		if conn != nil {
			_ = conn.CloseNow()
		}
	}
	c.readers.Wait()
}
