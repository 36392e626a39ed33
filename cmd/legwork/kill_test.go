package main

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"legwork/api"
	"legwork/internal/failpoint"
	"legwork/internal/testsite"
)

// longResearch is a scripted model that opens pages in ten replies and then answers. The reply depends on the conversation alone,
// so a repeated request gets the same reply.
func longResearch(site *testsite.Site) testsite.Script {
	heating, network, index := site.URL("/manual/settings-heating.html"), site.URL("/manual/settings-network.html"), site.URL("/index.html")
	call := func(name string, args map[string]any) testsite.ToolCall {
		raw, _ := json.Marshal(args)
		return testsite.ToolCall{Name: name, Arguments: string(raw)}
	}
	turns := [][]testsite.ToolCall{
		{call("extract_links_from_page", map[string]any{"url": index, "contains": "heating"})},
		{call("navigate_to", map[string]any{"url": heating}), call("get_page_content", map[string]any{"url": heating})},
		{call("find_in_page", map[string]any{"query": "boil_temperature default"})},
		{call("cite", map[string]any{"url": heating, "quote": "boil_temperature"})},
		{call("navigate_to", map[string]any{"url": network})},
		{call("find_in_page", map[string]any{"query": "listen_port default"})},
		{call("cite", map[string]any{"url": network, "quote": "The TCP port of the kettle's interface, 7047 unless changed."})},
		{call("cite", map[string]any{"url": network, "quote": "max_clients"}), call("extract_links_from_page", map[string]any{"url": network})},
		{call("get_page_content_chunk", map[string]any{"url": heating, "chunk": 1})},
	}
	return func(_ int, r testsite.ModelRequest) testsite.Turn {
		said := 0
		for _, m := range r.Messages() {
			if m["role"] == "assistant" {
				said++
			}
		}
		switch {
		case len(r.Tools()) == 0:
			return testsite.Turn{Text: "It boils at 100 degrees [1]. The port is 7047 [2], for some clients [3]."}
		case said < len(turns):
			return testsite.Turn{Calls: turns[said]}
		}
		return testsite.Turn{Text: "DONE"}
	}
}

// killed runs one task with workers that are killed again and again.
type killed struct {
	*world
	server *testsite.LLM
	api    *client
	env    []string
}

func newKilled(t *testing.T) *killed {
	t.Helper()
	needFailpoints(t)
	k := &killed{world: newWorld(t)}
	k.server = testsite.OpenAI(t, longResearch(k.site))
	k.env = settings(k.url, k.dir, "LLM_PROVIDER=openai", "LLM_BASE_URL="+k.server.BaseURL(), "LLM_MODEL=scripted", "LEASE_TTL=1s")
	k.api = k.serve(roleAPI, "LLM_PROVIDER=openai", "LLM_BASE_URL="+k.server.BaseURL(), "LLM_MODEL=scripted", "LEASE_TTL=1s")
	return k
}

// taskMark matches the marker before and after untrusted text, which differs from task to task.
var taskMark = regexp.MustCompile(`page-text-[0-9a-f]{8}`)

// secondsLeft matches what the model is told about its time.
var secondsLeft = regexp.MustCompile(`\d+ seconds`)

// outcome holds a task's requests to the model and the site, and its result.
type outcome struct {
	answer string
	asked  []string // each request that the model got, without the parts that differ between tasks
	read   []string // each request that the site got
	steps  int
	kills  int
}

// research runs a task to its end. It starts a worker with the given failpoints, and a new one whenever the worker
// has died.
func (k *killed) research(failpoints string) outcome {
	k.t.Helper()
	return k.researchWith(map[string]any{"question": "What does boil_temperature default to, and which port is listen_port?"}, failpoints)
}

// researchWith is research for a task with these fields.
func (k *killed) researchWith(fields map[string]any, failpoints string) outcome {
	k.t.Helper()
	asked, read := len(k.server.Requests()), len(k.site.Requests())
	task := k.ask(k.api, fields)
	over := make(chan error, 1)
	go func() { over <- k.api.follow(k.ctx(), task.TaskID, func(event) error { return nil }) }()
	var out outcome
	for running := true; running; {
		worker := k.start(append(k.env, failpoint.Variable+"="+failpoints), "worker")
		select {
		case <-worker.done:
			if out.kills++; out.kills > 60 {
				k.t.Fatal("the task makes no progress")
			}
		case err := <-over:
			if running = false; err != nil {
				k.t.Fatal(err)
			}
			_ = worker.cmd.Process.Kill()
		}
	}
	done := k.get(k.api, task.TaskID)
	if done.Status != api.StatusCompleted || done.Answer == nil {
		k.t.Fatalf("ended %s: %v", done.Status, done.Error)
	}
	out.answer = *done.Answer
	for _, r := range k.server.Requests()[asked:] {
		out.asked = append(out.asked, secondsLeft.ReplaceAllString(taskMark.ReplaceAllString(r.Raw, "page-text"), "N seconds"))
	}
	for _, r := range k.site.Requests()[read:] {
		if r.Path != "/robots.txt" { // each process reads it once
			out.read = append(out.read, r.Method+" "+r.Path)
		}
	}
	out.steps = k.count("SELECT count(*) FROM steps WHERE task_id = $1", task.TaskID)
	frames, _ := k.frames(k.api, task.TaskID, 0)
	gapless(k.t, frames, 1)
	if int64(len(frames)) != done.LastSeq {
		k.t.Errorf("%d frames, lastSeq %d", len(frames), done.LastSeq)
	}
	return out
}

// TestKilledAfterEveryStep kills the worker after each of twenty steps of a task. Calls of the model and page loads
// that are in the journal must not be repeated: the model and the site must get exactly the requests of a run that is
// not killed.
func TestKilledAfterEveryStep(t *testing.T) {
	k := newKilled(t)
	want := k.research("")
	if want.kills != 0 || want.steps < 20 {
		t.Fatalf("undisturbed: %d steps, %d kills", want.steps, want.kills)
	}
	began := time.Now()
	got := k.research("after_step_commit=kill:1")
	t.Logf("%d kills in %v; %d model calls, %d page loads", got.kills, time.Since(began), len(got.asked), len(got.read))
	if got.kills != want.steps {
		t.Errorf("%d kills at %d steps", got.kills, want.steps)
	}
	if got.answer != want.answer || got.steps != want.steps {
		t.Errorf("%d steps to %q, undisturbed %d to %q", got.steps, got.answer, want.steps, want.answer)
	}
	same(t, "what the model was asked", got.asked, want.asked)
	same(t, "what the site was asked", got.read, want.read)
}

// TestKilledBeforeSteps kills the worker after a call and before its step is in the journal. After each kill only
// that one call, to the model or the site, may be repeated.
func TestKilledBeforeSteps(t *testing.T) {
	k := newKilled(t)
	want := k.research("")
	got := k.research("before_step_commit=kill:3") // each worker records two steps
	if got.kills < want.steps/3 || got.answer != want.answer || got.steps != want.steps {
		t.Errorf("%d kills, %d steps to %q, undisturbed %d to %q", got.kills, got.steps, got.answer, want.steps, want.answer)
	}
	repeated := len(got.asked) + len(got.read) - len(want.asked) - len(want.read)
	if repeated < 1 || repeated > got.kills {
		t.Errorf("%d calls were repeated after %d kills", repeated, got.kills)
	}
	same(t, "what the model was asked, repetitions aside", slices.Compact(got.asked), want.asked)
	same(t, "what the site was asked, repetitions aside", slices.Compact(got.read), want.read)
}

// TestKilledReport kills each worker after its third step of a task that writes a report of 5,000 words with 40 citations. No call of
// the model may be repeated.
func TestKilledReport(t *testing.T) {
	k := newKilled(t)
	reporter := &testsite.Reporter{Page: k.site.URL("/manual/long.html"), Quotes: 40, Cut: 2}
	k.server.Follow(reporter.Turn)
	options := map[string]any{"question": "How many kettles did Lower Boiling have?", "seedUrl": k.site.URL("/index.html"), "format": "report", "length": 5000, "timeBudget": 600}
	want := k.researchWith(options, "")
	got := k.researchWith(options, "after_step_commit=kill:3")
	t.Logf("%d kills, %d model calls, %d words", got.kills, len(got.asked), len(strings.Fields(got.answer)))
	if want.steps < 50 || got.kills < want.steps/3 || got.steps != want.steps || got.answer != want.answer {
		t.Errorf("%d kills, %d steps to %q, undisturbed %d to %q", got.kills, got.steps, got.answer, want.steps, want.answer)
	}
	if n := len(strings.Fields(got.answer)); n < 4000 || n > 6000 || !strings.Contains(got.answer, "[40]") {
		t.Errorf("a report of %d words: %s", n, got.answer)
	}
	same(t, "what the model was asked", got.asked, want.asked)
	same(t, "what the site was asked", got.read, want.read)
}
