package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"legwork/api"
	"legwork/internal/agent/report"
	"legwork/internal/dbtest"
	"legwork/internal/testsite"
)

// years returns the sentences about fact n: three for each fact of the first round and four for each of the second, so
// that there are forty.
func years(n int) []string {
	first, count := 3*(n-1), 3
	if n > firstFacts {
		first, count = 3*firstFacts+4*(n-firstFacts-1), 4
	}
	var out []string
	for i := first; i < first+count; i++ {
		out = append(out, fmt.Sprintf("In the year %d, so the chronicle says, the town of Lower Boiling counted %d kettles.", 1500+i, 13*i+4))
	}
	return out
}

// startDeepReporter starts a model that plans twelve sub-questions in two rounds, and writes a report from their quotes.
// It never replies to the first request of each of holds.
func startDeepReporter(t *testing.T, site *testsite.Site, holds ...string) *deepModel {
	t.Helper()
	m := &deepModel{site: site, requests: map[string]int{}, facts: years, holds: map[string]chan struct{}{}, tokens: true}
	for _, what := range holds {
		m.holds[what] = make(chan struct{})
	}
	reporter := &testsite.Reporter{Quotes: 40}
	m.write = func(r testsite.ModelRequest) (string, testsite.Turn) {
		rules := fmt.Sprint(r.Messages()[0]["content"])
		what := rules[:min(len(rules), 30)]
		if n := testsite.WantedSection(r); n > 0 {
			what = fmt.Sprint("section ", n)
		}
		return what, reporter.Turn(0, r)
	}
	m.start(t)
	return m
}

// TestDeepReportAcrossWorkers lets three worker processes write a report of 5,000 words with 40 citations from twelve
// sub-questions. The worker of a sub-question is killed during a call of the model, and so is the worker that writes the
// report. Only these two calls are made again, no page is loaded twice, and no budget is exceeded: neither the shares,
// which constraints keep within the pool, nor what was used of them.
func TestDeepReportAcrossWorkers(t *testing.T) {
	w := newWorld(t)
	const childsCall, sectionsCall = "child 5 step 1", "section 4"
	m := startDeepReporter(t, w.site, childsCall, sectionsCall)
	env := []string{"LLM_PROVIDER=openai", "LLM_BASE_URL=" + m.BaseURL(), "LLM_MODEL=scripted", "LEASE_TTL=1s", "MAX_CONCURRENT_TASKS=1", "VERIFY_SUPPORT=off"}
	c := w.serve(roleAPI, env...)
	workers := map[string]*process{} // by the id of their row
	for n := range 3 {
		p := w.start(append(settings(w.url, w.dir), env...), "worker")
		eventually(t, "the worker is registered", func() bool { return w.count("SELECT count(*) FROM workers") == n+1 })
		workers[w.text("SELECT id::text FROM workers ORDER BY started_at DESC LIMIT 1")] = p
	}
	const tokens = 400_000
	task := w.askDeep(c, map[string]any{"format": "report", "length": 5000, "maxTokens": tokens})
	over := make(chan error, 1)
	go func() { over <- c.follow(w.ctx(), task.TaskID, func(event) error { return nil }) }()
	for _, what := range []string{childsCall, sectionsCall} {
		select {
		case <-m.holds[what]:
		case err := <-over:
			t.Fatalf("the task was over before %s: %v", what, err)
		}
		id := task.TaskID
		if what == childsCall {
			id = w.getTree(c, task.TaskID).Children[4].TaskID
		}
		_ = workers[w.text("SELECT owner::text FROM task_heads WHERE task_id = $1", id)].cmd.Process.Kill()
	}
	if err := <-over; err != nil {
		t.Fatal(err)
	}
	done := w.get(c, task.TaskID)
	if done.Status != api.StatusCompleted {
		t.Fatalf("ended %s: %v", done.Status, done.Error)
	}
	w.checkReport(done)
	frames, _ := w.frames(c, task.TaskID, 0)
	gapless(t, frames, 1)
	for what, n := range m.requests {
		if _, held := m.holds[what]; n > 1 && (!held || n > 2) {
			t.Errorf("%s was asked %d times", what, n)
		}
	}
	if steps := w.count("SELECT count(*) FROM steps WHERE kind = 'model'"); len(m.requests) != steps {
		t.Errorf("%d different calls of the model, %d in the journals", len(m.requests), steps)
	}
	loads := map[string]int{}
	for _, r := range w.site.Requests() {
		if strings.HasPrefix(r.Path, "/fact/") {
			loads[r.Path]++
		}
	}
	for path, n := range loads {
		if n > 1 {
			t.Errorf("%s was loaded %d times", path, n)
		}
	}
	tree := w.getTree(c, task.TaskID)
	if len(loads) != allFacts || len(tree.Children) != allFacts || tree.Given.Pages > tree.Pool.Pages || tree.Given.Seconds > tree.Pool.Seconds || *tree.Given.Tokens > *tree.Pool.Tokens {
		t.Errorf("%d pages were loaded; the tree is %+v", len(loads), tree)
	}
	used := w.count("SELECT sum(input_tokens + output_tokens) FROM steps")
	if pages := w.count("SELECT count(*) FROM steps WHERE tool = 'navigate_to'"); used > tokens || pages > 120 {
		t.Errorf("%d tokens and %d pages were used", used, pages)
	}
	t.Logf("%d model calls, 2 again; %d pages; %d of %d tokens", w.count("SELECT count(*) FROM steps WHERE kind = 'model'"), len(loads), used, tokens)
}

// text returns the text that a query selects.
func (w *world) text(sql string, args ...any) (out string) {
	w.t.Helper()
	if err := dbtest.Open(w.t, w.url).Pool().QueryRow(w.ctx(), sql, args...).Scan(&out); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// checkReport requires a whole report of about 5,000 words, whose 40 citations are those that its sentences are about.
func (w *world) checkReport(done api.Task) {
	w.t.Helper()
	answer := *done.Answer
	if n := report.Words(answer); n < 4000 || n > 6000 {
		w.t.Errorf("the report has %d words", n)
	}
	if len(done.Citations) != 40 {
		w.t.Errorf("the report has %d citations", len(done.Citations))
	}
	cited := map[int]bool{}
	for _, m := range testsite.ReportedYear.FindAllStringSubmatch(answer, -1) {
		n, err := strconv.Atoi(strings.Trim(m[2], "[]"))
		if err != nil || n < 1 || n > len(done.Citations) || !strings.Contains(*done.Citations[n-1].Excerpt, "In the year "+m[1]+",") {
			w.t.Fatalf("the sentence about the year %s has the marker %s", m[1], m[2])
		}
		cited[n] = true
	}
	if len(cited) != 40 || strings.Contains(answer, "incomplete") {
		w.t.Errorf("%d citations are used; the report begins %.300s", len(cited), answer)
	}
}
