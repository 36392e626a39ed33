package testcost_test

import (
	"testing"
	"time"

	"legwork/internal/testcost"
)

// recorder is a testing.TB that records a failure.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) Helper()               {}

func TestCheck(t *testing.T) {
	limit := testcost.Limit{Time: time.Microsecond, Alloc: 10}
	testcost.Check(t, 100, limit, func() {})
	alloc := &recorder{TB: t}
	var kept [][]byte
	testcost.Check(alloc, 100, limit, func() { kept = append(kept, make([]byte, 20<<20)) })
	slow := &recorder{TB: t}
	runs := 0
	testcost.Check(slow, 100, limit, func() {
		runs++
		for began := time.Now(); time.Since(began) < 1100*time.Millisecond; {
		}
	})
	if !alloc.failed || !slow.failed || runs != 3 || len(kept) == 0 {
		t.Errorf("alloc %v, slow %v after %d runs", alloc.failed, slow.failed, runs)
	}
}
