package pgembed

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// descriptorFolder names the first inherited descriptor. The kernel follows it straight to the folder, without asking
// for the right to pass the folders above it.
const descriptorFolder = "/proc/self/fd/3"

// rootCache is root's download cache: root's own ~/.cache is closed to the user that runs the server.
const rootCache = "/var/cache/legwork"

// dieWithParent makes the kernel send sig to the process when the thread that starts it ends. It reports whether the
// system can do that.
func dieWithParent(attr *syscall.SysProcAttr, sig syscall.Signal) bool {
	attr.Pdeathsig = sig
	return true
}

// servesFolder tells whether the living process pid may be a PostgreSQL server on the data folder. A process that has
// died but was not collected by its parent counts as dead.
func servesFolder(pid int, data string) bool {
	proc := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(proc + "/stat")
	if err != nil {
		return false
	}
	// "pid (comm) state …"; comm may hold spaces and brackets of its own.
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || end < open || end+2 >= len(stat) || stat[end+2] == 'Z' || stat[end+2] == 'X' {
		return false
	}
	// A server's working directory is its data folder. Not everyone may read that link: then the name decides.
	if cwd, err := os.Stat(proc + "/cwd"); err == nil {
		here, err := os.Stat(data)
		return err == nil && os.SameFile(cwd, here)
	}
	return isServerName(string(stat[open+1 : end]))
}
