package main

import (
	"slices"
	"strings"
	"testing"

	"legwork/api"
	"legwork/internal/testsite"
)

// TestTraceOfATaskOverTwoProcesses kills the worker of a task in the middle (kill -9), and checks that the request, the steps of both workers and
// their model calls, pages and statements are one trace, and that the second run links to the first.
func TestTraceOfATaskOverTwoProcesses(t *testing.T) {
	w := newWorld(t)
	collector := testsite.NewCollector(t)
	model := testsite.OpenAI(t, longResearch(w.site))
	env := []string{"LLM_PROVIDER=openai", "LLM_BASE_URL=" + model.BaseURL(), "LLM_MODEL=scripted", "LEASE_TTL=1s",
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL, "OTEL_BSP_SCHEDULE_DELAY=20"}
	c := w.serve(roleAPI, env...)
	release := w.site.Hold("/manual/settings-network.html")
	defer release()
	first := w.start(settings(w.url, w.dir, env...), "worker")
	task := w.ask(c, nil)
	if err := w.site.WaitFor(w.ctx(), "/manual/settings-network.html", 1); err != nil {
		t.Fatal(err)
	}
	has := func(name string) func([]testsite.Span) bool {
		return func(spans []testsite.Span) bool {
			return slices.ContainsFunc(spans, func(s testsite.Span) bool { return strings.HasPrefix(s.Name, name) })
		}
	}
	if _, err := collector.WaitFor(w.ctx(), has("execute_tool cite")); err != nil {
		t.Fatalf("the first worker sends no spans: %v\n%s", err, first.errs)
	}
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-first.done
	killed := len(collector.Spans())
	release()
	second := w.start(settings(w.url, w.dir, env...), "worker")
	if got := w.await(c, task.TaskID); got.Status != api.StatusCompleted {
		t.Fatalf("%+v\n%s", got, second.errs)
	}
	spans, err := collector.WaitFor(w.ctx(), has("run"))
	if err != nil {
		t.Fatal(err)
	}
	checkTrace(t, spans, killed, task.TaskID)
}

// checkTrace checks the spans of a task whose first worker was killed after so many spans.
func checkTrace(t *testing.T, spans []testsite.Span, killed int, task string) {
	t.Helper()
	var request, run testsite.Span
	for _, s := range spans {
		switch s.Name {
		case "POST /api/tasks":
			request = s
		case "run":
			run = s
		}
	}
	if run.Attributes["legwork.task_id"] != task || run.Parent != request.ID || len(run.Links) != 1 || run.Attributes["legwork.outcome"] != "completed" {
		t.Errorf("the second run: %+v, the request: %+v", run, request)
	}
	kinds, workers, lost := map[string]int{}, map[string]bool{}, ""
	for i, s := range spans {
		if s.Trace != request.Trace {
			continue
		}
		kind, _, _ := strings.Cut(s.Name, " ")
		kinds[kind]++
		if s.Role == "worker" {
			workers[s.Instance] = true
		}
		if i < killed && strings.HasPrefix(s.Name, "execute_tool") {
			lost = s.Parent
		}
	}
	if len(workers) != 2 {
		t.Errorf("the trace has spans of %d workers, want 2: %v", len(workers), kinds)
	}
	for _, kind := range []string{"execute_tool", "chat", "model", "page", "run", "POST"} {
		if kinds[kind] == 0 {
			t.Errorf("the trace has no %q: %v", kind, kinds)
		}
	}
	if len(run.Links) == 1 && run.Links[0] != lost {
		t.Errorf("the second run links to %s; the steps of the first are below %s", run.Links[0], lost)
	}
	t.Logf("%d spans, of the trace: %v", len(spans), kinds)
	for _, s := range spans {
		for key, value := range s.Attributes {
			if text, ok := value.(string); ok && strings.Contains(text, "keep_warm_minutes") {
				t.Errorf("%s of %s has the question: %s", key, s.Name, text)
			}
		}
		if s.Name == "chat scripted" && !s.Failed && (s.Attributes["gen_ai.operation.name"] != "chat" || s.Attributes["gen_ai.request.model"] != "scripted" ||
			s.Attributes["gen_ai.usage.input_tokens"] == nil) {
			t.Errorf("%+v", s)
		}
	}
}
