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

// TestMemoryTogether: the processes of a large pool, all of which read documents that want much memory, stay below the sum
// that they may take together. What a process takes between two looks at it comes on top.
// It is not built with the race detector, which takes many times the memory: make test runs it by itself (make memory).
func TestMemoryTogether(t *testing.T) {
	t.Parallel()
	const memory, betweenLooks = 200 << 20, 64 << 20
	p := newPool(t, Config{Size: 8, Timeout: time.Hour, Memory: memory, LargeMemory: 180 << 20, SmallMemory: 48 << 20}, "parse")
	mark := t.TempDir() // tells the processes of this pool from others
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

// memoryOf is the resident memory of the processes with mark in their command line, in bytes.
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
