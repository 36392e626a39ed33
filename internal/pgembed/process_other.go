//go:build unix && !linux

package pgembed

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// descriptorFolder is empty: only Linux opens a folder by an inherited descriptor.
const descriptorFolder = ""

// rootCache is root's download cache. root's own cache cannot be read by the user that runs the server.
const rootCache = "/Library/Caches/legwork"

// dieWithParent returns false: these systems have no death signal. The watchdog does its work.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) bool { return false }

// servesFolder reports whether the process pid may be a PostgreSQL server. It judges by the name, because these
// systems have no cheap way to read the folder of a process.
func servesFolder(pid int, _ string) bool {
	out, err := exec.Command("ps", "-o", "comm=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && isServerName(filepath.Base(strings.TrimSpace(string(out))))
}
