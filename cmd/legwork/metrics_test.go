package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"legwork/api"
	"legwork/internal/metrics"
	"legwork/internal/testsite"
)

// scrape reads metrics as Prometheus does.
func scrape(t *testing.T, ctx context.Context, url string) map[string]*dto.MetricFamily {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v %s", url, res.Status, err, body)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(body)))
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return families
}

// value returns the sum of a metric's series that have these label values, as name=value.
func value(f *dto.MetricFamily, labels ...string) (sum float64) {
	for _, m := range f.GetMetric() {
		has := map[string]bool{}
		for _, l := range m.GetLabel() {
			has[l.GetName()+"="+l.GetValue()] = true
		}
		fits := true
		for _, l := range labels {
			fits = fits && has[l]
		}
		if fits {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

// TestMetricsAfterATask runs a task with a model on an API and a worker process, and scrapes both: the API at its own port, the worker at METRICS_PORT.
func TestMetricsAfterATask(t *testing.T) {
	w := newWorld(t)
	server := testsite.OpenAI(t, longResearch(w.site))
	env := []string{"LLM_PROVIDER=openai", "LLM_BASE_URL=" + server.BaseURL(), "LLM_MODEL=scripted", "MODEL_PRICES=scripted=1000/2000"}
	c := w.serve(roleAPI, env...)
	port := freePort(t)
	worker := w.start(settings(w.url, w.dir, append(env, fmt.Sprintf("METRICS_PORT=%s", port))...), "worker")
	task := w.ask(c, nil)
	if got := w.await(c, task.TaskID); got.Status != api.StatusCompleted {
		t.Fatalf("%+v", got)
	}
	url := fmt.Sprintf("http://127.0.0.1:%s/metrics", port)
	var ofWorker map[string]*dto.MetricFamily
	eventually(t, "the run has ended", func() bool {
		ofWorker = scrape(t, w.ctx(), url)
		return value(ofWorker["legwork_runs_ended_total"]) == 1
	})
	ofAPI := scrape(t, w.ctx(), c.base+"/metrics")
	for _, want := range []struct {
		of     map[string]*dto.MetricFamily
		name   string
		labels []string
		least  float64
	}{
		{ofAPI, "legwork_build_info", []string{"role=api"}, 1},
		{ofAPI, "legwork_http_requests_total", []string{"operation=createTask", "status=201"}, 1},
		{ofAPI, "legwork_tasks_submitted_total", []string{"effort=standard"}, 1},
		{ofAPI, "legwork_stream_messages_total", nil, 5},
		{ofAPI, "legwork_db_up", nil, 1},
		{ofAPI, "legwork_workers", nil, 1},
		{ofAPI, "legwork_db_connections", []string{"state=max"}, 10},
		{ofWorker, "legwork_tasks_ended_total", []string{"status=completed"}, 1},
		{ofWorker, "legwork_runs_ended_total", []string{"outcome=completed"}, 1},
		{ofWorker, "legwork_task_wait_seconds", nil, 1},
		{ofWorker, "legwork_steps_total", []string{"tool=navigate_to", "outcome=ok"}, 2},
		{ofWorker, "legwork_steps_total", []string{"tool=model"}, 5},
		{ofWorker, "legwork_model_calls_total", []string{"provider=openai", "model=scripted", "result=ok"}, 5},
		{ofWorker, "legwork_model_tokens_total", []string{"direction=input"}, 1},
		{ofWorker, "legwork_model_cost_dollars_total", []string{"model=scripted"}, 0.000001},
		{ofWorker, "legwork_pages_total", []string{"outcome=ok", "source=http"}, 2},
		{ofWorker, "legwork_notify_flushes_total", []string{"result=ok"}, 1},
		{ofWorker, "process_open_fds", nil, 1},
	} {
		if got := value(want.of[want.name], want.labels...); got < want.least {
			t.Errorf("%s%v is %v, want at least %v", want.name, want.labels, got, want.least)
		}
	}
	checkSeries(t, ofAPI, "api")
	checkSeries(t, ofWorker, "worker")
	refused, err := http.NewRequestWithContext(w.ctx(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	refused.Host = "attacker.example"
	res, err := http.DefaultClient.Do(refused)
	if err != nil || res.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("a page with a name that resolves to loopback: %v %v", res, err)
	}
	_ = res.Body.Close()
	w.stop(worker)
}

// checkSeries checks that a scrape has no metric that is not documented, and a bounded number of series.
func checkSeries(t *testing.T, families map[string]*dto.MetricFamily, role string) {
	t.Helper()
	documented := map[string]bool{}
	for _, d := range metrics.New("x", role).Definitions() {
		documented[d.Name] = true
	}
	series := 0
	for name, f := range families {
		series += len(f.GetMetric())
		if !documented[name] && strings.HasPrefix(name, "legwork_") {
			t.Errorf("%s is not documented", name)
		}
	}
	if series > 400 {
		t.Errorf("%s: %d series after one task", role, series)
	}
	t.Logf("%s: %d metrics, %d series", role, len(families), series)
}
