//go:build unix && !linux

package pgembed

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// descriptorFolder is empty, because only Linux can open a folder by the path of an inherited descriptor.
const descriptorFolder = ""

// rootCache is root's download cache. The user that runs the server cannot read root's own cache folder.
const rootCache = "/Library/Caches/legwork"

// dieWithParent returns false, since these systems have no death signal. The watchdog is used instead.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) bool { return false }

// servesFolder reports whether process pid may be a PostgreSQL server. It checks only the name of the process, since these systems have no
// cheap way to find its working directory.
func servesFolder(pid int, _ string) bool {
	out, err := exec.Command("ps", "-o", "comm=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && isServerName(filepath.Base(strings.TrimSpace(string(out))))
}
