package pgembed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// InUseError means that another process runs a server on the same Home.
type InUseError struct {
	Home string
	PID  int    // process id of the other process; 0 means unknown
	URL  string // URL of the other process's server, with the password; "" until the server is ready
}

// Error implements error. The message does not contain the URL, because the URL holds a password.
func (e *InUseError) Error() string {
	who := "another legwork"
	if e.PID != 0 {
		who = fmt.Sprintf("another legwork (process %d)", e.PID)
	}
	return fmt.Sprintf("%s is using the database in %s: stop it, or set LEGWORK_HOME to another folder, "+
		"or set DATABASE_URL to share one PostgreSQL server between several", who, e.Home)
}

// home is a Home folder whose lock is held.
type home struct {
	dir  string
	lock *os.File
	last homeState // the state that the previous holder of the lock wrote
}

// homeState is the content of the lock file: the process that runs the server on this Home, and its URL.
type homeState struct {
	PID       int    `json:"pid"`
	URL       string `json:"url,omitempty"`
	SocketDir string `json:"socketDir,omitempty"`
}

// lockHome creates Home if it does not exist, and takes its lock. The error names the process that has the lock.
func lockHome(dir string) (*home, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make LEGWORK_HOME: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "postgres.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock LEGWORK_HOME: %w", err)
	}
	h := &home{dir: dir, lock: f}
	raw, _ := io.ReadAll(io.LimitReader(f, 1<<16))
	err = flock(f, syscall.LOCK_EX|syscall.LOCK_NB)
	_ = json.Unmarshal(raw, &h.last) // an empty or incomplete file is no error: the state is only a hint
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		_ = f.Close()
		return nil, &InUseError{Home: dir, PID: h.last.PID, URL: h.last.URL}
	case err != nil:
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	removeSocketDir(h.last.SocketDir)
	if err := h.record(homeState{PID: os.Getpid()}); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("write %s: %w", f.Name(), err)
	}
	return h, nil
}

// flock calls flock(2), and repeats it if a signal interrupts it.
func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// record writes the state into the lock file.
func (h *home) record(state homeState) error {
	raw, err := json.Marshal(state)
	if err != nil {
		return err
	}
	if err := h.lock.Truncate(0); err != nil {
		return err
	}
	_, err = h.lock.WriteAt(append(raw, '\n'), 0)
	return err
}

// release empties the lock file and releases the lock. It does not remove the file: otherwise two processes could hold locks on two files
// of the same name.
func (h *home) release() {
	_ = h.lock.Truncate(0)
	_ = h.lock.Close()
}

// data returns the folder of the cluster.
func (h *home) data() string { return filepath.Join(h.dir, "postgres") }

const (
	socketPrefix = "legwork-pg-"
	socketName   = ".s.PGSQL.5432" // PostgreSQL puts a port into the name of its socket; the server does not listen on TCP
	// The path of a socket has at most 107 bytes (sun_path in unix(7)), 103 on macOS. os.MkdirTemp adds up to ten digits to socketPrefix.
	maxSocketParent = 103 - len("/"+socketPrefix+"0123456789/"+socketName)
)

// makeSocketDir creates a folder that only the account and root can enter. It tries the parents in order, and uses the first one in which
// the folder can be created and whose path is short enough for a socket.
func makeSocketDir(acct account, parents ...string) (string, error) {
	var problems []string
	for _, parent := range parents {
		switch {
		case len(parent) > maxSocketParent:
			problems = append(problems, parent+" is too long a path for a socket")
			continue
		case !filepath.IsAbs(parent) || strings.ContainsAny(parent, `,"`):
			problems = append(problems, parent+" cannot hold a socket")
			continue
		}
		if blocked := acct.blockedAt(parent); blocked != "" {
			problems = append(problems, "the user that runs PostgreSQL cannot pass "+blocked)
			continue
		}
		dir, err := os.MkdirTemp(parent, socketPrefix)
		if err == nil {
			err = acct.own(dir)
		}
		if err == nil {
			return dir, nil
		}
		problems = append(problems, err.Error())
	}
	return "", fmt.Errorf("no folder for PostgreSQL's socket (%s): set TMPDIR to a short path that every user can reach", strings.Join(problems, "; "))
}

// removeSocketDir removes the files that a server leaves in its socket folder, and the folder itself. It removes nothing if dir is not such
// a folder.
func removeSocketDir(dir string) {
	if !strings.HasPrefix(filepath.Base(dir), socketPrefix) {
		return
	}
	for _, name := range []string{socketName, socketName + ".lock", passwordInput} {
		_ = os.Remove(filepath.Join(dir, name))
	}
	_ = os.Remove(dir)
}
