package httpapi

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"legwork/internal/artifact"
	"legwork/internal/research"
)

// rendering makes the fake render the three files of a task.
func (b *bundle) rendering(at time.Time) {
	b.render = func(_ research.Task, name string) (research.Artifact, []byte, error) {
		kind, ok := map[string]string{"result.json": research.KindResult, "sources.json": research.KindSources, "logs.txt": research.KindLogs}[name]
		if !ok {
			return research.Artifact{}, nil, research.ErrNotFound
		}
		data := []byte("made: " + name)
		return research.Artifact{Name: name, Kind: kind, ContentType: "text/plain", Bytes: int64(len(data)), CreatedAt: at}, data, nil
	}
}

// TestFilesWithoutRoom checks that the files that can be made from the database are served although they cannot be written.
func TestFilesWithoutRoom(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(research.Task{Status: research.Failed, Error: new(string)}).ID.String()
	b.rendering(time.Date(2026, 3, 5, 14, 30, 0, 0, time.UTC))
	b.ensure = func(research.Task) error {
		return fmt.Errorf("write: %w", &artifact.Error{Doing: "write artifact", Err: syscall.ENOSPC})
	}
	b.artifacts = []research.Artifact{{Name: "1.png", Kind: research.KindScreenshot, ContentType: "image/png", Bytes: 4}}
	var list map[string]any
	b.get("/api/tasks/"+id+"/artifacts").into(200, &list)
	if files, _ := list["files"].([]any); len(files) != 4 || list["has_result"] != true || list["has_logs"] != true || list["has_sources"] != true {
		t.Errorf("list %v", list)
	}
	res := b.get("/artifacts/" + id + "/result.json")
	if res.status != 200 || string(res.body) != "made: result.json" || res.header.Get("Last-Modified") == "" {
		t.Errorf("result.json: %d %s %v", res.status, res.body, res.header)
	}
	if again := b.get("/artifacts/"+id+"/result.json", "If-None-Match", res.header.Get("Etag")); again.status != 304 {
		t.Errorf("unchanged: %d", again.status)
	}
	if part := b.get("/artifacts/"+id+"/logs.txt", "Range", "bytes=0-3"); part.status != 206 || string(part.body) != "made" {
		t.Errorf("a part: %d %s", part.status, part.body)
	}
	b.get("/api/tasks/"+id+"/screenshots/result.json").wantError(404, "not_found")
}

// brokenFiles is a store of files that cannot be read.
type brokenFiles struct {
	err error
	id  string
}

// Read implements Artifacts.
func (f brokenFiles) Read(context.Context, uuid.UUID, string) (*artifact.File, error) {
	return nil, f.err
}

// ID implements Artifacts.
func (f brokenFiles) ID(context.Context) string { return f.id }

// TestFilesThatCannotBeRead checks the answers about a picture, which cannot be made again.
func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(research.Task{Status: research.Failed, Error: new(string)}).ID.String()
	path := "/api/tasks/" + id + "/screenshots/1.png"
	for _, c := range []struct {
		name    string
		storeID string // of the row
		files   brokenFiles
		status  int
		code    string
	}{
		{"the place refuses", "here", brokenFiles{&artifact.Error{Doing: "read", Err: syscall.EACCES}, "here"}, 503, "files_unavailable"},
		{"the place is silent", "here", brokenFiles{&artifact.Error{Doing: "read", Err: context.DeadlineExceeded}, "here"}, 503, "files_unavailable"},
		{"another place has it", "there", brokenFiles{research.ErrNotFound, "here"}, 503, "file_elsewhere"},
		{"it is gone", "here", brokenFiles{research.ErrNotFound, "here"}, 404, "not_found"},
		{"an older version wrote it", "", brokenFiles{research.ErrNotFound, "here"}, 404, "not_found"},
	} {
		b.artifacts = []research.Artifact{{Name: "1.png", Kind: research.KindScreenshot, ContentType: "image/png", Bytes: 4, StoreID: c.storeID}}
		b.api.server.Files.Config.Store = c.files
		b.get(path).wantError(c.status, c.code)
	}
}

// TestNotReadyAtOnce checks that a probe of a process that stops does not wait for the checks of database and model.
func TestNotReadyAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.api.server.stopping = func() bool { return true }
	b.api.server.health = func(context.Context) Health {
		t.Error("the database was asked")
		return Health{}
	}
	b.get("/health/ready").wantError(503, "stopping")
}
