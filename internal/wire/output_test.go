package wire_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"legwork/internal/research"
	"legwork/internal/wire"
)

// taskKeys are all keys that a task has in the contract.
var taskKeys = []string{
	"taskId", "status", "question", "seedUrl", "createdAt", "startedAt", "completedAt", "duration", "answer", "citations",
	"screenshots", "confidence", "error", "metadata", "errorCode", "options", "usage", "lastSeq", "parentTaskId", "childOf", "waitingFor", "priority", "createdBy", "answered", "data", "dataBasis", "contradictions",
}

func object(t *testing.T, v any) map[string]any {
	t.Helper()
	b, ok := v.([]byte)
	if !ok {
		var err error
		if b, err = json.Marshal(v); err != nil {
			t.Fatal(err)
		}
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func wantKeys(t *testing.T, got map[string]any, want ...string) {
	t.Helper()
	keys := slices.Sorted(maps.Keys(got))
	if !slices.Equal(keys, slices.Sorted(slices.Values(want))) {
		t.Errorf("keys %v\nwant %v", keys, want)
	}
}

func TestTaskWithoutValues(t *testing.T) {
	t.Parallel()
	created := time.Date(2026, 3, 5, 15, 30, 0, 999_999, time.FixedZone("", 3600))
	got := object(t, wire.Task(research.Task{ID: uuid.Max, Status: research.Queued, Question: "<Why>?", CreatedAt: created}))
	wantKeys(t, got, taskKeys...)
	for _, k := range []string{"answered", "data", "seedUrl", "startedAt", "completedAt", "duration", "answer", "confidence", "error", "errorCode", "parentTaskId", "childOf", "waitingFor", "createdBy"} {
		if v, ok := got[k]; !ok || v != nil {
			t.Errorf("%s is %v, want null", k, v)
		}
	}
	for k, want := range map[string]string{"citations": "[]", "dataBasis": "[]", "contradictions": "[]", "screenshots": "[]", "metadata": "{}", "createdAt": `"2026-03-05T14:30:00.000Z"`} {
		if b, _ := json.Marshal(got[k]); string(b) != want {
			t.Errorf("%s is %s, want %s", k, b, want)
		}
	}
	options, _ := got["options"].(map[string]any)
	wantKeys(t, options, "maxDepth", "maxPages", "timeBudget", "maxTokens", "searchEngine", "maxResults", "safeMode", "sameDomainOnly",
		"allowExternalLinks", "allowDomains", "denyDomains", "fresh", "metadata", "effort", "format", "length", "outputSchema", "confirmPlan")
	if b, _ := json.Marshal([]any{options["effort"], options["format"], options["length"], options["outputSchema"]}); string(b) != `["standard","answer",null,null]` {
		t.Errorf("options that were not given are %s", b)
	}
	if b, _ := json.Marshal([]any{options["allowDomains"], options["denyDomains"], options["metadata"]}); string(b) != "[[],[],{}]" {
		t.Errorf("empty options are %s", b)
	}
	usage, _ := got["usage"].(map[string]any)
	wantKeys(t, usage, "pages", "toolCalls", "modelCalls", "inputTokens", "outputTokens", "runningSeconds")
}

// whole returns a task with a value in every field.
func whole() research.Task {
	started := time.Date(2026, 3, 5, 14, 30, 0, 0, time.UTC)
	completed := started.Add(1500 * time.Millisecond)
	published := time.Date(2024, 5, 14, 7, 30, 0, 0, time.UTC)
	took := 1.5
	answer, message, code, confidence, answered, parent := "Because [1].", "no", "timeout", 0.75, true, uuid.Max
	return research.Task{
		ID: uuid.MustParse("01932d4e-7c1a-7b3e-9d51-2f0c5a8e6b74"), ParentID: &parent, Status: research.Completed,
		Question: "Why <b>?", Priority: research.High, CreatedAt: started.Add(-time.Second), StartedAt: &started, CompletedAt: &completed, Duration: &took,
		Answer: &answer, Confidence: &confidence, Answered: &answered, Error: &message, ErrorCode: &code, Metadata: map[string]any{"partial": true},
		Options: research.Options{SeedURL: "http://a.example/", MaxDepth: 1, MaxPages: 2, TimeBudget: 90 * time.Second,
			SearchEngine: research.Bing, MaxResults: 3, SafeMode: true, AllowDomains: []string{"a.example"}, Fresh: true, Metadata: map[string]any{"k": "v"},
			Effort: research.Deep, Format: research.FormatReport, Length: 500, OutputSchema: []byte(`{"type":"object","properties":{"a":{}}}`)},
		Data: []byte(`{"a":12345678901234567890}`), DataBasis: []research.Basis{{Path: "/a", Citations: []int{1}}},
		Contradictions: []research.Contradiction{{About: "x", Citations: []int{1, 2}, Newest: 2}, {About: "y", Citations: []int{1, 2}}},
		Citations: []research.Evidence{{Number: 4, Marker: 1, PageID: "ab", URL: "http://a.example/", Title: "A", Excerpt: "because",
			Start: 0, End: 7, Verified: true, Support: "unchecked", AccessedAt: started, PublishedAt: &published, ModifiedAt: &started, Kind: research.SourceNews, Source: 1}},
		Screenshots: []string{"/api/tasks/x/screenshots/1.png"},
		Usage:       research.Usage{Pages: 1, ToolCalls: 2, ModelCalls: 3, InputTokens: 4, OutputTokens: 5, Running: 1250 * time.Millisecond},
		LastSeq:     9,
	}
}

func TestTaskWithValues(t *testing.T) {
	t.Parallel()
	got := object(t, wire.Task(whole()))
	wantKeys(t, got, taskKeys...)
	for k, want := range map[string]string{
		"taskId": `"01932d4e-7c1a-7b3e-9d51-2f0c5a8e6b74"`, "status": `"completed"`, "question": `"Why \u003cb\u003e?"`,
		"seedUrl": `"http://a.example/"`, "startedAt": `"2026-03-05T14:30:00.000Z"`, "completedAt": `"2026-03-05T14:30:01.500Z"`,
		"duration": "1.5", "answer": `"Because [1]."`, "confidence": "0.75", "answered": "true", "error": `"no"`, "errorCode": `"timeout"`,
		"metadata": `{"partial":true}`, "lastSeq": "9", "parentTaskId": `"ffffffff-ffff-ffff-ffff-ffffffffffff"`, "priority": `"high"`,
		"dataBasis": `[{"citations":[1],"path":"/a"}]`, "contradictions": `[{"about":"x","citations":[1,2],"newest":2},{"about":"y","citations":[1,2]}]`,
		"screenshots": `["/api/tasks/x/screenshots/1.png"]`,
		"usage":       `{"inputTokens":4,"modelCalls":3,"outputTokens":5,"pages":1,"runningSeconds":1.25,"toolCalls":2}`,
		"citations": `[{"accessedAt":"2026-03-05T14:30:00.000Z","end":7,"excerpt":"because","kind":"news","modifiedAt":"2026-03-05T14:30:00.000Z","n":1,"pageId":"ab","publishedAt":"2024-05-14T07:30:00.000Z","source":1,"start":0,` +
			`"support":"unchecked","title":"A","url":"http://a.example/","verified":true}]`,
		"options": `{"allowDomains":["a.example"],"allowExternalLinks":false,"confirmPlan":false,"denyDomains":[],"effort":"deep","format":"report","fresh":true,"length":500,"maxDepth":1,"maxPages":2,"maxResults":3,` +
			`"maxTokens":null,"metadata":{"k":"v"},"outputSchema":{"properties":{"a":{}},"type":"object"},"safeMode":true,"sameDomainOnly":false,"searchEngine":"bing","timeBudget":90}`,
	} {
		if b, _ := json.Marshal(got[k]); string(b) != want {
			t.Errorf("%s is %s\nwant %s", k, b, want)
		}
	}
}

func TestCitationLeavesOutWhatItLacks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		in   research.Evidence
		want string
	}{
		{"bare", research.Evidence{URL: "https://a.example:8443/x", Title: "T"}, `[{"title":"T","url":"https://a.example:8443/x"}]`},
		{"title falls back to the host", research.Evidence{URL: "https://a.example:8443/x"}, `[{"title":"a.example:8443","url":"https://a.example:8443/x"}]`},
		{"title is never empty", research.Evidence{URL: "::"}, `[{"title":"::","url":"::"}]`},
		{"excerpt not verified", research.Evidence{URL: "u", Title: "T", Excerpt: "e"}, `[{"excerpt":"e","title":"T","url":"u","verified":false}]`},
		{"span from 0", research.Evidence{URL: "u", Title: "T", PageID: "p", End: 2}, `[{"end":2,"pageId":"p","start":0,"title":"T","url":"u"}]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, err := json.Marshal(wire.Citations([]research.Evidence{tt.in}))
			if err != nil || string(b) != tt.want {
				t.Errorf("got %s, %v\nwant %s", b, err, tt.want)
			}
		})
	}
	if b, _ := json.Marshal(wire.Citations(nil)); string(b) != "[]" {
		t.Errorf("no citations are %s, want []", b)
	}
}

func TestHistoryEntry(t *testing.T) {
	t.Parallel()
	got := object(t, wire.HistoryEntry(whole()))
	wantKeys(t, got, "taskId", "question", "status", "createdAt", "completedAt", "duration", "confidence")
	got = object(t, wire.HistoryEntry(research.Task{ID: uuid.Max}))
	wantKeys(t, got, "taskId", "question", "status", "createdAt", "completedAt", "duration", "confidence")
	if got["completedAt"] != nil || got["duration"] != nil || got["confidence"] != nil {
		t.Errorf("missing values are %v", got)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	task := whole()
	b, err := wire.TaskJSON(task)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := json.Marshal(object(t, wire.Task(task)))
	if got, _ := json.Marshal(object(t, b)); string(got) != string(want) {
		t.Errorf("result.json is %s\nthe API gives %s", got, want)
	}
	if !strings.Contains(string(b), "Why <b>?") || !strings.HasSuffix(string(b), "}\n") {
		t.Errorf("result.json is not made for reading: %s", b)
	}

	b, err = wire.SourcesJSON(task, []research.Visit{
		{URL: "http://a.example/", FinalURL: "http://a.example/", Outcome: research.OutcomeOK, Status: 200, Title: "A",
			Page:   &research.Page{ID: "ab", Language: "en", Canonical: "http://a.example/a", PublishedAt: task.StartedAt, ModifiedAt: task.CompletedAt, Kind: research.SourceDocs},
			Cached: true, Depth: 1, Bytes: 12, Duration: 1500 * time.Microsecond, FetchedAt: *task.StartedAt},
		{URL: "http://b.example/", Outcome: research.OutcomeDNS, Message: "no such host", FetchedAt: *task.StartedAt},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := object(t, b)
	wantKeys(t, got, "taskId", "citations", "visits")
	visits, _ := json.Marshal(got["visits"])
	if want := `[{"bytes":12,"cached":true,"canonicalUrl":"http://a.example/a","depth":1,"durationMs":1,"fetchedAt":"2026-03-05T14:30:00.000Z",` +
		`"finalUrl":"http://a.example/","kind":"docs","language":"en","modifiedAt":"2026-03-05T14:30:01.500Z","outcome":"ok","pageId":"ab","publishedAt":"2026-03-05T14:30:00.000Z","status":200,"title":"A","url":"http://a.example/"},` +
		`{"bytes":0,"depth":0,"durationMs":0,"fetchedAt":"2026-03-05T14:30:00.000Z","message":"no such host","outcome":"dns","url":"http://b.example/"}]`; string(visits) != want {
		t.Errorf("visits are %s\nwant %s", visits, want)
	}
	if _, err := wire.TaskJSON(research.Task{Metadata: map[string]any{"f": func() {}}}); err == nil {
		t.Error("a task that JSON cannot hold was encoded")
	}
	if b, err = wire.SourcesJSON(research.Task{}, nil); err != nil || !strings.Contains(string(b), `"visits": []`) {
		t.Errorf("no visits: %s, %v", b, err)
	}
}

// TestReportFile: report.md has the report and its quotes, which Markdown shows as they are.
func TestReportFile(t *testing.T) {
	t.Parallel()
	task := whole()
	if !wire.HasReport(task) {
		t.Error("a report has no file")
	}
	answer := "# Why\n\nBecause [1]."
	task.Answer = &answer
	task.Citations[0].Excerpt, task.Citations[0].Title = "because *of* <b>\n# it", "A_B"
	want := "# Why\n\nBecause [1].\n\n## Quotes\n\nEach quote stands word for word in the stored page.\n\n" +
		"**[1]** A\\_B, <http://a.example/>, published 2024-05-14, read 2026-03-05\n\n> because \\*of\\* \\<b>\n> \\# it\n"
	if got := string(wire.ReportMarkdown(task)); got != want {
		t.Errorf("report.md is %q\nwant %q", got, want)
	}
	task.Options.Format = research.FormatAnswer
	if wire.HasReport(task) {
		t.Error("an answer has a file for a report")
	}
}
