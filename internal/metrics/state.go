package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Pool is the state of the pool of connections to the database.
type Pool struct {
	Used, Idle, Max  int32
	Acquired         int64   // connections that were taken from the pool, since the start
	Waited           int64   // of these, those that had to wait because none was free
	WaitSeconds      float64 // the time of all these waits
	Cancelled        int64   // waits that were given up
	ReadOnly, NoRoom bool    // what the server last said
}

// Hub is the state of the streams of this process.
type Hub struct {
	Watched int   // tasks with a subscription
	Reading int   // reads of the table that run for subscriptions behind their window
	Behind  int64 // such reads since the start
}

// Browser is the state of Chromium.
type Browser struct {
	Available  bool
	Tabs, Most int
}

// sources are the functions that tell the present state. Those of parts that the process does not have are nil.
type sources struct {
	pool    func() Pool
	hub     func() Hub
	browser func() Browser
}

// stateCollector reads the state of the process when the metrics are read.
type stateCollector struct {
	mu sync.Mutex
	sources

	connections, waits, waitSeconds, acquired, cancelled, readOnly, noRoom described
	watched, reading, behind                                               described
	browserUp, tabs                                                        described
}

func newStateCollector() *stateCollector {
	return &stateCollector{
		connections: describe("gauge", "legwork_db_connections", "Connections of the pool. state is used, idle, or max for the most that there may be.", false, "state"),
		acquired:    describe("counter", "legwork_db_acquires_total", "Connections that were taken from the pool.", false),
		waits:       describe("counter", "legwork_db_acquire_waits_total", "Connections for which the process had to wait, because none was free.", false),
		waitSeconds: describe("counter", "legwork_db_acquire_wait_seconds_total", "Time of these waits.", false),
		cancelled:   describe("counter", "legwork_db_acquire_cancels_total", "Waits that were given up.", false),
		readOnly:    describe("gauge", "legwork_db_read_only", "1 while the server accepts no writes.", false),
		noRoom:      describe("gauge", "legwork_db_disk_full", "1 while the server has no room on its disk.", false),

		watched: describe("gauge", "legwork_stream_tasks", "Tasks that have an open stream in this process.", false),
		reading: describe("gauge", "legwork_stream_lagging_reads", "Reads of the events table that run for streams that are behind what this process keeps in memory.", false),
		behind:  describe("counter", "legwork_stream_lagging_reads_total", "Such reads since the start.", false),

		browserUp: describe("gauge", "legwork_browser_up", "1 while pages can be shown in Chromium.", false),
		tabs:      describe("gauge", "legwork_browser_tabs", "Tabs of Chromium. state is used, or max for the most that there may be.", false, "state"),
	}
}

func (c *stateCollector) all() []described {
	return []described{c.watched, c.reading, c.behind, c.browserUp, c.tabs, c.connections, c.acquired, c.waits, c.waitSeconds, c.cancelled, c.readOnly, c.noRoom}
}

func (c *stateCollector) definitions() []Definition { return definitionsOf(c.all()) }

func definitionsOf(all []described) []Definition {
	out := make([]Definition, len(all))
	for i, d := range all {
		out[i] = d.Definition
	}
	return out
}

// Describe implements prometheus.Collector.
func (c *stateCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.all() {
		ch <- d.desc
	}
}

// Collect implements prometheus.Collector.
func (c *stateCollector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	from := c.sources
	c.mu.Unlock()
	if from.pool != nil {
		p := from.pool()
		c.connections.send(ch, float64(p.Used), "used")
		c.connections.send(ch, float64(p.Idle), "idle")
		c.connections.send(ch, float64(p.Max), "max")
		c.acquired.send(ch, float64(p.Acquired))
		c.waits.send(ch, float64(p.Waited))
		c.waitSeconds.send(ch, p.WaitSeconds)
		c.cancelled.send(ch, float64(p.Cancelled))
		c.readOnly.send(ch, number(p.ReadOnly))
		c.noRoom.send(ch, number(p.NoRoom))
	}
	if from.hub != nil {
		h := from.hub()
		c.watched.send(ch, float64(h.Watched))
		c.reading.send(ch, float64(h.Reading))
		c.behind.send(ch, float64(h.Behind))
	}
	if from.browser != nil {
		b := from.browser()
		c.browserUp.send(ch, number(b.Available))
		c.tabs.send(ch, float64(b.Tabs), "used")
		c.tabs.send(ch, float64(b.Most), "max")
	}
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// WatchPool makes the state of the pool part of the metrics.
func (m *Metrics) WatchPool(f func() Pool) { m.watch(func(s *sources) { s.pool = f }) }

// WatchHub makes the state of the streams part of the metrics.
func (m *Metrics) WatchHub(f func() Hub) { m.watch(func(s *sources) { s.hub = f }) }

// WatchBrowser makes the state of Chromium part of the metrics.
func (m *Metrics) WatchBrowser(f func() Browser) { m.watch(func(s *sources) { s.browser = f }) }

func (m *Metrics) watch(set func(*sources)) {
	if m == nil {
		return
	}
	m.state.mu.Lock()
	defer m.state.mu.Unlock()
	set(&m.state.sources)
}
