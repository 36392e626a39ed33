package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Database is what the database knows of the whole installation.
type Database struct {
	Tasks      map[string]int64 // open tasks by state: created, queued, held, paused, waiting, running
	Oldest     float64          // age of the oldest task that waits for a worker, in seconds
	Workers    int64            // live worker processes
	Slots      int64            // runs that they work on at the same time at most
	Jobs       []Jobs           // of River
	BudgetUsed map[string]float64
}

// Jobs is a number of jobs of River.
type Jobs struct {
	Queue, State string
	Count        int64
}

// DatabaseEvery is how often a process asks the database at most, however often its metrics are read.
const DatabaseEvery = 10 * time.Second

// databaseTimeout bounds one question. Prometheus waits for 10 s by default.
const databaseTimeout = 3 * time.Second

// databaseCollector reads the database when the metrics are read, at most once in DatabaseEvery.
type databaseCollector struct {
	tasks, oldest, workers, slots, jobs, budget, up, seconds described

	mu    sync.Mutex // held while the database is asked, so that others wait for the answer instead of asking too
	read  func(ctx context.Context) (Database, error)
	now   func() time.Time
	at    time.Time // of the last answer or failure
	took  time.Duration
	last  Database
	known bool // the last question was answered
}

func newDatabaseCollector() *databaseCollector {
	return &databaseCollector{
		now: time.Now,
		tasks: describe("gauge", "legwork_queue_tasks",
			"Depth of the queue: open tasks. state is created (a worker is free), queued, held (its account runs as many as it may), paused (until its "+
				"next try), waiting (for its plan or its children) or running.", true, "state"),
		oldest: describe("gauge", "legwork_queue_oldest_seconds",
			"Age of the queue: time that the oldest task has waited for a worker. 0 if none waits. Tasks that are held, paused or waiting do not count.", true),
		workers: describe("gauge", "legwork_workers", "Live worker processes.", true),
		slots:   describe("gauge", "legwork_worker_slots", "Runs that the live workers can work on at the same time.", true),
		jobs: describe("gauge", "legwork_river_jobs",
			"Jobs of River that have not ended. queue is research, upkeep (jobs on files, clean-up), or own (of legwork ask).", true, "queue", "state"),
		budget: describe("gauge", "legwork_budget_used_ratio",
			"The part of its monthly limit that the account has used which has used most. limit is pages, tokens or dollars. Absent if no account has the "+
				"limit.", true, "limit"),
		up: describe("gauge", "legwork_db_up",
			"1 if the database answered the last time that it was asked for these metrics. While it is 0, the others of this table are absent.", false),
		seconds: describe("gauge", "legwork_db_metrics_seconds", "Time that the database took to answer.", false),
	}
}

func (c *databaseCollector) all() []described {
	return []described{c.tasks, c.oldest, c.workers, c.slots, c.jobs, c.budget, c.up, c.seconds}
}

func (c *databaseCollector) definitions() []Definition { return definitionsOf(c.all()) }

// Describe implements prometheus.Collector.
func (c *databaseCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.all() {
		ch <- d.desc
	}
}

// Collect implements prometheus.Collector.
func (c *databaseCollector) Collect(ch chan<- prometheus.Metric) {
	found, took, known, asked := c.answer()
	if !asked {
		return
	}
	c.up.send(ch, number(known))
	c.seconds.send(ch, took.Seconds())
	if !known {
		return
	}
	for state, n := range found.Tasks {
		c.tasks.send(ch, float64(n), state)
	}
	c.oldest.send(ch, found.Oldest)
	c.workers.send(ch, float64(found.Workers))
	c.slots.send(ch, float64(found.Slots))
	for _, j := range found.Jobs {
		c.jobs.send(ch, float64(j.Count), j.Queue, j.State)
	}
	for limit, used := range found.BudgetUsed {
		c.budget.send(ch, used, limit)
	}
}

// answer returns the last answer of the database, and asks it again if that is old. Callers that come meanwhile wait for the same answer.
func (c *databaseCollector) answer() (found Database, took time.Duration, known, asked bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.read == nil {
		return Database{}, 0, false, false
	}
	if began := c.now(); c.at.IsZero() || began.Sub(c.at) >= DatabaseEvery {
		ctx, cancel := context.WithTimeout(context.Background(), databaseTimeout)
		defer cancel()
		answer, err := c.read(ctx)
		c.at = c.now()
		c.took, c.last, c.known = c.at.Sub(began), answer, err == nil
	}
	return c.last, c.took, c.known, true
}

// WatchDatabase makes what the database knows part of the metrics.
func (m *Metrics) WatchDatabase(read func(ctx context.Context) (Database, error)) {
	if m == nil {
		return
	}
	m.database.mu.Lock()
	defer m.database.mu.Unlock()
	m.database.read = read
}
