package main

import (
	"context"
	"fmt"
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

// fanoutPart is part d: what a socket costs, and how long one event takes to reach them all.
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
		if err := b.fanout(ctx, url, n); err != nil {
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

func (b *bench) fanout(ctx context.Context, url string, n int) error {
	server, err := b.start(ctx, fmt.Sprintf("fanout-%d", n), serverConfig{URL: url, Conns: 10})
	if err != nil {
		return err
	}
	defer server.stop()
	r, err := server.ask(ctx, command{Op: "tasks", Runs: 1})
	if err != nil {
		return err
	}
	id := r.Tasks[0]
	if err := warm(ctx, server.api, id); err != nil {
		return err
	}
	if _, err := server.ask(ctx, command{Op: "collect"}); err != nil {
		return err
	}
	residentBefore, kernelBefore := resident(server.pid()), kernelSockets()
	began := time.Now()
	c, err := gather(ctx, server.api, id, n)
	if err != nil {
		return err
	}
	defer c.leave()
	accepted := time.Since(began)
	if _, err := server.ask(ctx, command{Op: "collect"}); err != nil {
		return err
	}
	process := float64(resident(server.pid())-residentBefore) / float64(n) / 1024
	// Both ends of each connection are on this machine and cost about the same.
	kernel := float64(kernelSockets()-kernelBefore) / 2 / float64(n) / 1024
	idleFrom, used := time.Now(), cpuTime(server.pid())
	until(ctx, idleFrom.Add(2*b.duration))
	idle := float64(cpuTime(server.pid())-used) / float64(time.Since(idleFrom)) * 100
	var reached []float64
	for range b.pairs {
		took, err := c.tell(ctx, server, id)
		if err != nil {
			return err
		}
		reached = append(reached, took.Seconds())
	}
	name := func(what string) string { return fmt.Sprintf("%d sockets: %s", n, what) }
	memory := figure{Part: "d", Name: name("memory each, process and kernel"), Unit: "KiB", Values: []float64{process + kernel}}
	event := figure{Part: "d", Name: name("one event to all"), Unit: "s", Values: reached}
	if n >= 10_000 {
		memory.Target, event.Target = &target{Of: "value", AtMost: 40}, &target{Of: "value", AtMost: 1}
	}
	b.add(memory)
	b.add(figure{Part: "d", Name: name("of that, kernel"), Unit: "KiB", Values: []float64{kernel}})
	b.add(figure{Part: "d", Name: name("accepted in"), Unit: "s", Values: []float64{accepted.Seconds()}})
	b.add(event)
	b.add(figure{Part: "d", Name: name("CPU when idle"), Unit: "% of one", Values: []float64{idle}})
	return nil
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
