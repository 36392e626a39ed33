package main

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"slices"
)

// node is what one node does and what a task takes, as it was measured (docs/performance.md, docs/scaling.md).
type node struct {
	CommitsPerSecond float64 // commits of events and steps that one database server carries, with fsync
	CommitsPerTask   float64
	BytesPerTask     float64 // rows and indexes of a task, without snapshots of pages
	SlotsPerWorker   int
	ConnsPerProcess  int     // DATABASE_MAX_CONNS and four
	RunsPerAPI       float64 // tasks per second that one API process takes and streams
	MedianSeconds    float64 // of a run: pages and model
	Spread           float64 // of the logarithm of a run's seconds
	PeakFactor       float64
}

// measuredNode returns the figures of one node with two CPUs, and of a task with six pages and a model.
func measuredNode() node {
	return node{CommitsPerSecond: 3000, CommitsPerTask: 30, BytesPerTask: 16_500, SlotsPerWorker: 50, ConnsPerProcess: 24, RunsPerAPI: 90,
		MedianSeconds: 40, Spread: 0.6, PeakFactor: 2}
}

// day is what a simulated day shows.
type day struct {
	PeakPerSecond    float64 // mean arrivals in the busiest hour
	WaitP50, WaitP99 float64 // seconds from submission to start
	LongestQueue     int
	MostRunning      int
	PeakCommits      float64 // commits per second in the busiest minute
	Workers          int
	Connections      int
	Gigabytes        float64
}

const secondsADay = 86_400

// rate returns the arrivals at a second of the day as a multiple of the mean: a wave with one peak.
func (n node) rate(second float64) float64 {
	return 1 + (n.PeakFactor-1)*math.Sin(2*math.Pi*second/secondsADay)
}

// ends is a heap of the times at which running tasks end.
type ends []float64

func (e ends) Len() int           { return len(e) }
func (e ends) Less(i, j int) bool { return e[i] < e[j] }
func (e ends) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }

// Push implements heap.Interface.
func (e *ends) Push(x any) { *e = append(*e, x.(float64)) } //nolint:forcetypeassert // only simulate pushes

// Pop implements heap.Interface.
func (e *ends) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// simulate plays a day. Tasks arrive at random (a Poisson process whose rate follows the day), wait in one queue in their order, and take
// a slot for a time with a log-normal distribution. The same numbers give the same day.
func simulate(n node, tasks, slots int) day {
	random := rand.New(rand.NewPCG(1, uint64(tasks)))
	running := &ends{}
	var waits []float64
	starts := make([]float64, 0, tasks)
	commits := make([]float64, secondsADay/60)
	var d day
	head := 0 // tasks before it in starts have started at the time of an arrival
	mean := float64(tasks) / secondsADay
	for now := 0.0; ; {
		now += random.ExpFloat64() / (mean * n.PeakFactor) // thinning: too many arrivals, of which some are dropped
		if now >= secondsADay {
			break
		}
		if random.Float64()*n.PeakFactor > n.rate(now) {
			continue
		}
		start := now
		if running.Len() >= slots {
			start = max(now, heap.Pop(running).(float64)) //nolint:forcetypeassert // only this function pushes
		}
		takes := n.MedianSeconds * math.Exp(n.Spread*random.NormFloat64())
		heap.Push(running, start+takes)
		waits, starts = append(waits, start-now), append(starts, start)
		for head < len(starts) && starts[head] <= now {
			head++
		}
		d.LongestQueue = max(d.LongestQueue, len(starts)-head)
		for minute := int(start / 60); minute <= int((start+takes)/60) && minute < len(commits); minute++ {
			from, to := max(start, float64(minute)*60), min(start+takes, float64(minute+1)*60)
			commits[minute] += n.CommitsPerTask * (to - from) / takes / 60
		}
	}
	if len(waits) > 0 {
		slices.Sort(waits)
		d.WaitP50, d.WaitP99 = waits[len(waits)/2], waits[len(waits)*99/100]
		d.PeakCommits = slices.Max(commits)
	}
	d.PeakPerSecond = mean * n.PeakFactor
	d.Workers = (slots + n.SlotsPerWorker - 1) / n.SlotsPerWorker
	apis := max(1, int(math.Ceil(d.PeakPerSecond/n.RunsPerAPI)))
	d.Connections = (d.Workers + apis) * n.ConnsPerProcess
	d.Gigabytes = float64(len(waits)) * n.BytesPerTask / 1e9
	return d
}

// patience is how long 99 of 100 tasks may wait, in seconds.
const patience = 5

// fewestSlots returns the smallest number of slots with which 99 of 100 tasks wait for less than patience.
func fewestSlots(n node, tasks int) int {
	// What runs at once in the busiest hour is near what is needed.
	busiest := float64(tasks) / secondsADay * n.PeakFactor * n.MedianSeconds * math.Exp(n.Spread*n.Spread/2)
	low, high := int(busiest/2), int(busiest)+1 // low is too few
	for simulate(n, tasks, high).WaitP99 >= patience {
		low, high = high, high+high/4+1
	}
	for high-low > max(1, high/50) {
		if middle := (low + high) / 2; simulate(n, tasks, middle).WaitP99 >= patience {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}
