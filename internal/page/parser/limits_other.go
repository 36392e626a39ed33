//go:build !linux

package parser

import (
	"os"
	"syscall"
	"time"
)

// On systems other than Linux, a child is limited only by time and by the memory limit of the Go runtime.

func limitMemory(uint64) error { return nil }

func childAttr() *syscall.SysProcAttr { return nil }

func residentMemory(int) uint64 { return 0 }

func lowerPriority(int) {}

func killGroup(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
}

func usedCPU(int) time.Duration { return 0 }
