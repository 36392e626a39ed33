package main

import (
	"bytes"
	"io"
	"math"
	"strings"
	"testing"
)

// TestSimulationKeepsLittlesLaw checks the simulation against what must hold: the tasks that run on average are the arrivals per second
// times the mean seconds of a run, and with that many slots and no more, the queue grows.
func TestSimulationKeepsLittlesLaw(t *testing.T) {
	t.Parallel()
	n := measuredNode()
	n.PeakFactor = 1
	const tasks = 50_000
	mean := float64(tasks) / secondsADay * n.MedianSeconds * math.Exp(n.Spread*n.Spread/2)
	if d := simulate(n, tasks, int(2*mean)); d.WaitP99 != 0 {
		t.Errorf("with twice the slots that work needs, tasks wait: %+v", d)
	}
	if d := simulate(n, tasks, int(0.9*mean)); d.WaitP50 < 60 || d.LongestQueue < tasks/100 {
		t.Errorf("with too few slots, tasks do not wait: %+v", d)
	}
	// The busiest minute of the day is above the mean, by chance.
	if d := simulate(n, tasks, int(2*mean)); d.PeakCommits < n.CommitsPerTask*tasks/secondsADay || d.PeakCommits > 2*n.CommitsPerTask*tasks/secondsADay {
		t.Errorf("%f commits/s for %f tasks/s", d.PeakCommits, float64(tasks)/secondsADay)
	}
	if few := fewestSlots(n, tasks); float64(few) < mean || float64(few) > 2*mean {
		t.Errorf("%d slots for %f running tasks", few, mean)
	}
	if a, b := simulate(n, tasks, 100), simulate(n, tasks, 100); a != b {
		t.Error("two runs differ")
	}
}

func TestCommand(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if status := program([]string{"-tasks", "1000"}, &out, io.Discard); status != 0 || strings.Count(out.String(), "\n") != 3 {
		t.Errorf("status %d, %s", status, &out)
	}
	if status := program([]string{"-nonsense"}, io.Discard, io.Discard); status != 2 {
		t.Errorf("status %d", status)
	}
}
