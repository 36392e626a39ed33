//go:build !race

package parser

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMemoryTogether: all processes of a large pool read documents that need much memory. Together they use less than Config.Memory, plus
// what each process allocates between two measurements. The test is not built with the race detector, which needs many times the memory.
// "make test" includes "make memory", which runs this test without the race detector.
func TestMemoryTogether(t *testing.T) {
	t.Parallel()
	const memory, betweenLooks = 200 << 20, 64 << 20
	p := newPool(t, Config{Size: 8, Timeout: time.Hour, Memory: memory, LargeMemory: 180 << 20, SmallMemory: 48 << 20}, "parse")
	mark := t.TempDir() // identifies the processes of this pool
	p.cfg.Command = append(p.cfg.Command, mark)
	body := []byte("<!DOCTYPE html><title>T</title>" + strings.Repeat("<p><a href=/page>Page</a> about it\n", 40_000))

	stop, stopped := make(chan struct{}), make(chan uint64)
	go func() {
		tick := time.NewTicker(15 * time.Millisecond)
		defer tick.Stop()
		most := uint64(0)
		for {
			select {
			case <-tick.C:
				most = max(most, memoryOf(mark))
			case <-stop:
				stopped <- most
				return
			}
		}
	}()
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if r, err := p.Read(t.Context(), base, header("text/html"), body); err != nil || len(r.Page.Text) == 0 {
				t.Errorf("%d bytes of text, %v", len(r.Page.Text), err)
			}
		})
	}
	wg.Wait()
	close(stop)
	most := <-stopped
	t.Logf("at most %d MiB", most>>20)
	if most > memory+betweenLooks {
		t.Errorf("the processes took %d MiB together, more than %d", most>>20, memory>>20)
	}
	if most < uint64(memory)/4 {
		t.Errorf("the processes took %d MiB together: the documents do not show what they should", most>>20)
	}
}

// memoryOf returns the resident memory, in bytes, of the processes with mark in their command line.
func memoryOf(mark string) (sum uint64) {
	list, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range list {
		if line, err := os.ReadFile(path); err == nil && bytes.Contains(line, []byte(mark)) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			sum += residentMemory(pid)
		}
	}
	return sum
}
