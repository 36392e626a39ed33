// Package testcost lets tests say what a function may cost for each byte of its input. Parsers of foreign input are to be
// linear: what they take may grow with a document, and not with its square.
package testcost

import (
	"cmp"
	"runtime"
	"testing"
	"time"
)

// What a function may take whatever its input, where Limit does not say it.
const (
	startTime  = time.Second
	startAlloc = 8 << 20
)

// tries is how often a function is run before it has taken too long: other programs can take the processor away.
const tries = 3

// Limit is what a function may take for each byte of input.
type Limit struct {
	Time  time.Duration
	Alloc int // bytes that are allocated, freed ones included

	StartTime  time.Duration // whatever the input; 1 s
	StartAlloc int           // the same; 8 MiB
}

// Check runs f, whose input has size bytes, and fails the test when it takes more than limit. Of the time, the least of three
// runs counts.
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
