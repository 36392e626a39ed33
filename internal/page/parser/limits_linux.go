package parser

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// limitMemory bounds the private writable memory of this process (RLIMIT_DATA). Go reserves address space far beyond what it
// uses, so a bound on that (RLIMIT_AS) would say nothing. It also forbids core dumps, which would hold foreign documents.
func limitMemory(n uint64) error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return err
	}
	if n == 0 {
		return nil
	}
	return syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: n, Max: n})
}

// childAttr puts a child into a process group of its own, and lets the kernel kill it when the thread that starts it ends.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// residentMemory is the memory that a process has in RAM, in bytes; 0: unknown.
func residentMemory(pid int) uint64 {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(data)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

// clockTick is the unit of CPU times in /proc: Linux shows them in hundredths of a second on every architecture.
const clockTick = 10 * time.Millisecond

// usedCPU is the CPU time that a process has used since it started; 0: unknown.
func usedCPU(pid int) time.Duration {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	// "pid (comm) state …"; comm may hold spaces and brackets of its own.
	fields := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	user, err1 := strconv.ParseInt(string(fields[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(fields[12]), 10, 64)
	if err1 != nil || err2 != nil {
		return 0
	}
	return time.Duration(user+system) * clockTick
}
