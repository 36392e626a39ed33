package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	"legwork/api"
	"legwork/internal/research"
)

func TestCreateTask(t *testing.T) {
	t.Parallel()
	for name, contentType := range map[string]string{"json": "application/json", "charset": "application/json; charset=utf-8",
		"suffix": "application/vnd.legwork+json", "none": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var got api.Task
			res := b.do("POST", "/api/tasks", strings.NewReader(`{"question":" Why? ","max_pages":7,"seedUrl":"http://127.0.0.1/"}`),
				"Content-Type", contentType)
			res.into(201, &got)
			calls := b.seen()
			if len(calls) != 1 || calls[0].account != "default" || calls[0].in.Question != " Why? " || calls[0].in.Options.MaxPages != 7 {
				t.Fatalf("calls %+v", calls)
			}
			if got.Question != " Why? " || got.Status != "created" || got.Options.MaxPages != 7 || got.Options.TimeBudget != 300 {
				t.Errorf("task %+v", got)
			}
			if want := "/api/tasks/" + got.TaskID; res.header.Get("Location") != want {
				t.Errorf("Location %q, want %q", res.header.Get("Location"), want)
			}
			var again api.Task
			b.get("/api/tasks/"+got.TaskID).into(200, &again)
			if again.TaskID != got.TaskID {
				t.Errorf("got %+v", again)
			}
		})
	}
}

// TestCreateTaskRefuses checks that each kind of bad input is refused before any service is called. The tests of internal/wire
// check the bounds.
func TestCreateTaskRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tests := []struct {
		name, body string
		field      string
	}{
		{"no body", ``, "body"},
		{"malformed", `{"question":`, "body"},
		{"not an object", `["Why?"]`, "body"},
		{"null", `null`, "body"},
		{"trailing garbage", `{"question":"Why?"}]`, "body"},
		{"missing question", `{}`, "question"},
		{"NUL", `{"question":"\u0000"}`, "question"},
		{"invalid UTF-8", "{\"question\":\"\xc3\"}", "question"},
		{"wrong type", `{"question":"Why?","safeMode":"yes"}`, "safeMode"},
		{"below a bound", `{"question":"Why?","time_budget":29}`, "timeBudget"},
		{"file seed", `{"question":"Why?","seedUrl":"file:///etc/passwd"}`, "seedUrl"},
		{"ftp seed", `{"question":"Why?","seedUrl":"ftp://example.com/"}`, "seedUrl"},
	}
	for _, tt := range tests {
		b.post("/api/tasks", tt.body).wantError(422, "validation_error", tt.field)
	}
	e := b.post("/api/tasks", `{"question":"","maxDepth":0}`).wantError(422, "validation_error", "question", "maxDepth")
	if !strings.Contains(e.Error, "2 fields") {
		t.Errorf("message %q", e.Error)
	}
	if calls := b.seen(); len(calls) != 0 {
		t.Errorf("a refused submission reached the service: %+v", calls)
	}
}

func TestParentThatIsUnknown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.err = fmt.Errorf("submit: %w", &research.ValidationError{Fields: []research.FieldError{{Field: "parentTaskId", Message: "no such task"}}})
	b.post("/api/tasks", `{"question":"Why?","parentTaskId":"`+uuid.NewString()+`"}`).wantError(422, "validation_error", "parentTaskId")
}

// endless is a request body without end. It counts the bytes that were read.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.read += len(p)
	return len(p), nil
}

func TestBodySize(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := func(size int) string {
		s := `{"question":"Why?"}`
		return s + strings.Repeat(" ", size-len(s))
	}
	b.post("/api/tasks", body(64<<10)).into(201, new(api.Task))
	b.post("/api/tasks", body(64<<10+1)).wantError(413, "payload_too_large")
	id := b.add(research.Task{}).ID.String()
	b.do("DELETE", "/api/tasks/"+id, strings.NewReader(body(10<<20)), "Content-Type", "application/json").wantError(413, "payload_too_large")
	// This body has no Content-Length, so the server notices only while it reads that the body is too large.
	b.do("POST", "/api/tasks", io.MultiReader(strings.NewReader(body(64<<10+1))), "Content-Type", "application/json").wantError(413, "payload_too_large")
	if calls := b.seen(); len(calls) != 1 {
		t.Errorf("calls %+v", calls)
	}

	// A body whose Content-Length is 10 MB is not read at all.
	source := &endless{}
	req, err := http.NewRequestWithContext(context.Background(), "POST", "/api/tasks", io.LimitReader(source, 10<<20))
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = 10 << 20
	w := newRecorder()
	b.api.ServeHTTP(w, req)
	if w.Code != 413 || source.read > 0 {
		t.Errorf("status %d after reading %d bytes", w.Code, source.read)
	}
}

func TestContentTypes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, contentType := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx", ";;"} {
		b.do("POST", "/api/tasks", strings.NewReader(`{"question":"Why?"}`), "Content-Type", contentType).wantError(415, "unsupported_media_type")
	}
	if calls := b.seen(); len(calls) != 0 {
		t.Errorf("calls %+v", calls)
	}
}

func TestBrokenBody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	req, err := http.NewRequestWithContext(context.Background(), "POST", "/api/tasks", io.MultiReader(strings.NewReader(`{"question":`), brokenReader{}))
	if err != nil {
		t.Fatal(err)
	}
	w := newRecorder()
	b.api.ServeHTTP(w, req)
	if e := envelope(t, w.Body.Bytes()); w.Code != 400 || e.ErrorCode != "bad_request" || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("secret cause") }

func TestDeleteAndCancel(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body, contentType, reason string
		status                          int
	}{
		{"no body", "", "", "", 0},
		{"empty body with a JSON type", "", "application/json", "", 0},
		{"blank body with a form type", " \n", "application/x-www-form-urlencoded", "", 0},
		{"null", "null", "application/json", "", 0},
		{"reason", `{"reason":"because","why":1}`, "application/json", "because", 0},
		{"null reason", `{"reason":null}`, "application/json", "", 0},
		{"200 code points", `{"reason":"` + strings.Repeat("é", 200) + `"}`, "application/json", strings.Repeat("é", 200), 0},
		{"201 code points", `{"reason":"` + strings.Repeat("é", 201) + `"}`, "application/json", "", 422},
		{"malformed", `{"reason"`, "application/json", "", 422},
		{"text", `because`, "text/plain", "", 415},
	}
	for _, method := range []string{"delete", "cancel"} {
		for _, tt := range tests {
			t.Run(method+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				task := b.add(research.Task{Status: research.Running})
				verb, path, ok := "DELETE", "/api/tasks/"+task.ID.String(), 204
				if method == "cancel" {
					verb, path, ok = "POST", path+"/cancel", 200
				}
				res := b.do(verb, path, strings.NewReader(tt.body), "Content-Type", tt.contentType)
				calls := b.seen()
				if tt.status != 0 {
					if envelope(t, res.body); res.status != tt.status || len(calls) != 0 {
						t.Errorf("status %d, calls %+v", res.status, calls)
					}
					return
				}
				if res.status != ok || len(calls) != 1 || calls[0].method != method || calls[0].reason != tt.reason || calls[0].id != task.ID {
					t.Errorf("status %d %s, calls %+v", res.status, res.body, calls)
				}
				if ok == 204 && len(res.body) != 0 {
					t.Errorf("204 with body %s", res.body)
				}
			})
		}
	}
}

func TestCancelConflict(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(research.Task{}).ID.String()
	b.err = fmt.Errorf("cancel: %w: secret", research.ErrConflict)
	if e := b.post("/api/tasks/"+id+"/cancel", "").wantError(409, "conflict"); strings.Contains(e.Error, "secret") {
		t.Errorf("the cause leaked: %s", e.Error)
	}
}

func TestRerun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	task := b.add(research.Task{Status: research.Completed, Answer: new(string)})
	var got api.Task
	res := b.do("POST", "/api/tasks/"+task.ID.String()+"/rerun", bytes.NewReader(nil))
	res.into(201, &got)
	if calls := b.seen(); len(calls) != 1 || calls[0].method != "rerun" || calls[0].id != task.ID || res.header.Get("Location") != "/api/tasks/"+got.TaskID {
		t.Errorf("calls %+v, Location %q", calls, res.header.Get("Location"))
	}
}

// TestUnknownTasks checks that every path answers 404 for an unknown and for a malformed id, and that no service that writes is
// called.
func TestUnknownTasks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(research.Task{})
	known := b.add(research.Task{})
	ids := []string{uuid.NewString(), "7", "nil", "%20", "%00", "%ff", "..%2f", "{" + known.ID.String() + "}", known.ID.String() + "0",
		strings.ReplaceAll(known.ID.String(), "-", ""), "urn:uuid:" + known.ID.String(), strings.Repeat("x", 5000)}
	for _, id := range ids {
		base := "/api/tasks/" + id
		b.get(base).wantError(404, "not_found")
		b.get(base+"/events").wantError(404, "not_found")
		b.get(base+"/events", "Accept", "text/event-stream").wantError(404, "not_found")
		b.get(base+"/artifacts").wantError(404, "not_found")
		b.get(base+"/artifacts/result.json").wantError(404, "not_found")
		b.get(base+"/screenshots/1.png").wantError(404, "not_found")
		b.get("/artifacts/"+id+"/result.json").wantError(404, "not_found")
	}
	for _, id := range ids[1:] {
		b.do("DELETE", "/api/tasks/"+id, nil).wantError(404, "not_found")
		b.post("/api/tasks/"+id+"/cancel", "").wantError(404, "not_found")
		b.post("/api/tasks/"+id+"/rerun", "").wantError(404, "not_found")
	}
	if calls := b.seen(); len(calls) != 0 {
		t.Errorf("calls %+v", calls)
	}
	b.get("/api/tasks/"+strings.ToUpper(known.ID.String())).into(200, new(api.Task))
}

// TestContractExamples checks that the examples of the contract are accepted.
func TestContractExamples(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(api.Contract)
	if err != nil {
		t.Fatal(err)
	}
	b := setup(t)
	examples := doc.Paths.Value("/api/tasks").Post.RequestBody.Value.Content["application/json"].Examples
	for name, example := range examples {
		body, err := json.Marshal(example.Value.Value)
		if err != nil {
			t.Fatal(err)
		}
		if res := b.post("/api/tasks", string(body)); res.status != 201 {
			t.Errorf("%s: %d %s", name, res.status, res.body)
		}
	}
	if len(examples) < 2 {
		t.Error("no examples")
	}
}
