package browser

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// A process owns a profile folder while it holds the lock on the file lockName in it.
const (
	profilePrefix = "legwork-chromium-"
	lockName      = "owner.lock"
)

// profile is the folder of one Chromium: its profile, its home directory and its temporary files.
type profile struct {
	dir  string
	lock *os.File
}

func newProfile(parent string) (*profile, error) {
	dir, err := os.MkdirTemp(parent, profilePrefix)
	if err != nil {
		return nil, err
	}
	p := &profile{dir: dir}
	if p.lock, err = os.Create(filepath.Join(dir, lockName)); err == nil {
		err = syscall.Flock(int(p.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		p.remove(0)
		return nil, err
	}
	return p, nil
}

// remove removes the folder and ends the remaining processes of its Chromium. pid is the Chromium's process group; 0 means that there was
// none.
func (p *profile) remove(pid int) {
	if pid > 0 {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
	clear := func() bool {
		n := killUsersOf(p.dir)
		for pid > 0 { // orphans become children of this process if it is process 1, as in a container; then it must wait for them
			if reaped, err := syscall.Wait4(-pid, nil, syscall.WNOHANG, nil); err != nil || reaped <= 0 {
				break
			}
		}
		return n == 0 && os.RemoveAll(p.dir) == nil
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 500 { // a killed process may still write to the folder for a moment
		if clear() {
			break
		}
		<-tick.C
	}
	if p.lock != nil {
		_ = p.lock.Close()
	}
}

// own puts Chromium into its own process group, so that all its processes can be killed together. It makes the kernel kill Chromium when
// our process ends.
func own(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
}

// killUsersOf kills all processes whose profile folder is dir, and returns the number of these processes.
func killUsersOf(dir string) int {
	want := []byte("--user-data-dir=" + dir)
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	n := 0
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err != nil {
			continue
		}
		for arg := range bytes.SplitSeq(line, []byte{0}) {
			if bytes.Equal(arg, want) && syscall.Kill(pid, syscall.SIGKILL) == nil {
				n++
				break
			}
		}
	}
	return n
}

// removeStale removes the profile folders below parent whose owners have ended, and kills the processes that still use these folders.
func removeStale(parent string, log *slog.Logger) {
	dirs, _ := filepath.Glob(filepath.Join(parent, profilePrefix+"*"))
	for _, dir := range dirs {
		lock, err := os.Open(filepath.Join(dir, lockName))
		if err != nil { // a new folder has no lock file for a moment; an older folder without a lock file is stale
			info, statErr := os.Stat(dir)
			if !errors.Is(err, os.ErrNotExist) || statErr != nil || time.Since(info.ModTime()) < time.Minute {
				continue
			}
		} else if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
			_ = lock.Close()
			continue // its owner is running
		}
		(&profile{dir: dir, lock: lock}).remove(0)
		log.Info("removed the Chromium profile of an ended process", "folder", dir)
	}
}
