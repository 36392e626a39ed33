package pgembed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// environment returns the environment variables that PostgreSQL's programs get: the ones that name libraries and temporary folders. Keys
// and passwords are not passed on. PG* and LC_* variables are not passed on either, because they would change the programs' behaviour.
func environment() []string {
	env := []string{"LC_ALL=C", "TZ=UTC"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// runProgram runs a short-lived program as the account and returns its output. The program and its children are ended when this process
// ends or ctx is done.
func runProgram(ctx context.Context, acct account, inherit []*os.File, program string, args ...string) (string, error) {
	// The kernel sends the death signal when the thread that started the program ends. So this goroutine stays on its thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, program, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Dir, cmd.Env, cmd.ExtraFiles, cmd.SysProcAttr = "/", environment(), inherit, acct.attr()
	dieWithParent(cmd.SysProcAttr, syscall.SIGKILL)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return out.String(), err
}

// process is a running server.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the server has ended; err is set before
	err  error
}

// launch starts the command and waits for its end in the background. When this process ends, the command gets SIGINT, which means a fast
// shutdown.
func launch(cmd *exec.Cmd, useDeathSignal bool) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	if useDeathSignal {
		useDeathSignal = dieWithParent(cmd.SysProcAttr, syscall.SIGINT)
	}
	started := make(chan error)
	go p.run(started, useDeathSignal)
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// run starts the command and waits for its end. Both happen on one locked thread, because the kernel sends the death signal when the thread that
// started the command ends, even if the process continues.
func (p *process) run(started chan<- error, deathSignal bool) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := p.cmd.Start(); err != nil {
		started <- err
		return
	}
	if deathSignal {
		started <- nil
		p.err = p.cmd.Wait()
		close(p.done)
		return
	}
	release, err := startWatchdog(p.cmd.Process.Pid)
	if err != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		started <- err
		return
	}
	started <- nil
	p.err = p.cmd.Wait()
	release()
	close(p.done)
}

// startWatchdog starts a shell that sends SIGINT to pid when this process ends in any way. The shell reads from a pipe to which only this
// process can write. release ends the shell.
func startWatchdog(pid int) (release func(), err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	cmd := exec.Command("/bin/sh", "-c", `read _; kill -INT "$1"`, "legwork-watchdog", strconv.Itoa(pid))
	cmd.Stdin, cmd.Dir, cmd.Env = r, "/", environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		_ = w.Close()
		return nil, fmt.Errorf("start the watchdog of PostgreSQL: %w", err)
	}
	return func() {
		_ = cmd.Process.Kill() // kill the shell first, since closing the pipe would make it send its signal
		_ = cmd.Wait()
		_ = w.Close()
	}, nil
}

// stop ends the server by a fast shutdown. If ctx ends first, it uses an immediate shutdown. No committed data is lost, but the next start
// must recover the data.
func (p *process) stop(ctx context.Context) error {
	_ = p.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
	}
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	timer := time.NewTimer(3 * time.Second)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	return fmt.Errorf("PostgreSQL did not shut down in time and was stopped at once; the next start recovers: %w", ctx.Err())
}

// isServerName reports whether a process with this name may be a PostgreSQL server.
func isServerName(comm string) bool { return comm == "postgres" || comm == "postmaster" }

// pidFileOwner returns the process id in a data folder's postmaster.pid, or 0 if the file is missing or invalid.
func pidFileOwner(data string) int {
	raw, err := os.ReadFile(data + "/postmaster.pid")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid <= 0 {
		return 0
	}
	return pid
}

// clearPidFile makes sure that a new server can start on the data folder. The caller holds the lock of Home. If the server of an ended
// legwork process is still shutting down, clearPidFile waits for its end. Then it removes the pid file. If the file were left, another
// process might later get the same process id, and PostgreSQL would refuse to start.
func clearPidFile(ctx context.Context, data string, waiting func(pid int)) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for first := true; ; first = false {
		pid := pidFileOwner(data)
		alive := pid != 0 && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) && servesFolder(pid, data)
		if !alive {
			err := os.Remove(data + "/postmaster.pid")
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			return nil
		}
		if first {
			waiting(pid)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("a PostgreSQL server (process %d) that is not ours runs on %s and does not end: stop it (pg_ctl stop -D %s), "+
				"or set LEGWORK_HOME to another folder", pid, data, data)
		}
	}
}
