// Package testcost lets tests bound the time and memory that a function needs per byte of its input. The cost of
// parsers of foreign input must grow linearly with the input, not with its square.
package testcost

import (
	"cmp"
	"runtime"
	"testing"
	"time"
)

// Defaults of the fixed part of a Limit.
const (
	startTime  = time.Second
	startAlloc = 8 << 20
)

// tries is how often a function may run before it is considered too slow, because other programs may use the
// processor at the same time.
const tries = 3

// Limit bounds the cost of a function: a part per byte of input, and a fixed part.
type Limit struct {
	Time  time.Duration
	Alloc int // bytes allocated per byte of input, including freed ones

	StartTime  time.Duration // fixed part of the time; 0 means 1 s
	StartAlloc int           // fixed part of the allocation in bytes; 0 means 8 MiB
}

// Check runs f, whose input has size bytes, and fails the test if f exceeds limit. It runs f up to three times and
// uses the shortest time.
func Check(t testing.TB, size int, limit Limit, f func()) {
	t.Helper()
	mostTime, mostAlloc := cmp.Or(limit.StartTime, startTime)+time.Duration(size)*limit.Time, uint64(cmp.Or(limit.StartAlloc, startAlloc)+size*limit.Alloc)
	for try := 1; ; try++ {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		f()
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		if alloc := after.TotalAlloc - before.TotalAlloc; alloc > mostAlloc {
			t.Errorf("%d bytes were allocated for %d of input, more than %d", alloc, size, mostAlloc)
		}
		if took <= mostTime {
			return
		}
		if try == tries {
			t.Errorf("it took %v for %d bytes of input, more than %v", took, size, mostTime)
			return
		}
	}
}
