package parser

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// limitMemory bounds the private writable memory of this process (RLIMIT_DATA). RLIMIT_AS would not work, since Go reserves much more
// address space than it uses. Core dumps are disabled, since they would contain foreign documents.
func limitMemory(n uint64) error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return err
	}
	if n == 0 {
		return nil
	}
	return syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: n, Max: n})
}

// childAttr puts a child into its own process group, and makes the kernel kill it when the thread that started it ends.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// residentMemory returns the resident memory of a process, in bytes, or 0 if it is unknown.
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

// largeNice is the niceness of a process that reads a large document (setpriority(2)). While other processes need the CPU, it gets about a
// third of what one of them gets.
const largeNice = 5

// lowerPriority sets the niceness of all threads of a child to largeNice, unless they are nicer already, as this program may be. It
// cannot be undone without privileges.
func lowerPriority(pid int) {
	priority, err := syscall.Getpriority(syscall.PRIO_PROCESS, pid) // Linux returns 20 minus the niceness
	if err == nil && 20-priority < largeNice {
		_ = syscall.Setpriority(syscall.PRIO_PGRP, pid, largeNice)
	}
}

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

// clockTick is the unit of CPU times in /proc. On Linux it is a hundredth of a second on every architecture.
const clockTick = 10 * time.Millisecond

// usedCPU returns the CPU time that a process has used since its start, or 0 if it is unknown.
func usedCPU(pid int) time.Duration {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	// "pid (comm) state …"; comm may contain spaces and brackets.
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
