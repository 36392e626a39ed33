package metrics

import (
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"unicode/utf8"
)

// Bounds of labels.
const (
	maxValues      = 60 // different values of one label of one metric, besides other
	maxValueLength = 80 // bytes of a value
	other          = "other"
)

// Definition describes one metric.
type Definition struct {
	Name   string
	Type   string // counter, gauge or histogram
	Help   string
	Labels []string
	Shared bool // whether the value is of the whole installation, so that all processes report the same
}

// bound bounds the values of one label.
type bound struct {
	most int

	mu     sync.RWMutex
	values map[string]struct{}
}

// of returns the value under which v is counted.
func (b *bound) of(v string) string {
	b.mu.RLock()
	_, known := b.values[v]
	b.mu.RUnlock()
	if known {
		return v
	}
	v = clean(v)
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.values[v]; known || v == other {
		return v
	}
	if len(b.values) >= b.most {
		return other
	}
	b.values[v] = struct{}{}
	return v
}

// clean makes a value short and valid. The text is copied, so that it does not keep a larger one in memory.
func clean(v string) string {
	v = strings.ToValidUTF8(v, "\uFFFD")
	if len(v) > maxValueLength {
		cut := maxValueLength
		for !utf8.RuneStart(v[cut]) {
			cut--
		}
		v = v[:cut]
	}
	return strings.Clone(v)
}

type bounds []*bound

func newBounds(labels []string) bounds {
	out := make(bounds, len(labels))
	for i, name := range labels {
		out[i] = &bound{most: maxValues, values: map[string]struct{}{}}
		if name == "operation" { // one for each operation of the API, of which there are more
			out[i].most = 4 * maxValues
		}
	}
	return out
}

func (b bounds) of(values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = b[i].of(v)
	}
	return out
}

type counter struct {
	vec    *prometheus.CounterVec
	bounds bounds
}

func (c counter) add(n float64, values ...string) {
	if n > 0 { // a counter never falls
		c.vec.WithLabelValues(c.bounds.of(values)...).Add(n)
	}
}

type gauge struct {
	vec    *prometheus.GaugeVec
	bounds bounds
}

func (g gauge) add(n float64, values ...string) { g.vec.WithLabelValues(g.bounds.of(values)...).Add(n) }
func (g gauge) set(n float64, values ...string) { g.vec.WithLabelValues(g.bounds.of(values)...).Set(n) }

type histogram struct {
	vec    *prometheus.HistogramVec
	bounds bounds
}

func (h histogram) observe(d time.Duration, values ...string) {
	h.vec.WithLabelValues(h.bounds.of(values)...).Observe(max(d.Seconds(), 0))
}

// definer makes and registers vectors, and keeps their definitions.
type definer struct {
	registry *prometheus.Registry
	all      []Definition
}

func (d *definer) note(kind, name, help string, labels []string) bounds {
	d.all = append(d.all, Definition{Name: name, Type: kind, Help: help, Labels: labels})
	return newBounds(labels)
}

func (d *definer) counter(name, help string, labels ...string) counter {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	d.registry.MustRegister(v)
	return counter{v, d.note("counter", name, help, labels)}
}

func (d *definer) gauge(name, help string, labels ...string) gauge {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	d.registry.MustRegister(v)
	return gauge{v, d.note("gauge", name, help, labels)}
}

func (d *definer) histogram(name, help string, buckets []float64, labels ...string) histogram {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	d.registry.MustRegister(v)
	return histogram{v, d.note("histogram", name, help, labels)}
}
