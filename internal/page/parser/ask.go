package parser

import (
	"context"
	"fmt"
	"strings"
	"time"

	"legwork/internal/goroutine"
	"legwork/internal/page"
)

// watchEvery is how often the memory of a process that reads is looked at.
const watchEvery = 20 * time.Millisecond

// ask has a process read one document. When it does not, within the limits, the process is gone. Errors are page.ErrLimit,
// page.ErrType where the parser crashed, and that of ctx.
func (p *Pool) ask(ctx context.Context, c *process, q request, body []byte, timeout time.Duration) (*answer, error) {
	limit := make(chan error, 1) // why the process was ended
	stop := make(chan struct{})
	watched := make(chan struct{})
	goroutine.Go(ctx, func() {
		defer close(watched)
		p.watch(ctx, c, timeout, limit, stop)
	})
	a, err := p.exchange(ctx, c, q, body, limit)
	close(stop)
	<-watched
	return a, err
}

// exchange sends a request and waits for its answer. limit, if it is not nil, tells why the process was ended.
func (p *Pool) exchange(ctx context.Context, c *process, q request, body []byte, limit chan error) (*answer, error) {
	alive := goroutine.AfterFunc(ctx, func() { killGroup(c.cmd.Process.Pid) })
	defer alive()
	closing := goroutine.AfterFunc(p.ctx, func() { killGroup(c.cmd.Process.Pid) })
	defer closing()
	var a answer
	err := writeJSON(c.in, q)
	if err == nil {
		err = writeFrame(c.in, body)
	}
	if err == nil {
		err = readJSON(c.out, &a)
	}
	if err == nil {
		if alive() {
			return &a, nil
		}
	}
	c.kill()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if p.ctx.Err() != nil {
		return nil, errClosed
	}
	select {
	case why := <-limit:
		return nil, why
	default:
	}
	return nil, p.died(c, q, err)
}

// died tells why a process that nobody killed is gone.
func (p *Pool) died(c *process, q request, err error) error {
	last := c.err.String()
	switch {
	case strings.Contains(last, "out of memory"), strings.Contains(last, "cannot allocate memory"), strings.Contains(last, "failed to allocate"):
		return p.tooMuchMemory()
	case strings.Contains(last, "stack overflow"), strings.Contains(last, "stack exceeds"):
		return fmt.Errorf("%w: it is nested too deeply", page.ErrLimit)
	}
	p.cfg.Logger.Error("a parser process crashed", "url", q.URL, "error", err, "state", c.cmd.ProcessState, "stderr", last)
	return fmt.Errorf("%w: the parser crashed", page.ErrType)
}

func (p *Pool) tooMuchMemory() error {
	return fmt.Errorf("%w: it took more than %d MB of memory", page.ErrLimit, p.cfg.LargeMemory>>20)
}

// watch ends a process that reads too long or takes too much memory. One that needs more than each of them may take is
// stopped until it has the right to grow; that wait does not count.
func (p *Pool) watch(ctx context.Context, c *process, timeout time.Duration, limit chan<- error, stop <-chan struct{}) {
	pid := c.cmd.Process.Pid
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	deadline, before := time.Now().Add(timeout), usedCPU(pid)
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		used := residentMemory(pid)
		switch {
		case time.Now().After(deadline):
			limit <- fmt.Errorf("%w: it took more than %v", page.ErrLimit, timeout)
			killGroup(pid)
			<-stop
			return
		case usedCPU(pid)-before > p.cfg.CPU:
			limit <- fmt.Errorf("%w: it took more than %v of computing", page.ErrLimit, p.cfg.CPU)
			killGroup(pid)
			<-stop
			return
		case used > p.cfg.LargeMemory:
			limit <- p.tooMuchMemory()
			killGroup(pid)
			<-stop
			return
		case used > p.cfg.SmallMemory && !c.grown:
			began := time.Now()
			if c.grown = p.grow(ctx, c, stop); !c.grown {
				<-stop
				return
			}
			deadline = deadline.Add(time.Since(began))
		}
	}
}

// grow gets a process the right to grow, and stops it meanwhile. It reports false where the reading ended first.
func (p *Pool) grow(ctx context.Context, c *process, stop <-chan struct{}) bool {
	select {
	case p.grown <- struct{}{}:
		return true
	default:
	}
	stopGroup(c.cmd.Process.Pid)
	defer resumeGroup(c.cmd.Process.Pid)
	select {
	case p.grown <- struct{}{}:
		return true
	case <-c.done:
	case <-stop:
	case <-ctx.Done():
	}
	return false
}
