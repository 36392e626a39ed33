package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"legwork/api"
	"legwork/internal/dbtest"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// TestScenario_FullLifecycle submits a task, waits for its end and reads its results, through the API alone.
func TestScenario_FullLifecycle(t *testing.T) {
	w := newWorld(t)
	c := w.serve(roleAll)
	task := w.ask(c, map[string]any{"metadata": map[string]any{"ticket": "K-7"}})
	if task.Status != api.StatusCreated || task.Question != "What is the default value of keep_warm_minutes?" {
		t.Errorf("created as %+v", task)
	}
	done := w.await(c, task.TaskID)
	if done.Status != api.StatusCompleted || done.Answer == nil || done.Confidence == nil || done.Duration == nil || done.Error != nil {
		t.Fatalf("ended as %+v", done)
	}
	if done.StartedAt == nil || done.CompletedAt == nil || done.Usage.Pages == 0 || done.Metadata["languageModel"] != false {
		t.Errorf("results = %+v", done)
	}
	var right bool
	st := dbtest.Open(t, w.url)
	for _, cite := range done.Citations {
		if cite.Excerpt == nil || len([]rune(*cite.Excerpt)) > research.MaxExcerpt || cite.Verified == nil || !*cite.Verified {
			t.Fatalf("citation = %+v", cite)
		}
		page, err := st.For(research.DefaultAccount).Page(t.Context(), *cite.PageID)
		if err != nil {
			t.Fatal(err)
		}
		if span := string([]rune(page.Text)[*cite.Start:*cite.End]); span != *cite.Excerpt {
			t.Errorf("excerpt %q is not the snapshot's span %q", *cite.Excerpt, span)
		}
		right = right || strings.HasSuffix(cite.URL, "/manual/settings-heating.html") && strings.Contains(*cite.Excerpt, "25 minutes")
	}
	if !right {
		t.Errorf("no citation of the right page holds the value: %s", *done.Answer)
	}
	var list api.TaskList
	if err := c.do(w.ctx(), http.MethodGet, "/api/tasks?status=completed&q=keep_warm", nil, &list); err != nil || list.Total != 1 || list.Tasks[0].TaskID != task.TaskID {
		t.Errorf("list = %+v, %v", list, err)
	}
	var health api.Health
	if err := c.do(w.ctx(), http.MethodGet, "/health", nil, &health); err != nil || !health.LangchainConnected || health.TotalTasks != 1 || health.Workers.Live != 1 {
		t.Errorf("health = %+v, %v", health, err)
	}
}

// TestScenario_EventStreaming checks that events arrive while the task runs, and that a stream from any cursor gets
// exactly the later events.
func TestScenario_EventStreaming(t *testing.T) {
	w := newWorld(t)
	c := w.serve(roleAll)
	release := w.site.Hold("/manual/settings-heating.html")
	defer release()
	task := w.ask(c, nil)
	live := make(chan event, 1000)
	followed := make(chan error, 1)
	go func() {
		followed <- c.follow(w.t.Context(), task.TaskID, func(e event) error { live <- e; return nil })
		close(live)
	}()
	// The event of the call must arrive while the page has not answered yet, which shows that events are sent at
	// once.
	for e := range live {
		if e.Type == "agent:tool_call" && strings.Contains(string(e.Frame), "settings-heating") {
			break
		}
		if e.Terminal() {
			t.Fatal("the log ended before the page was asked for")
		}
	}
	if got := w.get(c, task.TaskID); got.Status != api.StatusRunning {
		t.Errorf("while a page loads: %s", got.Status)
	}
	release()
	for range live {
	}
	if err := <-followed; err != nil {
		t.Fatal(err)
	}
	all, status := w.frames(c, task.TaskID, 0)
	gapless(t, all, 1)
	if status != websocket.StatusNormalClosure {
		t.Errorf("closed with %d, want 1000", status)
	}
	for _, after := range []int{1, 5, len(all) - 1, len(all), len(all) + 10} {
		rest, status := w.frames(c, task.TaskID, int64(after))
		same(t, "the rest", rest, all[min(after, len(all)):])
		if status != websocket.StatusNormalClosure {
			t.Errorf("after %d: closed with %d", after, status)
		}
	}
	var page struct {
		Events  []json.RawMessage `json:"events"`
		LastSeq int64             `json:"lastSeq"`
	}
	if err := c.do(w.ctx(), http.MethodGet, "/api/tasks/"+task.TaskID+"/events?after=2&limit=3", nil, &page); err != nil || len(page.Events) != 3 || page.LastSeq != int64(len(all)) {
		t.Errorf("events = %+v, %v", page, err)
	}
}

// TestScenario_ArtifactPersistence checks that the files of a finished task exist and are served, by the same process
// and by the next one.
func TestScenario_ArtifactPersistence(t *testing.T) {
	w := newWorld(t)
	first := w.app(roleAll)
	c := newClient(first.apiURL())
	done := w.await(c, w.ask(c, nil).TaskID)
	check := func(c *client) {
		t.Helper()
		var list api.Artifacts
		if err := c.do(w.ctx(), http.MethodGet, "/api/tasks/"+done.TaskID+"/artifacts", nil, &list); err != nil {
			t.Fatal(err)
		}
		if !list.Exists || !list.HasLogs || !list.HasResult || !list.HasSources || list.TotalSizeBytes == 0 || len(list.Files) != 3 {
			t.Errorf("artifacts = %+v", list)
		}
		status, b := w.body(c, "/artifacts/"+done.TaskID+"/result.json")
		var result api.Task
		if err := json.Unmarshal(b, &result); err != nil || status != http.StatusOK || *result.Answer != *done.Answer || len(result.Citations) != len(done.Citations) {
			t.Errorf("result.json: %d, %v", status, err)
		}
		if status, b = w.body(c, "/artifacts/"+done.TaskID+"/sources.json"); status != http.StatusOK || !strings.Contains(string(b), "/manual/settings-heating.html") {
			t.Errorf("sources.json: %d %s", status, b)
		}
		if status, b = w.body(c, "/artifacts/"+done.TaskID+"/logs.txt"); status != http.StatusOK || strings.Count(string(b), "\n") != int(done.LastSeq) {
			t.Errorf("logs.txt: %d, %d lines of %d events", status, strings.Count(string(b), "\n"), done.LastSeq)
		}
		if status, _ = w.body(c, "/artifacts/"+done.TaskID+"/..%2f..%2fsecret"); status != http.StatusNotFound {
			t.Errorf("a name that leaves the folder: %d", status)
		}
	}
	check(c)
	first.Stop(w.ctx())
	c = w.serve(roleAll)
	check(c)
	if err := c.do(w.ctx(), http.MethodDelete, "/api/tasks/"+done.TaskID, nil, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(w.dir, "artifacts", done.TaskID)); !os.IsNotExist(err) {
		t.Errorf("after delete: %v", err)
	}
}

// TestScenario_CancellationMidRun cancels one running task, which must stay in the list, and deletes another, which must
// disappear. Neither may make a further request.
func TestScenario_CancellationMidRun(t *testing.T) {
	w := newWorld(t)
	c := w.serve(roleAll)
	release := w.site.Hold("/manual/a-z.html")
	defer release()
	w.site.Hold("/manual/settings.html")
	w.site.Hold("/manual/settings-heating.html")
	begin := func() (id string, stream chan []string) {
		before := w.site.Count("/index.html")
		id = w.ask(c, nil).TaskID
		stream = make(chan []string, 1)
		conn, err := dialStream(w.t.Context(), c, id, 0) // opened before the task can be deleted
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			frames, status, err := readAll(w.t.Context(), conn)
			if err != nil || status != websocket.StatusNormalClosure {
				t.Errorf("stream closed with %d, %v", status, err)
			}
			stream <- frames
		}()
		if err := w.site.WaitFor(w.ctx(), "/index.html", before+1); err != nil {
			t.Fatal(err)
		}
		return id, stream
	}
	last := func(stream chan []string) string {
		frames := <-stream
		gapless(t, frames, 1)
		return frames[len(frames)-1]
	}

	id, stream := begin()
	var task api.Task
	if err := c.do(w.ctx(), http.MethodPost, "/api/tasks/"+id+"/cancel", map[string]any{"reason": "wrong question"}, &task); err != nil || task.Status != api.StatusCancelled || *task.Error != "wrong question" {
		t.Fatalf("cancel: %+v, %v", task, err)
	}
	if f := last(stream); !strings.Contains(f, `"errorCode":"cancelled"`) || !strings.Contains(f, "wrong question") {
		t.Errorf("last frame = %s", f)
	}

	id, stream = begin()
	if err := c.do(w.ctx(), http.MethodDelete, "/api/tasks/"+id, nil, nil); err != nil {
		t.Fatal(err)
	}
	deleted := time.Now()
	if f := last(stream); !strings.Contains(f, `"errorCode":"cancelled"`) {
		t.Errorf("last frame = %s", f)
	}
	if status, _ := w.body(c, "/api/tasks/"+id); status != http.StatusNotFound {
		t.Errorf("after delete: %d", status)
	}
	if n := w.count("SELECT count(*) FROM tasks WHERE id = $1", id) + w.count("SELECT count(*) FROM task_events WHERE task_id = $1", id) +
		w.count("SELECT count(*) FROM visits WHERE task_id = $1", id); n != 0 {
		t.Errorf("%d rows left", n)
	}
	// Another task runs to its end meanwhile, and the deleted one makes no further request.
	other := testsite.Start(t)
	w.await(c, w.ask(c, map[string]any{"seedUrl": other.URL("/index.html")}).TaskID)
	for _, r := range w.site.Requests() {
		if r.At.After(deleted.Add(time.Second)) {
			t.Errorf("%s was asked for %v after the delete", r.Path, r.At.Sub(deleted))
		}
	}
}

// TestScenario_ConcurrentTasks runs more tasks than there are slots. Each task must be answered and must have a log
// of its own.
func TestScenario_ConcurrentTasks(t *testing.T) {
	w := newWorld(t)
	c := w.serve(roleAll, "MAX_CONCURRENT_TASKS=3")
	questions := map[string]string{
		"What is the default value of max_clients?":        "8 clients",
		"What does error code E42 mean?":                   "lid is open",
		"How much citric acid does descaling take?":        "20 grams",
		"What is the default of boil_temperature?":         "100 degrees",
		"How long is water kept warm? (keep_warm_minutes)": "25 minutes",
		"Which TCP port is listen_port?":                   "7047",
	}
	ids := map[string]string{}
	for q := range questions {
		ids[q] = w.ask(c, map[string]any{"question": q}).TaskID
	}
	for q, id := range ids {
		done := w.await(c, id)
		if done.Status != api.StatusCompleted || done.Question != q {
			t.Errorf("%s: %s", q, done.Status)
			continue
		}
		found := false
		for _, cite := range done.Citations {
			found = found || strings.Contains(*cite.Excerpt, questions[q])
		}
		if !found {
			t.Errorf("%s: no citation holds %q: %s", q, questions[q], *done.Answer)
		}
		frames, _ := w.frames(c, id, 0)
		gapless(t, frames, 1)
		for _, f := range frames {
			if !strings.Contains(f, id) {
				t.Fatalf("a frame of another task: %s", f)
			}
		}
	}
}

// TestScenario_ErrorRecovery checks that a temporary error is reported and the request tried again, and that a task
// that cannot succeed fails with a clear message.
func TestScenario_ErrorRecovery(t *testing.T) {
	w := newWorld(t)
	c := w.serve(roleAll)
	flaky := w.await(c, w.ask(c, map[string]any{"seedUrl": w.site.URL("/flaky?fail=1&key=recovery"), "maxPages": 1}).TaskID)
	if flaky.Status != api.StatusCompleted {
		t.Errorf("after one 503: %s %v", flaky.Status, flaky.Error)
	}
	frames, _ := w.frames(c, flaky.TaskID, 0)
	gapless(t, frames, 1)
	if all := strings.Join(frames, "\n"); !strings.Contains(all, `"recoverable":true`) || !strings.Contains(all, `"outcome":"server_error"`) {
		t.Errorf("the failed try is not in the log:\n%s", all)
	}
	for name, in := range map[string]map[string]any{
		"missing page":    {"seedUrl": w.site.URL("/status/404")},
		"private address": {"seedUrl": "http://192.168.255.254:81/"},
		"metadata":        {"seedUrl": w.site.URL("/redirect-private")},
		"nothing to read": {"seedUrl": nil},
	} {
		done := w.await(c, w.ask(c, in).TaskID)
		if done.Status != api.StatusFailed || done.Error == nil || done.ErrorCode == nil || done.Answer != nil {
			t.Errorf("%s: %+v", name, done)
			continue
		}
		want := map[string]string{"private address": research.CodeSeedRefused, "metadata": research.CodeSeedRefused}[name]
		if want == "" {
			want = research.CodeNoSources
		}
		if *done.ErrorCode != want {
			t.Errorf("%s: %s %q, want %s", name, *done.ErrorCode, *done.Error, want)
		}
	}
	// The server still answers tasks.
	if done := w.await(c, w.ask(c, nil).TaskID); done.Status != api.StatusCompleted {
		t.Errorf("afterwards: %s", done.Status)
	}
}
