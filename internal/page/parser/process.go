package parser

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"legwork/internal/goroutine"
)

// process is a running child.
type process struct {
	cmd      *exec.Cmd
	in       io.WriteCloser
	out      *bufio.Reader
	err      *tail
	done     chan struct{} // closed when the process has ended
	read     int           // number of documents that this process has read
	reserved int64         // bytes of Config.Memory that are reserved for this process
	grown    bool          // true if this process may use Config.LargeMemory
}

// startProcess starts a child and sends it its settings.
func startProcess(ctx context.Context, command []string, s settings) (*process, error) {
	p := &process{cmd: exec.Command(command[0], command[1:]...), err: &tail{}, done: make(chan struct{})}
	p.cmd.Env = []string{"GOTRACEBACK=none"} // so the child gets no keys and passwords
	p.cmd.Dir = string(os.PathSeparator)
	p.cmd.Stderr = p.err
	p.cmd.SysProcAttr = childAttr()
	p.cmd.WaitDelay = time.Second
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReaderSize(out, 1<<16)
	started := make(chan error)
	goroutine.Go(context.WithoutCancel(ctx), func() { p.live(started) })
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start a parser process: %w", err)
	}
	if err := writeJSON(p.in, s); err != nil {
		p.kill()
		return nil, fmt.Errorf("start a parser process: %w", err)
	}
	return p, nil
}

// live starts the child and waits until it ends. It does both on one locked thread, because the kernel kills the child when the thread that
// started it ends.
func (p *process) live(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	_ = p.cmd.Wait() // the error is not needed: ProcessState and standard error say how the child ended
	close(p.done)
}

// kill ends the child in whatever state it is, and waits until it has ended.
func (p *process) kill() {
	select {
	case <-p.done: // do not kill: the pid may already belong to another process
	default:
		killGroup(p.cmd.Process.Pid)
		<-p.done
	}
	_ = p.in.Close()
}

// tail stores the beginning of a child's standard error, at most maxTail bytes.
type tail struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// maxTail is the greatest number of bytes that a tail stores.
const maxTail = 8 << 10

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := maxTail - t.text.Len(); room > 0 {
		t.text.Write(b[:min(len(b), room)])
	}
	return len(b), nil
}

// String returns the stored bytes, without white space around them.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(t.text.String())
}
