package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"legwork/api"
	"legwork/internal/artifact"
	"legwork/internal/httpapi/problem"
	"legwork/internal/jobs/taskfiles"
	"legwork/internal/research"
	"legwork/internal/wire"
)

// downloadTime is the time limit for sending one file.
const downloadTime = 10 * time.Minute

// errElsewhere means that the store of this process lacks a file that another store has.
var errElsewhere = problem.New(http.StatusServiceUnavailable, "file_elsewhere",
	"The file is in a store that this server process does not see; all processes need the same ARTIFACT_DIR.")

// Tasks makes files of tasks. *jobs.Service implements it.
type Tasks interface {
	// EnsureArtifacts writes those files of a finished task that do not exist yet.
	EnsureArtifacts(ctx context.Context, task research.Task) error
	// RenderArtifact makes one of the files taskfiles.Rendered of a finished task from the database, without writing it.
	RenderArtifact(ctx context.Context, task research.Task, name string) (research.Artifact, []byte, error)
}

// Data reads the data of one account. store.Account implements it.
type Data interface {
	Task(ctx context.Context, id uuid.UUID) (research.Task, error)
	Artifacts(ctx context.Context, id uuid.UUID) ([]research.Artifact, error)
	Artifact(ctx context.Context, id uuid.UUID, name string) (research.Artifact, error)
}

// Store reads the files of tasks. *artifact.Store implements it.
type Store interface {
	Read(ctx context.Context, task uuid.UUID, file string) (*artifact.File, error)
	// ID returns the id of the store; files that were written to a store with another id are not there.
	ID(ctx context.Context) string
}

// Config holds what the operations on files need. All fields are required.
type Config struct {
	Tasks     Tasks
	Data      func(ctx context.Context) Data // of the account of the request's caller
	Store     Store
	Fail      func(w http.ResponseWriter, r *http.Request, err error) // answers with an error
	Policy    string                                                  // Content-Security-Policy of answers that browsers show as a document
	Embedding string                                                  // Cross-Origin-Resource-Policy: the sites whose pages may show a file
	Log       *slog.Logger
}

// Files implements the operations of this package. New returns one.
type Files struct{ Config Config }

// New returns the operations.
func New(cfg Config) *Files { return &Files{cfg} }

// ListArtifacts implements api.StrictServerInterface.
func (h *Files) ListArtifacts(ctx context.Context, req api.ListArtifactsRequestObject) (api.ListArtifactsResponseObject, error) {
	id, err := wire.ParseID(req.ID)
	if err != nil {
		return nil, err
	}
	task, err := h.Config.Data(ctx).Task(ctx, id)
	if err != nil {
		return nil, err
	}
	var place *artifact.Error
	broken := h.ensureFiles(ctx, task)
	if broken != nil && !errors.As(broken, &place) {
		return nil, broken
	}
	list, err := h.Config.Data(ctx).Artifacts(ctx, task.ID)
	if err == nil && broken != nil {
		list, err = h.withRendered(ctx, task, list, broken)
	}
	if err != nil {
		return nil, err
	}
	out := api.ListArtifacts200JSONResponse{Exists: len(list) > 0, Files: make([]api.ArtifactFile, len(list))}
	for i, a := range list {
		base := "/artifacts/" + task.ID.String() + "/"
		switch a.Kind {
		case research.KindResult:
			out.HasResult = true
		case research.KindSources:
			out.HasSources = true
		case research.KindLogs:
			out.HasLogs = true
		case research.KindScreenshot:
			out.ScreenshotCount++
			base = "/api/tasks/" + task.ID.String() + "/screenshots/"
		}
		out.TotalSizeBytes += a.Bytes
		out.Files[i] = api.ArtifactFile{Name: a.Name, Kind: a.Kind, ContentType: a.ContentType, Bytes: a.Bytes,
			CreatedAt: api.NewTime(a.CreatedAt), URL: base + url.PathEscape(a.Name)}
	}
	return out, nil
}

// withRendered adds the files to a list that can be made from the database although they could not be written.
func (h *Files) withRendered(ctx context.Context, task research.Task, list []research.Artifact, broken error) ([]research.Artifact, error) {
	h.Config.Log.WarnContext(ctx, "files of a task could not be written; they are made from the database", "task_id", task.ID, "error", broken)
	for _, name := range taskfiles.Rendered {
		if slices.ContainsFunc(list, func(a research.Artifact) bool { return a.Name == name }) {
			continue
		}
		file, _, err := h.Config.Tasks.RenderArtifact(ctx, task, name)
		if errors.Is(err, research.ErrNotFound) { // this task has no such file
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, file)
	}
	return list, nil
}

// ensureFiles writes the files of a finished task if they do not exist yet. A job writes them, too, but a client that
// asks for a file right after the task's end should not have to wait for the job.
func (h *Files) ensureFiles(ctx context.Context, task research.Task) error {
	if !task.Status.Terminal() {
		return nil
	}
	if err := h.Config.Tasks.EnsureArtifacts(ctx, task); err != nil {
		return fmt.Errorf("write artifacts: %w", err)
	}
	return nil
}

// ServeFile sends one file of a task, with validators and ranges (RFC 9110).
func (h *Files) ServeFile(w http.ResponseWriter, r *http.Request) { h.sendFile(w, r, "") }

// ServeScreenshot is ServeFile for screenshots only.
func (h *Files) ServeScreenshot(w http.ResponseWriter, r *http.Request) {
	h.sendFile(w, r, research.KindScreenshot)
}

// sendFile sends the file that the path names, if it is of this kind. An empty kind matches every file.
func (h *Files) sendFile(w http.ResponseWriter, r *http.Request, kind string) {
	a, f, err := h.openFile(r, kind)
	if err != nil {
		h.Config.Fail(w, r, err)
		return
	}
	defer func() { _ = f.Close() }()
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(downloadTime)); err != nil {
		h.Config.Fail(w, r, fmt.Errorf("set write deadline: %w", err))
		return
	}
	header := w.Header()
	header.Set("Cache-Control", "private, no-cache") // browsers may store the file, but must ask each time whether it has changed
	header.Set("Content-Type", a.ContentType)
	header.Set("Content-Disposition", disposition(a))
	header.Set("Etag", f.etag)
	// A file may contain text of a web page. This policy forbids browsers to run anything in it as part of this server's
	// site.
	header.Set("Content-Security-Policy", h.Config.Policy+"; sandbox")
	header.Set("Cross-Origin-Resource-Policy", h.Config.Embedding)
	http.ServeContent(&contentWriter{ResponseWriter: w}, r, "", f.modTime, f)
}

// content is a file that is sent: one that is kept, or one that was made from the database.
type content struct {
	io.ReadSeekCloser
	etag    string
	modTime time.Time
}

// inMemory is a file that was made from the database.
type inMemory struct{ *bytes.Reader }

// Close implements io.Closer.
func (inMemory) Close() error { return nil }

// disposition returns the Content-Disposition header of a file (RFC 6266). It lets browsers show types that cannot run
// scripts, and makes them save files of other types. File names are ASCII.
func disposition(a research.Artifact) string {
	how := "attachment"
	switch media, _, _ := mime.ParseMediaType(a.ContentType); media {
	case "image/png", "application/json", "text/plain":
		how = "inline"
	}
	return how + `; filename="` + a.Name + `"`
}

// openFile opens the recorded file that the path names. The name must be a plain file name, so it cannot point outside the
// task's folder.
func (h *Files) openFile(r *http.Request, kind string) (research.Artifact, content, error) {
	name := chi.URLParam(r, "*")
	if r.URL.RawPath != "" { // chi matched the encoded path
		var err error
		if name, err = url.PathUnescape(name); err != nil {
			return research.Artifact{}, content{}, fmt.Errorf("%w: %w", research.ErrNotFound, err)
		}
	}
	ctx := r.Context()
	id, err := wire.ParseID(chi.URLParam(r, "id"))
	if err != nil {
		return research.Artifact{}, content{}, err
	}
	if !artifact.IsName(name) {
		return research.Artifact{}, content{}, research.ErrNotFound
	}
	a, err := h.recorded(ctx, id, name)
	switch {
	case kind != "" && (err == nil && a.Kind != kind || slices.Contains(taskfiles.Rendered, name)):
		return a, content{}, research.ErrNotFound
	case err != nil:
		return h.renderFile(ctx, id, name, err)
	}
	f, err := h.Config.Store.Read(ctx, id, name)
	switch {
	case err == nil:
		return a, content{f, f.ETag, f.ModTime}, nil
	case errors.Is(err, research.ErrNotFound) && a.StoreID != "" && a.StoreID != h.Config.Store.ID(ctx):
		err = fmt.Errorf("%w: %w", errElsewhere, err)
	}
	return h.renderFile(ctx, id, name, err)
}

// renderFile makes a file from the database that cannot be read, if it is one of those that can be made. Otherwise it
// returns the error with which the file could not be read.
func (h *Files) renderFile(ctx context.Context, id uuid.UUID, name string, unread error) (research.Artifact, content, error) {
	var place *artifact.Error
	lost := errors.As(unread, &place) || errors.Is(unread, errElsewhere) || errors.Is(unread, research.ErrNotFound)
	if !lost || !slices.Contains(taskfiles.Rendered, name) {
		return research.Artifact{}, content{}, unread
	}
	task, err := h.Config.Data(ctx).Task(ctx, id)
	if err != nil {
		return research.Artifact{}, content{}, err
	}
	a, data, err := h.Config.Tasks.RenderArtifact(ctx, task, name)
	if err != nil {
		return research.Artifact{}, content{}, err
	}
	h.Config.Log.WarnContext(ctx, "a file could not be read; it is made from the database", "task_id", id, "file", name, "error", unread)
	return a, content{inMemory{bytes.NewReader(data)}, fmt.Sprintf(`"%x"`, sha256.Sum256(data)), a.CreatedAt}, nil
}

// recorded returns the row of a file. If the row is missing and the task has finished, recorded first writes the task's files.
func (h *Files) recorded(ctx context.Context, id uuid.UUID, name string) (research.Artifact, error) {
	a, err := h.Config.Data(ctx).Artifact(ctx, id, name)
	if !errors.Is(err, research.ErrNotFound) || !slices.Contains(taskfiles.Rendered, name) {
		return a, err
	}
	task, err := h.Config.Data(ctx).Task(ctx, id)
	if err != nil {
		return a, err
	}
	if err := h.ensureFiles(ctx, task); err != nil {
		return a, err
	}
	return h.Config.Data(ctx).Artifact(ctx, id, name)
}

// contentWriter turns the errors of http.ServeContent (a range beyond the end, a failed precondition) into the error
// envelope.
type contentWriter struct {
	http.ResponseWriter
	failed bool
}

// WriteHeader implements http.ResponseWriter.
func (c *contentWriter) WriteHeader(status int) {
	switch status {
	case http.StatusRequestedRangeNotSatisfiable:
		c.failed = true
		problem.Write(c.ResponseWriter, problem.New(status, "range_not_satisfiable", "The file does not reach that far; Content-Range has its size."), nil)
	case http.StatusPreconditionFailed:
		c.failed = true
		problem.Write(c.ResponseWriter, problem.New(status, "precondition_failed", "The file is not the one that the request's conditions name."), nil)
	case http.StatusInternalServerError:
		c.failed = true
		problem.Write(c.ResponseWriter, problem.FilesUnavailable("it cannot be read or written"), nil)
	default:
		c.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (c *contentWriter) Write(b []byte) (int, error) {
	if c.failed {
		return len(b), nil
	}
	return c.ResponseWriter.Write(b)
}
