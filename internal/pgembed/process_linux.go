package pgembed

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// descriptorFolder is the path of the first inherited descriptor. The kernel opens it directly, without checking the permissions of the folders
// above.
const descriptorFolder = "/proc/self/fd/3"

// rootCache is root's download cache. The user that runs the server cannot read root's ~/.cache.
const rootCache = "/var/cache/legwork"

// dieWithParent makes the kernel send sig to the process when the thread that started it ends. It reports whether the system supports that.
func dieWithParent(attr *syscall.SysProcAttr, sig syscall.Signal) bool {
	attr.Pdeathsig = sig
	return true
}

// servesFolder reports whether process pid is running and may be a PostgreSQL server on the data folder. A zombie counts as ended.
func servesFolder(pid int, data string) bool {
	proc := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(proc + "/stat")
	if err != nil {
		return false
	}
	// The format is "pid (comm) state …"; comm may contain spaces and brackets.
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || end < open || end+2 >= len(stat) || stat[end+2] == 'Z' || stat[end+2] == 'X' {
		return false
	}
	// A server's working directory is its data folder. If this user may not read the link to it, the process's name decides.
	if cwd, err := os.Stat(proc + "/cwd"); err == nil {
		here, err := os.Stat(data)
		return err == nil && os.SameFile(cwd, here)
	}
	return isServerName(string(stat[open+1 : end]))
}
