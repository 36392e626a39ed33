package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// Process is a server under test, as the process that generates the load uses it.
type Process struct {
	API string // base URL

	cmd *exec.Cmd
	mu  sync.Mutex
	in  io.WriteCloser
	out *bufio.Reader
}

// Start starts this program again as a server under test, and waits until it is ready. The server's output goes to log.
func Start(ctx context.Context, cfg Config, log io.Writer) (*Process, error) {
	spec, err := json.Marshal(cfg)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &Process{cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), EnvConfig+"="+string(spec))
	p.cmd.Stderr = log
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	ready, err := p.Ask(ctx, Command{Op: "ready"})
	if err != nil {
		p.Stop()
		return nil, fmt.Errorf("start server: %w", err)
	}
	p.API = ready.API
	return p, nil
}

// Ask sends a command and waits for its reply. If the context ends first, it kills the server.
func (p *Process) Ask(ctx context.Context, c Command) (Reply, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })()
	if err := json.NewEncoder(p.in).Encode(c); err != nil {
		return Reply{}, fmt.Errorf("%s: %w", c.Op, err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return Reply{}, fmt.Errorf("%s: %w", c.Op, err)
	}
	var r Reply
	if err := json.Unmarshal(line, &r); err != nil {
		return r, err
	}
	if r.Error != "" {
		return r, errors.New(c.Op + ": " + r.Error)
	}
	return r, nil
}

// Stop closes the server's input, which ends it. It kills the server if it has not ended after 20 seconds.
func (p *Process) Stop() {
	_ = p.in.Close()
	defer time.AfterFunc(20*time.Second, func() { _ = p.cmd.Process.Kill() }).Stop()
	_ = p.cmd.Wait()
}

// PID returns the id of the server's process.
func (p *Process) PID() int { return p.cmd.Process.Pid }
