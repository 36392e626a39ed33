package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"legwork/api"
	"legwork/internal/dbtest"
	"legwork/internal/jobs"
	"legwork/internal/store"
	"legwork/internal/store/identities"
	"legwork/internal/store/usage"
	"legwork/internal/stream"
)

// real is the API with the real services and a database of its own. No worker runs, so tasks stay queued until a test ends them.
type real struct {
	*bundle
	store *store.Store
}

func setupReal(t testing.TB) *real {
	t.Helper()
	return setupRealOn(t, dbtest.New(t))
}

// setupRealOn is setupReal on an existing database. change alters the configuration of the API.
func setupRealOn(t testing.TB, st *store.Store, change ...func(*Config)) *real {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	hub := stream.NewHub(st.Worker(), stream.Config{Logger: log})
	publisher := stream.NewPublisher(hub, st.Worker(), log)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { hub.Run(ctx) })
	running.Go(func() { publisher.Run(ctx) })
	t.Cleanup(func() { hub.Stop(); cancel(); running.Wait() })
	used, err := usage.New(st)
	if err != nil {
		t.Fatal(err)
	}
	b := setup(t, func(c *Config, _ *timing) {
		c.Hub = hub
		c.Data = func(account string) AccountData { return st.For(account) }
		c.Identities, c.Usage, c.Streams = identities.New(st), used, usage.NewStreams(used, log)
		for _, more := range change {
			more(c)
		}
	})
	svc, err := jobs.NewService(st, publisher, b.files, log)
	if err != nil {
		t.Fatal(err)
	}
	b.api.server.tasks, b.api.server.Files.Config.Tasks = svc, svc // set only now, because the service needs the bundle's files
	return &real{bundle: b, store: st}
}

func (r *real) rows() int64 {
	r.t.Helper()
	_, total, err := r.store.Worker().Counts(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return total
}

// tree decodes JSON for comparison.
func tree(t *testing.T, b []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return v
}

func TestLifeOfATask(t *testing.T) {
	t.Parallel()
	r := setupReal(t)
	body := `{"question":"  Why <b>\u00e9\ud83d\ude00?","seed_url":"HTTP://127.0.0.1:9/a b","maxDepth":1,"maxPages":2,"timeBudget":31,"searchEngine":"google",
		"maxResults":4,"safeMode":false,"sameDomainOnly":true,"allowExternalLinks":false,"allowDomains":["*.Example.com"],"denyDomains":["b.example"],
		"metadata":{"ticket":"OPS-17","deep":{"list":[1,2.5,null,true,"\u00e9"]}},"priority":"high"}`
	posted := r.post("/api/tasks", body)
	var task api.Task
	posted.into(201, &task)
	if task.Status != "queued" || task.Question != "  Why <b>é😀?" || *task.SeedURL != "HTTP://127.0.0.1:9/a b" || task.LastSeq != 1 || task.Priority != "high" {
		t.Errorf("posted %s", posted.body)
	}
	path := "/api/tasks/" + task.TaskID
	got := r.get(path)
	if !reflect.DeepEqual(tree(t, got.body), tree(t, posted.body)) {
		t.Errorf("GET  %s\nPOST %s", got.body, posted.body)
	}
	var list struct {
		Tasks []json.RawMessage `json:"tasks"`
	}
	r.get("/api/tasks").into(200, &list)
	if len(list.Tasks) != 1 || !reflect.DeepEqual(tree(t, list.Tasks[0]), tree(t, posted.body)) {
		t.Errorf("list %s\nPOST %s", list.Tasks, posted.body)
	}

	watch := r.dial(path + "/stream")
	watch.want(1, 1)
	var cancelled api.Task
	r.post(path+"/cancel", `{"reason":"not needed"}`).into(200, &cancelled)
	if cancelled.Status != "cancelled" || *cancelled.Error != "not needed" || *cancelled.ErrorCode != "cancelled" || cancelled.LastSeq != 2 || cancelled.CompletedAt == nil {
		t.Errorf("cancelled %+v", cancelled)
	}
	watch.want(2, 2)
	watch.wantClose(websocket.StatusNormalClosure)
	again := r.post(path+"/cancel", "")
	var same api.Task
	if again.into(200, &same); *same.Error != "not needed" {
		t.Errorf("cancelled twice: %s", again.body)
	}
	var events struct {
		Events []map[string]any `json:"events"`
	}
	r.get(path+"/events?after=1").into(200, &events)
	if e := events.Events; len(e) != 1 || e[0]["type"] != "agent:error" || e[0]["errorCode"] != "cancelled" || e[0]["recoverable"] != false || e[0]["error"] != "not needed" {
		t.Errorf("events %v", e)
	}

	var artifacts api.Artifacts
	r.get(path+"/artifacts").into(200, &artifacts)
	if !artifacts.Exists || !artifacts.HasLogs || !artifacts.HasResult || !artifacts.HasSources || len(artifacts.Files) != 3 {
		t.Errorf("artifacts %+v", artifacts)
	}
	var size int64
	for _, f := range artifacts.Files {
		res := r.get(f.URL)
		if size += int64(len(res.body)); res.status != 200 {
			t.Errorf("%s: %d", f.URL, res.status)
		}
	}
	if size != artifacts.TotalSizeBytes {
		t.Errorf("%d bytes, counted %d", size, artifacts.TotalSizeBytes)
	}
	if file := r.get("/artifacts/" + task.TaskID + "/result.json"); !reflect.DeepEqual(tree(t, file.body), tree(t, again.body)) {
		t.Errorf("result.json %s\nAPI %s", file.body, again.body)
	}
	if res := r.get("/artifacts/" + task.TaskID + "/result.json"); r.get("/artifacts/"+task.TaskID+"/result.json", "If-None-Match", res.header.Get("Etag")).status != 304 {
		t.Error("a request with the file's ETag did not get 304")
	}

	var rerun api.Task
	r.post(path+"/rerun", "").into(201, &rerun)
	if rerun.TaskID == task.TaskID || rerun.Status != "queued" || rerun.Question != task.Question || !reflect.DeepEqual(rerun.Options, task.Options) {
		t.Errorf("rerun %+v", rerun)
	}
	if res := r.do("DELETE", path, nil); res.status != 204 {
		t.Errorf("delete: %d %s", res.status, res.body)
	}
	r.get(path).wantError(404, "not_found")
	r.do("DELETE", path, nil).wantError(404, "not_found")
	r.get(path+"/events").wantError(404, "not_found")
	r.get(path+"/artifacts").wantError(404, "not_found")
	r.get("/artifacts/"+task.TaskID+"/result.json").wantError(404, "not_found")
	if n := r.rows(); n != 1 {
		t.Errorf("%d tasks are left, want the rerun", n)
	}
}

// TestDeleteEndsStreams checks that a delete of an open task ends its WebSocket and its event stream with the cancelled event.
func TestDeleteEndsStreams(t *testing.T) {
	t.Parallel()
	r := setupReal(t)
	var task api.Task
	r.post("/api/tasks", `{"question":"Why?"}`).into(201, &task)
	path := "/api/tasks/" + task.TaskID
	socket, events := r.dial(path+"/stream"), r.follow(path+"/events")
	_, _ = events.block()
	socket.want(1, 1)
	events.want(1, 1)
	if res := r.do("DELETE", path, strings.NewReader(`{"reason":null}`), "Content-Type", "application/json"); res.status != 204 {
		t.Errorf("delete: %d %s", res.status, res.body)
	}
	socket.want(2, 2)
	socket.wantClose(websocket.StatusNormalClosure)
	events.want(2, 2)
	events.wantEnd()
	gone := r.dial(path + "/stream")
	if _, data, err := gone.Read(gone.ctx); err != nil || !strings.Contains(string(data), "not_found") {
		t.Errorf("%s, %v", data, err)
	}
	gone.wantClose(websocket.StatusPolicyViolation)
}

// TestRefusedInputWritesNothing checks that a refused request writes no row.
func TestRefusedInputWritesNothing(t *testing.T) {
	t.Parallel()
	r := setupReal(t)
	unknown := uuid.NewString()
	for body, field := range map[string]string{
		`{`: "body", `[]`: "body", `{"question":""}`: "question", `{"question":"\u0000"}`: "question", "{\"question\":\"\xff\"}": "question",
		`{"question":"\ud800"}`: "question", `{"question":"` + strings.Repeat("a", 1001) + `"}`: "question",
		`{"question":"Why?","maxDepth":6}`: "maxDepth", `{"question":"Why?","max_pages":51}`: "maxPages", `{"question":"Why?","timeBudget":29}`: "timeBudget",
		`{"question":"Why?","maxResults":"1"}`: "maxResults", `{"question":"Why?","searchEngine":"x"}`: "searchEngine", `{"question":"Why?","safeMode":0}`: "safeMode",
		`{"question":"Why?","seedUrl":"file:///etc/passwd"}`: "seedUrl", `{"question":"Why?","seedUrl":"ftp://a.example/"}`: "seedUrl",
		`{"question":"Why?","parentTaskId":"x"}`: "parentTaskId", `{"question":"Why?","parentTaskId":"` + unknown + `"}`: "parentTaskId",
	} {
		r.post("/api/tasks", body).wantError(422, "validation_error", field)
	}
	r.post("/api/tasks", strings.Repeat(" ", 10<<20)+`{"question":"Why?"}`).wantError(413, "payload_too_large")
	for _, verb := range []string{"/cancel", "/rerun"} {
		r.post("/api/tasks/"+unknown+verb, "").wantError(404, "not_found")
	}
	if n := r.rows(); n != 0 {
		t.Errorf("%d rows were written", n)
	}
}

func TestListsOfRealTasks(t *testing.T) {
	t.Parallel()
	r := setupReal(t)
	var ids []string // ids of tasks, newest first
	for i := range 5 {
		var task api.Task
		r.post("/api/tasks", fmt.Sprintf(`{"question":"Question number%d about %s?","max_depth":null}`, i, []string{"été", "winter"}[i%2])).into(201, &task)
		ids = append([]string{task.TaskID}, ids...)
	}
	// An open task has no answer yet, so it cannot be followed up.
	r.post("/api/tasks", `{"question":"A follow-up?","parentTaskId":"`+strings.ToUpper(ids[0])+`"}`).wantError(422, "validation_error", "parentTaskId")
	var last api.Task
	r.post("/api/tasks", `{"question":"A follow-up?"}`).into(201, &last)
	ids = append([]string{last.TaskID}, ids...)
	r.post("/api/tasks/"+ids[2]+"/cancel", "").into(200, new(api.Task))

	read := func(query string) (got []string, l api.TaskList) {
		t.Helper()
		r.get("/api/tasks?"+query).into(200, &l)
		for _, task := range l.Tasks {
			got = append(got, task.TaskID)
		}
		var history []api.HistoryEntry
		r.get("/api/history?"+query).into(200, &history)
		var short []string
		for _, e := range history {
			short = append(short, e.TaskID)
		}
		if !slices.Equal(short, got) {
			t.Errorf("%s: history %v, list %v", query, short, got)
		}
		return got, l
	}
	_, all := read("")
	at := func(i int) string {
		return url.QueryEscape(all.Tasks[i].CreatedAt.Add(time.Millisecond).Format(time.RFC3339Nano))
	}
	for query, want := range map[string][]string{
		"": ids, "status=cancelled": ids[2:3], "status=running": nil, "limit=2": ids[:2], "limit=2&offset=1": ids[1:3], "offset=6": nil,
		"q=ÉTÉ": {ids[1], ids[3], ids[5]}, "q=numb+wint": {ids[2], ids[4]}, "q=nothing": nil, "q=%27%3B--+%26+%7C+!": nil, "q=+": ids,
		"from=" + at(0): nil, "to=2000-01-01T00:00:00Z": nil, "from=2000-01-01T00:00:00Z&to=2999-01-01T00:00:00Z": ids,
	} {
		if got, l := read(query); !slices.Equal(got, want) {
			t.Errorf("%s: %v\nwant %v (total %d)", query, got, want, l.Total)
		}
	}
	var paged []string
	query := "limit=2&status=queued"
	for {
		got, l := read(query)
		paged = append(paged, got...)
		if l.Total != 5 || l.NextCursor == nil {
			break
		}
		query = "limit=2&status=queued&cursor=" + *l.NextCursor
	}
	if want := slices.Delete(slices.Clone(ids), 2, 3); !slices.Equal(paged, want) {
		t.Errorf("pages give %v\nwant %v", paged, want)
	}
	first, _ := tree(t, r.get("/api/history?limit=1").body).([]any)
	entry, _ := first[0].(map[string]any)
	if keys := slices.Sorted(maps.Keys(entry)); !slices.Equal(keys, []string{"completedAt", "confidence", "createdAt", "duration", "question", "status", "taskId"}) {
		t.Errorf("history entry %v", entry)
	}
}
