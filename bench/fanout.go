package main

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
)

// portsPerAddress bounds the sockets from one loopback address: ephemeral ports are some 28,000 by default.
const portsPerAddress = 5000

// fanoutPart is part d: what a socket costs, and how long one event takes to reach them all, beside a bare server with the
// same WebSocket library that sends the same bytes from memory.
func fanoutPart(ctx context.Context, b *bench) error {
	limit := raiseFileLimit()
	for size := range strings.SplitSeq(b.sockets, ",") {
		n, err := strconv.Atoi(size)
		if err != nil || n < 1 {
			return fmt.Errorf("-sockets %q: list numbers", b.sockets)
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

// crowd is n clients that all watch one task.
type crowd struct {
	conns   []*websocket.Conn
	readers sync.WaitGroup
	seen    atomic.Int64 // frames in all
	stop    context.CancelFunc
}

// fanout compares in alternation when both crowds may be there at once, and otherwise first the one, then the other.
func (b *bench) fanout(ctx context.Context, url string, n int, both bool) error {
	own, err := b.crowded(ctx, "fanout", serverConfig{URL: url, Conns: 10}, n)
	if err != nil {
		return err
	}
	leave := sync.OnceFunc(own.leave)
	defer leave()
	sides, order := map[string]side{"own": own.tell}, []string{"own"}
	var first map[string]map[string][]float64
	if !both {
		b.logf("%d and %d sockets at once need more open files than are allowed here: no alternation", n, n)
		if first, err = b.rounds(ctx, b.pairs, sides, order...); err != nil {
			return err
		}
		leave()
		sides, order = map[string]side{}, nil
	}
	bare, err := b.crowded(ctx, "fanout-bare", serverConfig{Bare: true}, n)
	if err != nil {
		return fmt.Errorf("reference: %w", err)
	}
	defer bare.leave()
	sides["bare"], order = bare.tell, append(order, "bare")
	got, err := b.rounds(ctx, b.pairs, sides, order...)
	if err != nil {
		return err
	}
	maps.Copy(got, first)
	add := func(what, unit string, value func(audience) []float64, t *target) {
		b.add(figure{Part: "d", Name: fmt.Sprintf("%d sockets: %s", n, what), Unit: unit, Values: value(own),
			Reference: "bare server", References: value(bare), Target: t})
	}
	one := func(pick func(audience) float64) func(audience) []float64 {
		return func(a audience) []float64 { return []float64{pick(a)} }
	}
	var small, soon *target
	if n >= 10_000 {
		small, soon = &target{Of: "value", AtMost: 40}, &target{Of: "value", AtMost: 1}
	}
	add("memory each, process and kernel", "KiB", one(func(a audience) float64 { return a.process + a.kernel }), small)
	add("of that, kernel", "KiB", one(func(a audience) float64 { return a.kernel }), nil)
	add("accepted in", "s", one(func(a audience) float64 { return a.accepted.Seconds() }), nil)
	b.add(figure{Part: "d", Name: fmt.Sprintf("%d sockets: one event to all", n), Unit: "s", Values: got["own"]["s"],
		Reference: "bare server", References: got["bare"]["s"], Target: soon})
	b.add(figure{Part: "d", Name: fmt.Sprintf("%d sockets: CPU when idle", n), Unit: "% of one", Values: []float64{own.idle}})
	return nil
}

// audience is a server with its crowd, and what the crowd costs.
type audience struct {
	server          *child
	crowd           *crowd
	task            uuid.UUID
	process, kernel float64 // KiB each
	accepted        time.Duration
	idle            float64 // percent of one CPU
}

// crowded starts a server, gathers n clients and measures what they cost.
func (b *bench) crowded(ctx context.Context, name string, cfg serverConfig, n int) (a audience, err error) {
	if a.server, err = b.start(ctx, fmt.Sprintf("%s-%d", name, n), cfg); err != nil {
		return a, err
	}
	defer func() {
		if err != nil {
			a.leave()
		}
	}()
	r, err := a.server.ask(ctx, command{Op: "tasks", Runs: 1})
	if err != nil {
		return a, err
	}
	a.task = r.Tasks[0]
	if err := warm(ctx, a.server.api, a.task); err != nil {
		return a, err
	}
	if _, err := a.server.ask(ctx, command{Op: "collect"}); err != nil {
		return a, err
	}
	residentBefore, kernelBefore, began := resident(a.server.pid()), kernelSockets(), time.Now()
	if a.crowd, err = gather(ctx, a.server.api, a.task, n); err != nil {
		return a, err
	}
	a.accepted = time.Since(began)
	if _, err := a.server.ask(ctx, command{Op: "collect"}); err != nil {
		return a, err
	}
	a.process = float64(resident(a.server.pid())-residentBefore) / float64(n) / 1024
	// Both ends of each connection are on this machine and cost about the same.
	a.kernel = float64(kernelSockets()-kernelBefore) / 2 / float64(n) / 1024
	idleFrom, used := time.Now(), cpuTime(a.server.pid())
	until(ctx, idleFrom.Add(2*b.duration))
	a.idle = float64(cpuTime(a.server.pid())-used) / float64(time.Since(idleFrom)) * 100
	return a, nil
}

// tell is crowd.tell as a side of a comparison.
func (a audience) tell(ctx context.Context) (map[string]float64, error) {
	took, err := a.crowd.tell(ctx, a.server, a.task)
	return map[string]float64{"s": took.Seconds()}, err
}

func (a audience) leave() {
	if a.crowd != nil {
		a.crowd.leave()
	}
	a.server.stop()
}

// warm makes the server do once what it will do for each socket, so that its code and pools are there before it counts.
func warm(ctx context.Context, base string, id uuid.UUID) error {
	c, err := gather(ctx, base, id, 20)
	if err == nil {
		c.leave()
	}
	return err
}

// gather opens n streams of a task from several loopback addresses and waits until each has its first frames.
func gather(ctx context.Context, base string, id uuid.UUID, n int) (*crowd, error) {
	reading, stop := context.WithCancel(ctx)
	c := &crowd{conns: make([]*websocket.Conn, n), stop: stop}
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
		c.leave()
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

func (c *crowd) read(ctx context.Context, conn *websocket.Conn) {
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			return
		}
		c.seen.Add(1)
	}
}

// await waits until so many frames have come.
func (c *crowd) await(ctx context.Context, frames int64) error {
	deadline := time.Now().Add(30 * time.Second)
	for c.seen.Load() < frames {
		if time.Now().After(deadline) || ctx.Err() != nil {
			return fmt.Errorf("%d of %d frames came", c.seen.Load(), frames)
		}
		until(ctx, time.Now().Add(time.Millisecond))
	}
	return nil
}

// tell appends one event and gives the time from its commit until every client has it.
func (c *crowd) tell(ctx context.Context, server *child, id uuid.UUID) (time.Duration, error) {
	want := c.seen.Load() + int64(len(c.conns))
	r, err := server.ask(ctx, command{Op: "one", Tasks: []uuid.UUID{id}})
	if err != nil {
		return 0, err
	}
	if err := c.await(ctx, want); err != nil {
		return 0, err
	}
	return time.Duration(time.Now().UnixNano() - r.Stamps[0].At), nil
}

func (c *crowd) leave() {
	c.stop()
	for _, conn := range c.conns {
		if conn != nil {
			_ = conn.CloseNow()
		}
	}
	c.readers.Wait()
}
