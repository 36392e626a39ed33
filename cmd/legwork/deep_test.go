package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"legwork/api"
	"legwork/internal/testsite"
)

// deepModel is a scripted model that divides a question about the facts of a kettle into sub-questions, one for each fact,
// in two rounds. Its replies depend on the request alone, so that it recognises a request that is repeated.
type deepModel struct {
	*testsite.LLM
	site *testsite.Site

	mu       sync.Mutex
	requests map[string]int // what was asked → how often
	at       int            // number of requests at which reached is closed
	reached  chan struct{}

	facts  func(n int) []string                                         // the sentences about fact n
	write  func(r testsite.ModelRequest) (what string, t testsite.Turn) // writes the answer from all quotes
	holds  map[string]chan struct{}                                     // what was asked → closed when it was asked for the first time; that request gets no reply
	tokens bool                                                         // whether it reports a token for each four bytes of a request
}

const (
	firstFacts = 8 // sub-questions of the first round
	allFacts   = 12
)

var factQuestion = regexp.MustCompile(`Question: What is fact (\d+) of the kettle\?`)

func startDeepModel(t *testing.T, site *testsite.Site, at int) *deepModel {
	t.Helper()
	m := &deepModel{site: site, requests: map[string]int{}, at: at, reached: make(chan struct{}), facts: fact, write: allCited}
	m.start(t)
	return m
}

func (m *deepModel) start(t *testing.T) {
	t.Helper()
	for n := 1; n <= allFacts; n++ {
		m.site.Page(fmt.Sprintf("/fact/%d.html", n), fmt.Sprintf("<title>Fact %d</title><h1>Fact %d</h1><p>%s</p><p>Nothing else is known about it, and this sentence only makes the page longer.</p>",
			n, n, strings.Join(m.facts(n), "</p><p>")))
	}
	m.LLM = testsite.OpenAI(t, m.reply)
}

func fact(n int) []string {
	return []string{fmt.Sprintf("The fact number %d of the kettle is the number %d.", n, 1000+n)}
}

// allCited writes an answer with a sentence for each fact.
func allCited(testsite.ModelRequest) (string, testsite.Turn) {
	var b strings.Builder
	for n := 1; n <= allFacts; n++ {
		fmt.Fprintf(&b, "A fact of the kettle is known from quote %d [%d]. ", n, n)
	}
	return "answer", testsite.Turn{Text: b.String()}
}

// plan returns the reply with the sub-questions about some facts.
func plan(from, to int) testsite.Turn {
	var subs []map[string]string
	for n := from; n <= to; n++ {
		subs = append(subs, map[string]string{"question": fmt.Sprintf("What is fact %d of the kettle?", n), "purpose": "it is asked for"})
	}
	raw, _ := json.Marshal(map[string]any{"subquestions": subs})
	return testsite.Turn{Text: string(raw)}
}

// answer counts a request and returns its reply. A request of holds gets none, until its client is gone.
func (m *deepModel) answer(r testsite.ModelRequest, what string, t testsite.Turn) testsite.Turn {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests[what]++
	total := 0
	for _, n := range m.requests {
		total += n
	}
	if total == m.at {
		close(m.reached)
	}
	if asked := m.holds[what]; asked != nil && m.requests[what] == 1 {
		close(asked)
		t.Hang = true
	}
	if m.tokens {
		t.In = len(r.Raw) / 4
	}
	return t
}

func (m *deepModel) reply(_ int, r testsite.ModelRequest) testsite.Turn {
	messages := r.Messages()
	request, _ := messages[1]["content"].(string)
	child := factQuestion.FindStringSubmatch(request)
	switch {
	case strings.Contains(request, "Write the plan now"):
		return m.answer(r, "plan", plan(1, firstFacts))
	case strings.Contains(request, "These sub-questions were researched"):
		return m.answer(r, "gaps", plan(firstFacts+1, allFacts))
	case child == nil:
		what, t := m.write(r)
		return m.answer(r, what, t)
	}
	var n int
	_, _ = fmt.Sscan(child[1], &n)
	if len(r.Tools()) == 0 {
		var b strings.Builder
		for i := range m.facts(n) {
			fmt.Fprintf(&b, "It is known [%d]. ", i+1)
		}
		return m.answer(r, "child "+child[1]+" answer", testsite.Turn{Text: strings.TrimSpace(b.String())})
	}
	said := 0
	for _, message := range messages {
		if message["role"] == "assistant" {
			said++
		}
	}
	url := m.site.URL("/fact/" + child[1] + ".html")
	call := func(tool string, v map[string]any) testsite.Turn {
		b, _ := json.Marshal(v)
		return testsite.Turn{Calls: []testsite.ToolCall{{Name: tool, Arguments: string(b)}}}
	}
	turns := []testsite.Turn{call("navigate_to", map[string]any{"url": url}), call("cite", map[string]any{"url": url, "quotes": m.facts(n)}), {Text: "DONE"}}
	return m.answer(r, fmt.Sprintf("child %s step %d", child[1], said), turns[min(said, len(turns)-1)])
}

// askDeep submits the deep task. Its start page is no page of a fact, so each child opens it and the page of its fact.
func (w *world) askDeep(c *client, in map[string]any) api.Task {
	body := map[string]any{"question": "What are the facts of the kettle?", "effort": "deep", "format": "answer", "timeBudget": 600, "maxPages": 120}
	for k, v := range in {
		body[k] = v
	}
	return w.ask(c, body)
}

// TestDeepResearchAcrossWorkers lets three worker processes research a deep task of twelve sub-questions in two rounds,
// and kills one of them in the middle. Only the calls of the model that were in flight are made again, no page is loaded
// twice by one task, and the budget holds (the audit at the end of the test checks the shares).
func TestDeepResearchAcrossWorkers(t *testing.T) {
	w := newWorld(t)
	m := startDeepModel(t, w.site, 15)
	env := []string{"LLM_PROVIDER=openai", "LLM_BASE_URL=" + m.BaseURL(), "LLM_MODEL=scripted", "LEASE_TTL=1s", "MAX_CONCURRENT_TASKS=1", "VERIFY_SUPPORT=off"}
	c := w.serve(roleAPI, env...)
	all := append(settings(w.url, w.dir), env...)
	var victim *process // the worker whose row is the oldest
	for n := range 3 {
		p := w.start(all, "worker")
		eventually(t, "the worker is registered", func() bool { return w.count("SELECT count(*) FROM workers") == n+1 })
		if n == 0 {
			victim = p
		}
	}
	task := w.askDeep(c, nil)
	over := make(chan error, 1)
	go func() { over <- c.follow(w.ctx(), task.TaskID, func(event) error { return nil }) }()
	select {
	case <-m.reached:
	case err := <-over:
		t.Fatalf("the task was over too early: %v", err)
	}
	eventually(t, "the oldest worker works", func() bool {
		return w.count("SELECT count(*) FROM task_heads WHERE owner = (SELECT id FROM workers ORDER BY started_at LIMIT 1)") > 0
	})
	_ = victim.cmd.Process.Kill()
	if err := <-over; err != nil {
		t.Fatal(err)
	}
	done := w.get(c, task.TaskID)
	if done.Status != api.StatusCompleted || len(done.Citations) != allFacts {
		t.Fatalf("ended %s with %d citations: %v", done.Status, len(done.Citations), done.Error)
	}
	frames, _ := w.frames(c, task.TaskID, 0)
	gapless(t, frames, 1)
	lost := w.count("SELECT count(*) FROM runs WHERE outcome = 'lost'")
	again := 0
	for what, n := range m.requests {
		if again += n - 1; n > 2 {
			t.Errorf("%s was asked %d times", what, n)
		}
	}
	steps := w.count("SELECT count(*) FROM steps WHERE kind = 'model'")
	if lost < 1 || again > lost || len(m.requests) != steps || steps != 3+4*allFacts {
		t.Errorf("%d calls of the model were made again, %d runs were lost; %d different calls, %d in the journals", again, lost, len(m.requests), steps)
	}
	loads := map[string]int{}
	for _, r := range w.site.Requests() {
		if strings.HasPrefix(r.Path, "/fact/") {
			loads[r.Path]++
		}
	}
	repeated := 0
	for _, n := range loads {
		repeated += n - 1
	}
	if len(loads) != allFacts || repeated > lost {
		t.Errorf("%d pages were loaded, %d of them again after %d lost runs", len(loads), repeated, lost)
	}
	t.Logf("%d model calls, %d again; %d pages, %d again; %d runs lost", steps, again, len(loads), repeated, lost)
	tree := w.getTree(c, task.TaskID)
	if len(tree.Children) != allFacts || tree.Given.Pages > tree.Pool.Pages || tree.Given.Seconds > tree.Pool.Seconds {
		t.Errorf("the tree is %+v", tree)
	}
}

func (w *world) getTree(c *client, id string) (tree api.TaskTree) {
	w.t.Helper()
	status, body := w.body(c, "/api/tasks/"+id+"/tree")
	if err := json.Unmarshal(body, &tree); err != nil || status != http.StatusOK {
		w.t.Fatalf("tree: %d %s", status, body)
	}
	return tree
}

// TestDeepTaskOverTheAPI confirms a changed plan, and shows the progress as the command does.
func TestDeepTaskOverTheAPI(t *testing.T) {
	w := newWorld(t)
	m := startDeepModel(t, w.site, 0)
	c := w.serve(roleAll, "LLM_PROVIDER=openai", "LLM_BASE_URL="+m.BaseURL(), "LLM_MODEL=scripted", "VERIFY_SUPPORT=off")
	task := w.askDeep(c, map[string]any{"confirmPlan": true})
	eventually(t, "the plan waits", func() bool {
		got := w.get(c, task.TaskID)
		return got.WaitingFor != nil && *got.WaitingFor == api.WaitingPlan
	})
	if tree := w.getTree(c, task.TaskID); tree.Plan == nil || len(*tree.Plan) != firstFacts || len(tree.Children) != 0 {
		t.Errorf("the plan is %+v", tree)
	}
	post := func(body string) int {
		req, err := http.NewRequestWithContext(w.ctx(), http.MethodPost, c.base+"/api/tasks/"+task.TaskID+"/plan", bytes.NewBufferString(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := c.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	for _, bad := range []string{`{"subquestions":[]}`, `{"subquestions":[{"question":" "}]}`, `{"subquestions":"x"}`, `{"subquestions":[{}]}`} {
		if status := post(bad); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d", bad, status)
		}
	}
	if status := post(`{"subquestions":[{"question":"What is fact 3 of the kettle?"}]}`); status != http.StatusOK {
		t.Fatalf("confirm: status %d", status)
	}
	done := w.await(c, task.TaskID)
	if done.Status != api.StatusCompleted {
		t.Fatalf("ended %s: %v", done.Status, done.Error)
	}
	if status := post(""); status != http.StatusConflict {
		t.Errorf("confirmed again: status %d", status)
	}
	tree := w.getTree(c, task.TaskID)
	if tree.Children[0].Question != "What is fact 3 of the kettle?" || len(tree.Children) != 5 || tree.Children[4].Round != 2 {
		t.Errorf("the children are %+v", tree.Children)
	}
	child := w.get(c, tree.Children[0].TaskID)
	if child.ChildOf == nil || *child.ChildOf != task.TaskID {
		t.Errorf("the child is of %v", child.ChildOf)
	}
	var list api.TaskList
	if err := c.do(w.ctx(), "GET", "/api/tasks", nil, &list); err != nil || list.Total != 1 {
		t.Errorf("the list has %d tasks, %v", list.Total, err)
	}
	if err := c.do(w.ctx(), "GET", "/api/tasks?parent="+task.TaskID, nil, &list); err != nil || list.Total != 5 {
		t.Errorf("the list of the sub-questions has %d tasks, %v", list.Total, err)
	}
}

// TestAskDeep shows the plan, the sub-questions' progress and the answer on the command line.
func TestAskDeep(t *testing.T) {
	w := newWorld(t)
	m := startDeepModel(t, w.site, 0)
	c := w.serve(roleAll, "LLM_PROVIDER=openai", "LLM_BASE_URL="+m.BaseURL(), "LLM_MODEL=scripted", "VERIFY_SUPPORT=off")
	began := time.Now()
	status, out, errs := w.run(w.ctx(), settings(w.url, w.dir), "ask", "--api", c.base, "--effort", "deep", "--format", "answer", "--max-pages", "60", "--seed-url", w.site.URL("/index.html"), "What are the facts of the kettle?")
	if status != 0 {
		t.Fatalf("status %d after %v: %s %s", status, time.Since(began), out, errs)
	}
	for _, want := range []string{"divided into 8 sub-questions", "8. What is fact 8 of the kettle?", "4 more sub-questions", "[12]  Sub-question 12 is answered: It is known [1].", "A fact of the kettle is known from quote 12 [12]."} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
}
