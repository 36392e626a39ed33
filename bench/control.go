package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"
)

// asServer makes this program a server under test; its value is a serverConfig in JSON.
const asServer = "LEGWORK_BENCH_SERVER"

// serverConfig is what a server under test is told at its start.
type serverConfig struct {
	URL     string `json:"url"`
	Dir     string `json:"dir"`     // for artifacts
	Slots   int    `json:"slots"`   // of the worker; 0: none runs
	Conns   int32  `json:"conns"`   // of the pool
	Bare    bool   `json:"bare"`    // no legwork but the reference of part fanout
	Profile string `json:"profile"` // file for a CPU profile; empty: none
}

// command is one line to a server under test; it answers each with one reply.
type command struct {
	Op        string      `json:"op"`
	Runs      int         `json:"runs,omitempty"`
	Seconds   float64     `json:"seconds,omitempty"`
	Rate      float64     `json:"rate,omitempty"` // events per second, all tasks together
	Streaming bool        `json:"streaming,omitempty"`
	Bare      bool        `json:"bare,omitempty"`      // notify instead of publishing
	Step      bool        `json:"step,omitempty"`      // whole steps instead of events
	Announced bool        `json:"announced,omitempty"` // each step after the event of its call
	Tasks     []uuid.UUID `json:"tasks,omitempty"`
}

// reply answers a command.
type reply struct {
	Error   string      `json:"error,omitempty"`
	API     string      `json:"api,omitempty"` // base URL
	Tasks   []uuid.UUID `json:"tasks,omitempty"`
	Count   int         `json:"count,omitempty"`
	Seconds float64     `json:"seconds,omitempty"`
	Stamps  []stamp     `json:"stamps,omitempty"`
	Micros  []float64   `json:"micros,omitempty"`
}

// stamp is when an event was committed, in nanoseconds of the clock that all processes of a machine share.
type stamp struct {
	Task uuid.UUID `json:"t"`
	Seq  int64     `json:"s"`
	At   int64     `json:"a"`
}

// child is a server under test, seen from the load.
type child struct {
	cmd *exec.Cmd
	mu  sync.Mutex
	in  io.WriteCloser
	out *bufio.Reader
	api string
}

// start runs a server under test on a database.
func (b *bench) start(ctx context.Context, name string, cfg serverConfig) (*child, error) {
	cfg.Dir = filepath.Join(b.dir, "artifacts")
	if b.profiles != "" {
		if err := os.MkdirAll(b.profiles, 0o755); err != nil {
			return nil, err
		}
		cfg.Profile = filepath.Join(b.profiles, name+".prof")
	}
	spec, err := json.Marshal(cfg)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(self)}
	c.cmd.Env = append(os.Environ(), asServer+"="+string(spec))
	c.cmd.Stderr = b.log
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	hello, err := c.ask(ctx, command{Op: "hello"})
	if err != nil {
		c.stop()
		return nil, fmt.Errorf("start server: %w", err)
	}
	c.api = hello.API
	return c, nil
}

// ask sends a command and waits for its reply. A server that must be given up is killed.
func (c *child) ask(ctx context.Context, cmd command) (reply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer context.AfterFunc(ctx, func() { _ = c.cmd.Process.Kill() })()
	if err := json.NewEncoder(c.in).Encode(cmd); err != nil {
		return reply{}, fmt.Errorf("%s: %w", cmd.Op, err)
	}
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		return reply{}, fmt.Errorf("%s: %w", cmd.Op, err)
	}
	var r reply
	if err := json.Unmarshal(line, &r); err != nil {
		return r, err
	}
	if r.Error != "" {
		return r, errors.New(cmd.Op + ": " + r.Error)
	}
	return r, nil
}

// stop ends the server in good order; one that does not end is killed.
func (c *child) stop() {
	_ = c.in.Close()
	defer time.AfterFunc(20*time.Second, func() { _ = c.cmd.Process.Kill() }).Stop()
	_ = c.cmd.Wait()
}

func (c *child) pid() int { return c.cmd.Process.Pid }
