package metrics

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	dto "github.com/prometheus/client_model/go"
)

// scrape reads the metrics as Prometheus does.
func scrape(t *testing.T, m *Metrics) map[string]*dto.MetricFamily {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	require.Equal(t, 200, w.Code, w.Body)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(w.Body)
	require.NoError(t, err)
	return families
}

// everything makes each instrument count something.
func everything(m *Metrics) {
	yes, s := true, 2.5
	m.Requested("getTask", 200, time.Millisecond)
	m.RequestFailed("not_found")
	m.Submitted("standard")
	m.Ended(TaskEnd{Status: "completed", Answered: &yes, Seconds: &s, Budget: "maxPages"})
	m.Waited(time.Second)
	m.RunBegan()("completed")
	m.RunLost()
	m.Stepped("cite", true, time.Second)
	m.ModelCalled(ModelCall{Provider: "openai", Model: "m", Result: "ok", Took: time.Second, Input: 10, Output: 2, Cached: 3})
	m.Cost("openai", "m", 0.5)
	m.PageOpened("ok", "http", time.Second, 1000)
	m.Searched("library", "ok")
	m.StreamOpened("sse").Sent(time.Now().Add(time.Second))
	m.Notified(3, true, time.Millisecond)
	m.BrowserStarted("ok")
	m.Logged("info")
	m.WatchPool(func() Pool { return Pool{Used: 1, Max: 20} })
	m.WatchHub(func() Hub { return Hub{Watched: 2} })
	m.WatchBrowser(func() Browser { return Browser{Available: true, Most: 4} })
	m.WatchDatabase(func(context.Context) (Database, error) {
		return Database{Tasks: map[string]int64{"queued": 7}, Oldest: 3, Jobs: []Jobs{{"research", "available", 7}}, BudgetUsed: map[string]float64{"pages": .5}}, nil
	})
}

// TestEveryDefinitionIsScraped checks that a scrape has every metric that is documented, with its type and labels, and no other of legwork.
func TestEveryDefinitionIsScraped(t *testing.T) {
	t.Parallel()
	m := New("1.2.3", "all")
	everything(m)
	families := scrape(t, m)
	defined := map[string]bool{}
	for _, d := range m.Definitions() {
		defined[d.Name] = true
		f := families[d.Name]
		require.NotNil(t, f, "%s is not scraped", d.Name)
		require.Equal(t, d.Type, strings.ToLower(f.GetType().String()), d.Name)
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		require.ElementsMatch(t, d.Labels, labels, d.Name)
		require.Equal(t, d.Type == "counter", strings.HasSuffix(d.Name, "_total"), "%s: counters end with _total", d.Name)
		require.True(t, strings.HasSuffix(d.Help, "."), "%s: the help is a sentence", d.Name)
	}
	for name := range families {
		require.True(t, defined[name] || strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_"), "%s is not documented", name)
	}
	require.InDelta(t, 7, families["legwork_queue_tasks"].GetMetric()[0].GetGauge().GetValue(), 0)
	require.EqualValues(t, 1, families["legwork_stream_delivery_seconds"].GetMetric()[0].GetHistogram().GetSampleCount())
}

// TestHostileLabels checks that names from outside make a bounded number of series, and that each is valid.
func TestHostileLabels(t *testing.T) {
	t.Parallel()
	m := New("x", "all")
	for i := range 5000 {
		name := fmt.Sprintf("model-%d\xff\x00\n\"}", i) + strings.Repeat("é", 500)
		m.ModelCalled(ModelCall{Provider: name, Model: name, Result: name})
		m.Stepped(name, false, 0)
		m.PageOpened(name, name, 0, -1)
		m.Requested(name, i, time.Second)
	}
	families := scrape(t, m)
	for _, d := range m.Definitions() {
		values := map[string]map[string]bool{}
		for _, series := range families[d.Name].GetMetric() {
			for _, l := range series.GetLabel() {
				if values[l.GetName()] == nil {
					values[l.GetName()] = map[string]bool{}
				}
				values[l.GetName()][l.GetValue()] = true
				require.LessOrEqual(t, len(l.GetValue()), maxValueLength)
			}
		}
		for label, seen := range values {
			most := maxValues
			if label == "operation" {
				most = 4 * maxValues
			}
			require.LessOrEqual(t, len(seen), most+1, "%s %s", d.Name, label)
		}
	}
	require.Greater(t, len(families["legwork_model_calls_total"].GetMetric()), maxValues/2, "the first names are told apart")
}

// TestDatabaseIsAskedSeldom checks that many readers ask the database once, that an answer is used for DatabaseEvery, and that an outage is told.
func TestDatabaseIsAskedSeldom(t *testing.T) {
	t.Parallel()
	m := New("x", "all")
	now := time.Now()
	m.database.now = func() time.Time { return now }
	asked, down := 0, false
	m.WatchDatabase(func(context.Context) (Database, error) {
		asked++
		if down {
			return Database{}, errors.New("down")
		}
		return Database{Tasks: map[string]int64{"queued": int64(asked)}}, nil
	})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { _, err := m.Registry().Gather(); _ = err })
	}
	all.Wait()
	require.Equal(t, 1, asked)
	now, down = now.Add(DatabaseEvery), true
	families := scrape(t, m)
	require.Equal(t, 2, asked)
	require.Zero(t, families["legwork_db_up"].GetMetric()[0].GetGauge().GetValue())
	require.NotContains(t, families, "legwork_queue_tasks", "an old number would look like a new one")
	scrape(t, m)
	require.Equal(t, 2, asked, "an outage is not asked about more often")
	now, down = now.Add(DatabaseEvery), false
	require.InDelta(t, 3, scrape(t, m)["legwork_queue_tasks"].GetMetric()[0].GetGauge().GetValue(), 0)
}

// TestNothing checks that a nil *Metrics counts nothing.
func TestNothing(t *testing.T) {
	t.Parallel()
	var m *Metrics
	everything(m)
	m.StreamOpened("sse").Closed()
}

// BenchmarkStep is what a step of a run costs.
func BenchmarkStep(b *testing.B) {
	m := New("x", "all")
	b.ReportAllocs()
	for b.Loop() {
		m.Stepped("navigate_to", true, time.Second)
	}
}
