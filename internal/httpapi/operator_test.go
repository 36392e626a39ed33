package httpapi

import (
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// TestMetricsOfRequests checks that requests are counted by operation and error code, and never by a path or a method that clients choose.
func TestMetricsOfRequests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.get("/api/tasks/00000000-0000-7000-8000-000000000001").wantError(404, "not_found")
	for _, path := range []string{"/hostile-1", "/hostile-2"} {
		b.get(path).wantError(404, "not_found")
	}
	b.do("BREW", "/hostile-3", strings.NewReader(""))
	res := b.get("/metrics")
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(res.body)))
	if err != nil {
		t.Fatalf("%v: %s", err, res.body)
	}
	got := map[string]float64{}
	for _, m := range families["legwork_http_requests_total"].GetMetric() {
		got[m.GetLabel()[0].GetValue()+" "+m.GetLabel()[1].GetValue()] = m.GetCounter().GetValue()
	}
	if got["getTask 404"] != 1 || got["none 404"] != 2 || strings.Contains(string(res.body), "hostile") || strings.Contains(string(res.body), "BREW") {
		t.Errorf("%v\n%s", got, res.body)
	}
	for _, m := range families["legwork_http_request_errors_total"].GetMetric() {
		if m.GetLabel()[0].GetValue() == "not_found" && m.GetCounter().GetValue() != 3 {
			t.Errorf("%v", m)
		}
	}
}

// TestLogLevel changes the level of the log.
func TestLogLevel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if got := string(b.get("/api/log-level").body); !strings.Contains(got, `"debug"`) {
		t.Error(got)
	}
	res := b.do("PUT", "/api/log-level", strings.NewReader(`{"level":"info"}`), "Content-Type", "application/json")
	if res.status != 200 || !strings.Contains(string(res.body), `"info"`) || !strings.Contains(string(b.get("/api/log-level").body), `"info"`) {
		t.Errorf("%d %s", res.status, res.body)
	}
	if !strings.Contains(b.log.String(), "level of the log was changed") {
		t.Error("the change is not logged")
	}
	for _, body := range []string{`{}`, `{"level":"loud"}`, `{"level":null}`} {
		b.do("PUT", "/api/log-level", strings.NewReader(body), "Content-Type", "application/json").wantError(422, "validation_error", "level")
	}
}
