package heap

import (
	"runtime"
	"testing"
)

// TestReserve allocates 16 MB in small pieces. Without a reserve the collector runs several times meanwhile; with one it
// does not run.
func TestReserve(t *testing.T) { // not parallel, because it counts the runs of the collector in this process
	collections := func() (before uint32, after uint32) {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		before = m.NumGC
		for range 16 << 10 {
			piece = make([]byte, 1<<10)
		}
		runtime.ReadMemStats(&m)
		return before, m.NumGC
	}
	if before, after := collections(); after == before {
		t.Error("the collector did not run without a reserve, so this test shows nothing")
	}
	release := Reserve()
	if before, after := collections(); after != before {
		t.Errorf("the collector ran %d times in spite of the reserve", after-before)
	}
	release()
}

var piece []byte // keeps the compiler from placing the pieces on the stack
