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

// rootCache is root's download cache: root's own one is closed to the user that runs the server.
const rootCache = "/Library/Caches/legwork"

// dieWithParent reports that the system has no death signal; a watchdog takes its place.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) bool { return false }

// servesFolder tells whether the living process pid may be a PostgreSQL server, by its name: the system does not tell
// a process's folder cheaply.
func servesFolder(pid int, _ string) bool {
	out, err := exec.Command("ps", "-o", "comm=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && isServerName(filepath.Base(strings.TrimSpace(string(out))))
}
