package measure

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// procField reads the number after a key of a file like /proc/meminfo; 0 when there is none.
func procField(path, key string) int64 {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			if f := strings.Fields(rest); len(f) > 0 {
				n, _ := strconv.ParseInt(f[0], 10, 64)
				return n
			}
		}
	}
	return 0
}

// Resident is the memory of a process in bytes; 0 when it is gone.
func Resident(pid int) int64 { return procField(fmt.Sprintf("/proc/%d/status", pid), "VmRSS:") << 10 }

// KernelSockets is the memory that the kernel holds for all sockets of the machine, in bytes: buffers of TCP, and the slabs, where
// the sockets themselves live.
func KernelSockets() int64 {
	pages := int64(0)
	if b, err := os.ReadFile("/proc/net/sockstat"); err == nil {
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "TCP:" {
				pages, _ = strconv.ParseInt(f[len(f)-1], 10, 64)
			}
		}
	}
	return pages*int64(os.Getpagesize()) + procField("/proc/meminfo", "Slab:")<<10
}

// ticksPerSecond is USER_HZ, which Linux fixes for user space.
const ticksPerSecond = 100

// CPUTime is how much CPU a process has used so far; 0 when it is gone.
func CPUTime(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), ") ") // the name before it may hold spaces
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticksPerSecond
}

// RaiseFileLimit allows as many open files as the system lets us, and gives that number.
func RaiseFileLimit() uint64 {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 0
	}
	l.Cur = l.Max
	_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l)
	_ = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l)
	return l.Cur
}
