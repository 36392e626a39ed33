package pgembed

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// descriptorFolder names the first inherited descriptor. The kernel opens the folder directly, without checking
// the right to pass the folders above it.
const descriptorFolder = "/proc/self/fd/3"

// rootCache is root's download cache. root's own ~/.cache cannot be read by the user that runs the server.
const rootCache = "/var/cache/legwork"

// dieWithParent makes the kernel send sig to the process when the thread that starts it ends. It reports whether the
// system can do that.
func dieWithParent(attr *syscall.SysProcAttr, sig syscall.Signal) bool {
	attr.Pdeathsig = sig
	return true
}

// servesFolder reports whether the process pid runs and may be a PostgreSQL server on the data folder. A process
// that has ended counts as ended even if its parent has not waited for it.
func servesFolder(pid int, data string) bool {
	proc := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(proc + "/stat")
	if err != nil {
		return false
	}
	// The format is "pid (comm) state …"; comm itself may hold spaces and brackets.
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || end < open || end+2 >= len(stat) || stat[end+2] == 'Z' || stat[end+2] == 'X' {
		return false
	}
	// A server's working directory is its data folder. Not every user may read that link; without it the name of
	// the process decides.
	if cwd, err := os.Stat(proc + "/cwd"); err == nil {
		here, err := os.Stat(data)
		return err == nil && os.SameFile(cwd, here)
	}
	return isServerName(string(stat[open+1 : end]))
}
