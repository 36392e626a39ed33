package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"legwork/eval/questions"
)

// fakeAPI answers like a legwork server. The first two requests for a task show it as running. Then the task ends in
// the way that its question names.
type fakeAPI struct {
	*httptest.Server
	mu        sync.Mutex
	looks     map[string]int    // number of reads, by question
	seeds     map[string]string // start pages, by question
	bodies    []map[string]any
	cancelled []string
}

func newFakeAPI(t *testing.T) *fakeAPI {
	t.Helper()
	f := &fakeAPI{looks: map[string]int{}, seeds: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/tasks", f.create)
	mux.HandleFunc("GET /api/tasks/{id}", f.get)
	mux.HandleFunc("POST /api/tasks/{id}/cancel", f.cancel)
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeAPI) create(w http.ResponseWriter, r *http.Request) {
	var in map[string]any
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	question, _ := in["question"].(string)
	seed, _ := in["seedUrl"].(string)
	f.mu.Lock()
	f.bodies = append(f.bodies, in)
	f.seeds[question] = seed
	f.mu.Unlock()
	if question == "refused" {
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"status":"error","error":"The question is invalid","errorCode":"validation_error","details":{}}`)
		return
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = fmt.Fprintf(w, `{"taskId":%q,"status":"queued","answer":null,"citations":[],"error":null,"metadata":{}}`, question)
}

func (f *fakeAPI) get(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	f.mu.Lock()
	f.looks[id]++
	look, seed := f.looks[id], f.seeds[id]
	f.mu.Unlock()
	switch {
	case id == "gone":
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"status":"error","error":"No such task","errorCode":"not_found","details":{}}`)
	case look == 1 && id == "right": // a temporary outage
		w.WriteHeader(http.StatusServiceUnavailable)
	case look <= 2 || id == "endless":
		_, _ = fmt.Fprintf(w, `{"taskId":%q,"status":"running","answer":null,"citations":[]}`, id)
	case id == "failing":
		_, _ = fmt.Fprintf(w, `{"taskId":%q,"status":"failed","answer":null,"citations":[],"error":"Nothing could be read","usage":{"pages":1}}`, id)
	default:
		f.answer(w, id, seed)
	}
}

// answer writes a completed task that cites a.html in the seed's folder, with the file's content as excerpt. The task
// "wrong page" names the seed as the cited page instead.
func (f *fakeAPI) answer(w http.ResponseWriter, id, seed string) {
	page := strings.Replace(seed, "index.html", "a.html", 1)
	res, err := http.Get(page)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	raw, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if id == "wrong page" {
		page = seed
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"taskId": id, "status": "completed", "answer": "As said [1].",
		"usage":     map[string]any{"pages": 3, "toolCalls": 5, "runningSeconds": 0.5},
		"citations": []any{map[string]any{"n": 1, "url": page + "#x", "title": "A", "excerpt": string(raw), "verified": true}}})
}

func (f *fakeAPI) cancel(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.cancelled = append(f.cancelled, r.PathValue("id"))
	f.mu.Unlock()
	_, _ = io.WriteString(w, `{"status":"cancelled"}`)
}

// manual writes a small manual, and a question file with one question for each name. It returns the folder and the
// file.
func manual(t *testing.T, names ...string) (folder, file string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("html/index.html", `<a href="a.html">a</a>`)
	write("html/a.html", "The default is one second.")
	var lines strings.Builder
	for i, n := range names {
		fmt.Fprintf(&lines, `{"id":"q%d","question":%q,"seed":"html/index.html","pages":["html/a.html"],"accept":["one second"]}`+"\n", i+1, n)
	}
	return dir, write("questions.jsonl", lines.String())
}

func TestRun(t *testing.T) {
	t.Parallel()
	api := newFakeAPI(t)
	docs, file := manual(t, "right", "wrong page", "failing", "refused", "gone", "right too")
	out := filepath.Join(t.TempDir(), "out.json")
	args := []string{"--api", api.URL + "/", "--docs", docs, "--questions", file, "--json", out, "--poll", "1ms", "--parallel", "3"}
	var stdout, stderr bytes.Buffer
	if err := run(t.Context(), append(args, "--min", "0.3"), &stdout, &stderr); err != nil {
		t.Fatalf("%v\n%s", err, stdout.String())
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var all Evaluation
	if err := json.Unmarshal(raw, &all); err != nil || len(all.Corpora) != 1 {
		t.Fatal(err)
	}
	report := all.Corpora[0]
	want := []struct {
		found, page bool
		status, err string
	}{
		{true, true, "completed", ""},
		{false, false, "completed", ""},
		{false, false, "failed", "Nothing could be read"},
		{false, false, "unreachable", "submitting: HTTP 422: The question is invalid"},
		{false, false, "queued", "asking for the task: HTTP 404: No such task"},
		{true, true, "completed", ""},
	}
	for i, w := range want {
		v := report.Verdicts[i]
		if v.Found != w.found || v.RightPage != w.page || v.Status != w.status || v.Error != w.err {
			t.Errorf("question %d: %+v, want %+v", i+1, v, w)
		}
	}
	if v := report.Verdicts[0]; v.Pages != 3 || v.ToolCalls != 5 || v.Verified != 1 || v.CitedPages[0] != "/html/a.html" {
		t.Errorf("the first verdict is %+v", v)
	}
	if s := report.Summary; s.Questions != 6 || s.Verified != 1 || s.Completed != 0.5 {
		t.Errorf("the summary is %+v", s)
	}
	for _, part := range []string{"q1 ", "/html/a.html", "unreachable: submitting", "questions.jsonl", "33.3 %"} {
		if !strings.Contains(stdout.String(), part) {
			t.Errorf("the table lacks %q:\n%s", part, stdout.String())
		}
	}
	if !strings.Contains(stderr.String(), "6/6 ") {
		t.Errorf("progress was %q", stderr.String())
	}
	if err := run(t.Context(), append(args, "--min", "0.34"), io.Discard, io.Discard); !errors.Is(err, errShort) {
		t.Errorf("with a least share above the reached one: %v", err)
	}
}

func TestRunSubmission(t *testing.T) {
	t.Parallel()
	api := newFakeAPI(t)
	docs, file := manual(t, "right", "other")
	err := run(t.Context(), []string{"--api", api.URL, "--docs", docs, "--questions", file, "--poll", "1ms",
		"--only", "q2", "--time-budget", "45s"}, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if len(api.bodies) != 1 {
		t.Fatalf("%d submissions, want 1", len(api.bodies))
	}
	in := api.bodies[0]
	seed, _ := in["seedUrl"].(string)
	if in["question"] != "other" || in["timeBudget"] != 45.0 || !strings.HasPrefix(seed, "http://127.0.0.1:") ||
		!strings.HasSuffix(seed, "/html/index.html") {
		t.Errorf("submitted %v", in)
	}
}

func TestRunTimeoutCancels(t *testing.T) {
	t.Parallel()
	api := newFakeAPI(t)
	docs, file := manual(t, "endless")
	var stdout bytes.Buffer
	err := run(t.Context(), []string{"--api", api.URL, "--docs", docs, "--questions", file, "--poll", "1ms",
		"--timeout", "500ms", "--min", "0.8"}, &stdout, io.Discard)
	if !errors.Is(err, errShort) || !strings.Contains(stdout.String(), "not finished in time") {
		t.Errorf("error %v, table\n%s", err, stdout.String())
	}
	if len(api.cancelled) != 1 || api.cancelled[0] != "endless" {
		t.Errorf("cancelled %q", api.cancelled)
	}
}

func TestRunInterrupted(t *testing.T) {
	t.Parallel()
	api := newFakeAPI(t)
	docs, file := manual(t, "endless", "endless", "endless")
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	err := run(ctx, []string{"--api", api.URL, "--docs", docs, "--questions", file, "--poll", "1ms"}, io.Discard, io.Discard)
	if err == nil || errors.Is(err, errShort) || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("error %v", err)
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	docs, file := manual(t, "right")
	for _, tt := range []struct {
		name    string
		args    []string
		wantErr string
	}{
		{"no manual", []string{"--questions", file}, "--docs is missing"},
		{"a manual without the seed", []string{"--docs", t.TempDir(), "--questions", file}, "is the package"},
		{"no such questions", []string{"--docs", docs, "--questions", "nowhere.jsonl"}, "nowhere.jsonl"},
		{"no such id", []string{"--docs", docs, "--questions", file, "--only", "q9"}, `no question "q9"`},
		{"a public address", []string{"--docs", docs, "--questions", file, "--listen", "0.0.0.0:0"}, "loopback"},
		{"an address without port", []string{"--docs", docs, "--questions", file, "--listen", "127.0.0.1"}, "--listen"},
		{"no parallelism", []string{"--docs", docs, "--parallel", "0"}, "--parallel"},
		{"a share above 1", []string{"--docs", docs, "--min", "80"}, "--min"},
		{"a declined share above 1", []string{"--docs", docs, "--min-declined", "95"}, "--min-declined"},
		{"a judge without a model", []string{"--docs", docs, "--judge-url", "http://127.0.0.1:1/v1", "--judge-model", ""}, "--judge-model"},
		{"no such kind", []string{"--docs", docs, "--questions", file, "--kinds", "report"}, "no question of the kind"},
		{"no time", []string{"--docs", docs, "--timeout", "0s"}, "--timeout"},
		{"an argument", []string{"--docs", docs, "more"}, `"more"`},
		{"an unknown flag", []string{"--speed", "9"}, "speed"},
		{"a question file that is not one", []string{"--docs", docs, "--questions", filepath.Join(docs, "html", "a.html")}, "line 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), tt.args, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || errors.Is(err, errShort) {
				t.Errorf("error %v, want one with %q", err, tt.wantErr)
			}
		})
	}
}

func TestRunCheck(t *testing.T) {
	t.Parallel()
	docs, file := manual(t, "right")
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--check", "--docs", docs, "--questions", file}, &out, io.Discard); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	if err := os.WriteFile(filepath.Join(docs, "html", "a.html"), []byte("changed"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := run(t.Context(), []string{"--check", "--docs", docs, "--questions", file}, &out, io.Discard)
	if !errors.Is(err, errShort) || !strings.Contains(out.String(), "holds none of the accepted texts") {
		t.Errorf("error %v, output %q", err, out.String())
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	docs, _ := manual(t, "right")
	s, err := serve("127.0.0.1:0", os.DirFS(docs), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	root := s.root
	direct := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for path, want := range map[string]int{
		"/html/index.html": 200, "/html/a.html": 200, "/html/": 200, "/html": 301, "/": 404, "/html/none.html": 404,
		"/..%2f..%2fetc/passwd": 404,
	} {
		res, err := direct.Get(root + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
		if want == 200 && !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s is %s", path, res.Header.Get("Content-Type"))
		}
	}
}

func TestClientBadAnswers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{"<html>": "not the expected JSON", "{}": "no taskId"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		c := &client{http: server.Client(), api: server.URL, poll: time.Millisecond, budget: 60}
		if _, err := c.ask(t.Context(), questions.Question{ID: "q", Text: "q"}, "http://127.0.0.1/"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", body, err, want)
		}
		server.Close()
	}
	c := &client{http: http.DefaultClient, api: "http://127.0.0.1:1", poll: time.Millisecond}
	if _, err := c.ask(t.Context(), questions.Question{ID: "q", Text: "q"}, "http://127.0.0.1/"); err == nil {
		t.Error("a server that is not there was no error")
	}
}

// TestLookAtPictures checks that ShotShows of each citation says whether the citation's picture shows the quoted
// passage. This is read from the task's events. Here the task has more events than one response of the API can have,
// so they must be read with several requests.
func TestLookAtPictures(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/tasks/t/events", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("after") == "0" {
			_, _ = io.WriteString(w, `{"events":[{"seq":1,"type":"agent:tool_result","tool":"take_screenshot","result":{"imageUrl":"/a.png","quoteInView":true}}`+
				strings.Repeat(`,{"seq":2,"type":"agent:thinking"}`, 999)+`]}`)
			return
		}
		_, _ = io.WriteString(w, `{"events":[{"seq":3,"type":"agent:tool_result","tool":"take_screenshot","result":{"imageUrl":"/b.png","quoteInView":false}},
			{"seq":4,"type":"agent:tool_result","tool":"take_screenshot","result":{"imageUrl":"/c.png","quoteInView":true}}]}`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	task := Task{TaskID: "t", Citations: []Citation{{Shot: "/a.png"}, {Shot: "/b.png"}, {Shot: "/c.png"}, {}}}
	c := &client{http: server.Client(), api: server.URL}
	if err := c.lookAtPictures(t.Context(), &task); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false, true, false} {
		if task.Citations[i].ShotShows != want {
			t.Errorf("citation %d: %v", i, !want)
		}
	}
	if v := judge(questions.Question{}, task, 1, nil); v.Screenshots != 3 || v.PassageShown != 2 || len(v.Pictures) != 3 || v.Pictures[1] != (Pictured{Citation: 2, Page: "/", Picture: "/b.png"}) {
		t.Errorf("%d pictures, %d show their passage", v.Screenshots, v.PassageShown)
	}
}
