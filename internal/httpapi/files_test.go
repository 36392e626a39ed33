package httpapi

import (
	"context"
	"errors"
	pathpkg "path"
	"strings"
	"testing"
	"time"

	"legwork/internal/artifact"
	"legwork/internal/research"
)

func TestFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	task := b.add(research.Task{Status: research.Failed, Error: new(string)})
	other := b.add(research.Task{Status: research.Running})
	ctx := context.Background()
	id := task.ID.String()
	base := "/api/tasks/" + id + "/artifacts"

	// The files of a task that has just finished are written when a client asks for one.
	written := 0
	b.ensure = func(got research.Task) error {
		written++
		if got.ID != task.ID {
			t.Errorf("files of %s", got.ID)
		}
		at := time.Date(2026, 3, 5, 14, 30, 0, 0, time.UTC)
		b.artifacts = []research.Artifact{
			{Name: "result.json", Kind: "result", ContentType: "application/json", Bytes: 10, CreatedAt: at},
			{Name: "sources.json", Kind: "sources", ContentType: "application/json", Bytes: 20, CreatedAt: at},
			{Name: "logs.txt", Kind: "logs", ContentType: "text/plain; charset=utf-8", Bytes: 30, CreatedAt: at},
			{Name: "1.png", Kind: "screenshot", ContentType: "image/png", Bytes: 40, CreatedAt: at},
			{Name: "x.bin", Kind: "logs", ContentType: "application/octet-stream", CreatedAt: at},
		}
		for name, content := range map[string]string{"result.json": "0123456789", "logs.txt": "<script>", "1.png": "png", "x.bin": "bin"} {
			if err := b.files.Write(ctx, task.ID, name, "", []byte(content)); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	first := b.get("/artifacts/" + id + "/result.json")
	if first.status != 200 || string(first.body) != "0123456789" || written != 1 {
		t.Errorf("%d %s, written %d times", first.status, first.body, written)
	}
	var list map[string]any
	b.get(base).into(200, &list)
	for key, want := range map[string]any{"exists": true, "total_size_bytes": 100.0, "screenshot_count": 1.0, "has_logs": true, "has_sources": true, "has_result": true} {
		if list[key] != want {
			t.Errorf("%s is %v, want %v", key, list[key], want)
		}
	}
	files, _ := list["files"].([]any)
	if len(files) != 5 || len(list) != 7 {
		t.Fatalf("list %v", list)
	}
	for i, want := range []string{"/artifacts/" + id + "/result.json", "", "", "/api/tasks/" + id + "/screenshots/1.png"} {
		f, _ := files[i].(map[string]any)
		if want != "" && f["url"] != want {
			t.Errorf("url %v, want %s", f["url"], want)
		}
		if want != "" && b.get(want).status != 200 {
			t.Errorf("%s cannot be read", want)
		}
	}
	recorded := b.artifacts
	b.set(func() { b.ensure, b.artifacts = nil, nil })
	var none map[string]any
	b.get("/api/tasks/"+other.ID.String()+"/artifacts").into(200, &none)
	if none["exists"] != false || len(none["files"].([]any)) != 0 {
		t.Errorf("no files are %v", none)
	}
	b.set(func() { b.artifacts = recorded })

	for path, contentType := range map[string]string{"/artifacts/" + id + "/logs.txt": "text/plain; charset=utf-8", base + "/result.json": "application/json",
		"/api/tasks/" + id + "/screenshots/1.png": "image/png", base + "/x.bin": "application/octet-stream"} {
		res := b.get(path)
		if res.status != 200 || res.header.Get("Content-Type") != contentType || res.header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(res.header.Get("Content-Security-Policy"), "sandbox") || !strings.HasPrefix(res.header.Get("Cache-Control"), "private") {
			t.Errorf("%s: %d %v", path, res.status, res.header)
		}
		want := `inline; filename="` + pathpkg.Base(path) + `"`
		if strings.HasSuffix(path, ".bin") {
			want = `attachment; filename="x.bin"`
		}
		if got := res.header.Get("Content-Disposition"); got != want {
			t.Errorf("%s: disposition %s, want %s", path, got, want)
		}
	}
	b.get("/api/tasks/"+id+"/screenshots/result.json").wantError(404, "not_found") // because it is no screenshot

	path := "/artifacts/" + id + "/result.json"
	etag := b.get(path).header.Get("Etag")
	if res := b.get(path, "If-None-Match", etag); res.status != 304 || len(res.body) != 0 || etag == "" {
		t.Errorf("ETag %q: %d %s", etag, res.status, res.body)
	}
	if res := b.get(path, "Range", "bytes=2-4"); res.status != 206 || string(res.body) != "234" || res.header.Get("Content-Range") != "bytes 2-4/10" {
		t.Errorf("range: %d %s %v", res.status, res.body, res.header)
	}
	res := b.get(path, "Range", "bytes=99-")
	if e := envelope(t, res.body); res.status != 416 || e.ErrorCode != "range_not_satisfiable" || res.header.Get("Content-Range") != "bytes */10" {
		t.Errorf("range beyond: %d %s %v", res.status, res.body, res.header)
	}
	res = b.get(path, "If-Match", `"other"`)
	if e := envelope(t, res.body); res.status != 412 || e.ErrorCode != "precondition_failed" {
		t.Errorf("precondition: %d %s", res.status, res.body)
	}
	if res := b.do("HEAD", path, nil); res.status != 200 || res.header.Get("Content-Length") != "10" {
		t.Errorf("HEAD: %d %v", res.status, res.header)
	}
}

// TestFileNames checks that names that point outside the task's folder, and names of missing files, get 404.
func TestFileNames(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, two := b.add(research.Task{Status: research.Running}).ID, b.add(research.Task{Status: research.Running}).ID
	if err := b.files.Write(context.Background(), two, artifact.Result, "", []byte(`"two"`)); err != nil {
		t.Fatal(err)
	}
	b.artifacts = []research.Artifact{{Name: artifact.Result, Kind: "result", ContentType: "application/json", Bytes: 5}} // the fake returns this row for both tasks
	names := []string{"", ".", "..", "nothing.txt", "result.json/", "/result.json", "../" + two.String() + "/result.json", "..%2f" + two.String() + "%2fresult.json",
		"..%2F..%2F..%2Fetc%2Fpasswd", "%2e%2e/" + two.String() + "/result.json", "%2e%2e%2f" + two.String() + "%2fresult.json", "..%5c" + two.String() + "%5cresult.json",
		"%252e%252e%252f" + two.String() + "%252fresult.json", "%2fetc%2fpasswd", "result.json%00", "%00", "result.json%00.txt", "%ff", ".hidden", "a/../../" + two.String() + "/result.json",
		strings.Repeat("x", 4000), "./result.json", "result.json%2f..%2f..%2f" + two.String() + "%2fresult.json"}
	for _, name := range names {
		for _, base := range []string{"/artifacts/" + one.String() + "/", "/api/tasks/" + one.String() + "/artifacts/", "/api/tasks/" + one.String() + "/screenshots/"} {
			b.get(base+name).wantError(404, "not_found")
		}
	}
	if res := b.get("/artifacts/" + two.String() + "/result%2Ejson"); string(res.body) != `"two"` {
		t.Errorf("an encoded name of a file: %d %s", res.status, res.body)
	}
}

// TestRealFileNames checks that impossible file names get 404 without a query, because the database cannot process some of them.
func TestRealFileNames(t *testing.T) {
	t.Parallel()
	r := setupReal(t)
	var task map[string]any
	r.post("/api/tasks", `{"question":"Why?"}`).into(201, &task)
	base, _ := task["taskId"].(string)
	for _, name := range []string{"%00", "result.json%00", "1.png%00.png", "%ff%fe", "..%2f" + base + "%2fresult.json", "..%2f..%2f..%2fetc%2fpasswd", strings.Repeat("x", 4000)} {
		r.get("/artifacts/"+base+"/"+name).wantError(404, "not_found")
		r.get("/api/tasks/"+base+"/screenshots/"+name).wantError(404, "not_found")
	}
}

func TestFilesThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(research.Task{Status: research.Failed, Error: new(string)}).ID.String()
	b.ensure = func(research.Task) error { return errors.New("secret: disk full") }
	for _, path := range []string{"/api/tasks/" + id + "/artifacts", "/artifacts/" + id + "/logs.txt"} {
		res := b.get(path)
		res.wantError(500, "internal")
		if strings.Contains(string(res.body), "secret") {
			t.Errorf("the cause leaked: %s", res.body)
		}
	}
}
