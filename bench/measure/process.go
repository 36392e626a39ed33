package measure

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// procField returns the number after a key in a file like /proc/meminfo. It returns 0 if the file does not contain
// the key.
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

// Resident returns the resident memory of a process in bytes. It returns 0 if the process has ended.
func Resident(pid int) int64 { return procField(fmt.Sprintf("/proc/%d/status", pid), "VmRSS:") << 10 }

// ResidentTree returns the resident memory of a process and its descendants together, in bytes.
func ResidentTree(root int) int64 {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	parent := map[int]int{}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			parent[pid] = int(procField(fmt.Sprintf("/proc/%d/status", pid), "PPid:"))
		}
	}
	sum := int64(0)
	for pid := range parent {
		up := pid
		for hops := 0; up > 1 && up != root && hops < 20; hops++ {
			up = parent[up]
		}
		if up == root {
			sum += Resident(pid)
		}
	}
	return sum
}

// KernelSockets returns the kernel memory for all sockets of the machine, in bytes: TCP buffers, and the slabs with the socket structures.
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

// ticksPerSecond is USER_HZ, which is always 100 for user space on Linux.
const ticksPerSecond = 100

// CPUTime returns the CPU time that a process has used. It returns 0 if the process has ended.
func CPUTime(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), ") ") // the name in parentheses may contain spaces
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticksPerSecond
}

// RaiseFileLimit raises the limit of open files as far as the system allows, and returns it.
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
