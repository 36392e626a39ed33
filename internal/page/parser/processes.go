package parser

import (
	"context"
	"errors"
	"fmt"

	"legwork/internal/goroutine"
)

// errNoRoom means that the document needs more memory than is free at the moment.
var errNoRoom = errors.New("there is no room in memory for a large document at the moment")

// start waits until the given number of bytes of RAM is free, and starts a process that may use this much. The process may map limit bytes
// of memory.
func (p *Pool) start(ctx context.Context, bytes, limit uint64) (*process, error) {
	if err := p.reserve(ctx, int64(bytes)); err != nil {
		return nil, err
	}
	c, err := startProcess(ctx, p.cfg.Command, settings{CacheDir: p.cfg.CacheDir, Memory: limit})
	if err != nil {
		p.memory.Release(int64(bytes))
		return nil, err
	}
	c.reserved = int64(bytes)
	return c, nil
}

// reserve waits until this number of bytes of memory is free, and reserves it. Idle processes are ended to make room.
func (p *Pool) reserve(ctx context.Context, bytes int64) error {
	if p.memory.TryAcquire(bytes) {
		return nil
	}
	p.wait(1)
	defer p.wait(-1)
	p.sweepIdle()
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer goroutine.AfterFunc(p.ctx, cancel)()
	if err := p.memory.Acquire(waiting, bytes); err != nil {
		if ctx.Err() == nil {
			return errClosed
		}
		return fmt.Errorf("wait for memory to read a document in: %w", ctx.Err())
	}
	return nil
}

// wait adds n to the number of calls that wait for memory.
func (p *Pool) wait(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting += n
}

// grow gives a process the right to use LargeMemory. It returns false if another process has this right, or if there is no room now.
func (p *Pool) grow(c *process) bool {
	select {
	case p.grown <- struct{}{}:
	default:
		return false
	}
	more := int64(p.cfg.LargeMemory) - c.reserved
	if !p.memory.TryAcquire(more) {
		p.sweepIdle()
		if !p.memory.TryAcquire(more) {
			<-p.grown
			return false
		}
	}
	c.reserved += more
	c.grown = true
	return true
}

// child returns an idle process, or a new process if none is idle.
func (p *Pool) child(ctx context.Context) (*process, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, errClosed
	}
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	return p.start(ctx, p.cfg.SmallMemory, 2*p.cfg.LargeMemory)
}

// give returns a process to the pool. The process is killed if it is not usable or its memory is needed.
func (p *Pool) give(c *process, usable bool) {
	c.read++
	usable = usable && c.read < p.cfg.Recycle && residentMemory(c.cmd.Process.Pid) <= p.cfg.SmallMemory
	if !usable {
		c.kill() // kill it before its memory is released
	}
	if c.grown {
		c.grown = false
		<-p.grown
	}
	small := min(int64(p.cfg.SmallMemory), c.reserved)
	p.memory.Release(c.reserved - small)
	c.reserved = small
	if !usable || !p.keep(c) {
		p.end([]*process{c})
	}
}

// keep adds a process to the idle processes, unless its memory is needed. It returns false if it did not add the process.
func (p *Pool) keep(c *process) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.waiting > 0 {
		return false
	}
	p.idle = append(p.idle, c)
	if p.sweep == nil {
		p.sweep = goroutine.AfterDelay(p.ctx, p.cfg.Idle, p.sweepIdle)
	} else {
		p.sweep.Reset(p.cfg.Idle)
	}
	return true
}

// sweepIdle ends all idle processes. It is called when no process was used for Config.Idle, or when memory is needed.
func (p *Pool) sweepIdle() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	p.end(idle)
}

// end ends processes and releases their memory.
func (p *Pool) end(list []*process) {
	for _, c := range list {
		c.kill()
		p.memory.Release(c.reserved)
		c.reserved = 0
	}
}
