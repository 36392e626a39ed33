package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics has the metrics of a process. Its methods are safe for concurrent use, and a nil *Metrics has no effect.
type Metrics struct {
	instruments
	registry    *prometheus.Registry
	definitions []Definition
	state       *stateCollector
	database    *databaseCollector
}

// New returns the metrics of a process.
func New(version, role string) *Metrics {
	d := &definer{registry: prometheus.NewRegistry()}
	m := &Metrics{instruments: define(d), registry: d.registry, state: newStateCollector(), database: newDatabaseCollector()}
	m.definitions = append(append(d.all, m.state.definitions()...), m.database.definitions()...)
	d.registry.MustRegister(m.state, m.database, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.info.set(1, version, role)
	return m
}

// Definitions returns all metrics of legwork, in the order of the documentation. Those of the Go runtime and of the process are not among them.
func (m *Metrics) Definitions() []Definition { return m.definitions }

// Bounds of reading the metrics.
const (
	atOnce      = 3
	readTimeout = 10 * time.Second
)

// Handler serves the metrics in the formats of Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: atOnce, Timeout: readTimeout, ErrorHandling: promhttp.ContinueOnError,
		EnableOpenMetrics: true})
}

// Registry returns the registry, for tests.
func (m *Metrics) Registry() prometheus.Gatherer { return m.registry }
