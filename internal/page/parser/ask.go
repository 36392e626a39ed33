package parser

import (
	"context"
	"fmt"
	"strings"
	"time"

	"legwork/internal/goroutine"
	"legwork/internal/page"
)

// watchEvery is the interval at which the memory of a reading process is measured.
const watchEvery = 20 * time.Millisecond

// ask makes a process read one document. If the process exceeds a limit, it is killed. The error is page.ErrLimit, page.ErrType if the
// parser crashed, or the error of ctx.
func (p *Pool) ask(ctx context.Context, c *process, q request, body []byte) (*answer, error) {
	limit := make(chan error, 1) // receives the reason if the process is killed
	stop := make(chan struct{})
	watched := make(chan struct{})
	goroutine.Go(ctx, func() {
		defer close(watched)
		p.watch(c, p.cpuFor(q, body), limit, stop)
	})
	a, err := p.exchange(ctx, c, q, body, limit)
	close(stop)
	<-watched
	return a, err
}

// exchange sends a request and waits for its answer. If the process was killed, limit has the reason. limit may be nil.
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

// died returns the error for a process that ended although we did not kill it.
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

// watch kills the process if it reads for too long, uses more CPU time than most or too much memory, and sends the reason to limit.
func (p *Pool) watch(c *process, most time.Duration, limit chan<- error, stop <-chan struct{}) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	deadline, before := time.Now().Add(p.cfg.Timeout), usedCPU(c.cmd.Process.Pid)
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		if why := p.exceeds(c, deadline, before, most); why != nil {
			limit <- why
			killGroup(c.cmd.Process.Pid)
			<-stop
			return
		}
	}
}

// exceeds returns an error that names the limit that a process exceeds, or nil. before is the CPU time that the process had used before
// this document.
func (p *Pool) exceeds(c *process, deadline time.Time, before, most time.Duration) error {
	pid := c.cmd.Process.Pid
	used := residentMemory(pid)
	switch {
	case usedCPU(pid)-before > most:
		return fmt.Errorf("%w: it took more than %v of computing", page.ErrLimit, most.Round(time.Second))
	case time.Now().After(deadline):
		return fmt.Errorf("%w: it took more than %v", page.ErrLimit, p.cfg.Timeout)
	case used > p.cfg.LargeMemory:
		return p.tooMuchMemory()
	case used > p.cfg.SmallMemory && !c.grown && !p.grow(c):
		return errNoRoom
	}
	return nil
}
