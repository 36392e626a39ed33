package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"legwork/api"
	"legwork/internal/artifact"
	"legwork/internal/jobs"
	"legwork/internal/research"
	"legwork/internal/wire"
)

// downloadTime is the time limit for sending one file.
const downloadTime = 10 * time.Minute

// ListArtifacts implements api.StrictServerInterface.
func (s *server) ListArtifacts(ctx context.Context, req api.ListArtifactsRequestObject) (api.ListArtifactsResponseObject, error) {
	task, err := s.task(ctx, req.ID)
	if err != nil {
		return nil, err
	}
	var place *artifact.Error
	broken := s.ensureFiles(ctx, task)
	if broken != nil && !errors.As(broken, &place) {
		return nil, broken
	}
	list, err := s.data(ctx).Artifacts(ctx, task.ID)
	if err == nil && broken != nil {
		list, err = s.withRendered(ctx, task, list, broken)
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
func (s *server) withRendered(ctx context.Context, task research.Task, list []research.Artifact, broken error) ([]research.Artifact, error) {
	s.log.WarnContext(ctx, "files of a task could not be written; they are made from the database", "task", task.ID, "error", broken)
	for _, name := range jobs.Rendered {
		if slices.ContainsFunc(list, func(a research.Artifact) bool { return a.Name == name }) {
			continue
		}
		file, _, err := s.tasks.RenderArtifact(ctx, task, name)
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
func (s *server) ensureFiles(ctx context.Context, task research.Task) error {
	if !task.Status.Terminal() {
		return nil
	}
	if err := s.tasks.EnsureArtifacts(ctx, task); err != nil {
		return fmt.Errorf("write artifacts: %w", err)
	}
	return nil
}

// serveFile sends one file of a task, with validators and ranges (RFC 9110).
func (s *server) serveFile(w http.ResponseWriter, r *http.Request) { s.sendFile(w, r, "") }

// serveScreenshot is serveFile for screenshots only.
func (s *server) serveScreenshot(w http.ResponseWriter, r *http.Request) {
	s.sendFile(w, r, research.KindScreenshot)
}

// sendFile sends the file that the path names, if it is of this kind. An empty kind matches every file.
func (s *server) sendFile(w http.ResponseWriter, r *http.Request, kind string) {
	a, f, err := s.openFile(r, kind)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer func() { _ = f.Close() }()
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(downloadTime)); err != nil {
		s.fail(w, r, fmt.Errorf("set write deadline: %w", err))
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "private, no-cache") // browsers may store the file, but must ask each time whether it has changed
	h.Set("Content-Type", a.ContentType)
	h.Set("Content-Disposition", disposition(a))
	h.Set("Etag", f.etag)
	// A file may contain text of a web page. This policy forbids browsers to run anything in it as part of this server's
	// site.
	h.Set("Content-Security-Policy", nothingAllowed+"; sandbox")
	h.Set("Cross-Origin-Resource-Policy", s.origins.embedding())
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
func (s *server) openFile(r *http.Request, kind string) (research.Artifact, content, error) {
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
	a, err := s.recorded(ctx, id, name)
	switch {
	case kind != "" && (err == nil && a.Kind != kind || slices.Contains(jobs.Rendered, name)):
		return a, content{}, research.ErrNotFound
	case err != nil:
		return s.renderFile(ctx, id, name, err)
	}
	f, err := s.artifacts.Read(ctx, id, name)
	switch {
	case err == nil:
		return a, content{f, f.ETag, f.ModTime}, nil
	case errors.Is(err, research.ErrNotFound) && a.StoreID != "" && a.StoreID != s.artifacts.ID(ctx):
		err = fmt.Errorf("%w: %w", errElsewhere, err)
	}
	return s.renderFile(ctx, id, name, err)
}

// renderFile makes a file from the database that cannot be read, if it is one of those that can be made. Otherwise it
// returns the error with which the file could not be read.
func (s *server) renderFile(ctx context.Context, id uuid.UUID, name string, unread error) (research.Artifact, content, error) {
	var place *artifact.Error
	lost := errors.As(unread, &place) || errors.Is(unread, errElsewhere) || errors.Is(unread, research.ErrNotFound)
	if !lost || !slices.Contains(jobs.Rendered, name) {
		return research.Artifact{}, content{}, unread
	}
	task, err := s.data(ctx).Task(ctx, id)
	if err != nil {
		return research.Artifact{}, content{}, err
	}
	a, data, err := s.tasks.RenderArtifact(ctx, task, name)
	if err != nil {
		return research.Artifact{}, content{}, err
	}
	s.log.WarnContext(ctx, "a file could not be read; it is made from the database", "task", id, "file", name, "error", unread)
	return a, content{inMemory{bytes.NewReader(data)}, fmt.Sprintf(`"%x"`, sha256.Sum256(data)), a.CreatedAt}, nil
}

// recorded returns the row of a file. If the row is missing and the task has finished, recorded first writes the task's files.
func (s *server) recorded(ctx context.Context, id uuid.UUID, name string) (research.Artifact, error) {
	a, err := s.data(ctx).Artifact(ctx, id, name)
	if !errors.Is(err, research.ErrNotFound) || !slices.Contains(jobs.Rendered, name) {
		return a, err
	}
	task, err := s.data(ctx).Task(ctx, id)
	if err != nil {
		return a, err
	}
	if err := s.ensureFiles(ctx, task); err != nil {
		return a, err
	}
	return s.data(ctx).Artifact(ctx, id, name)
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
		writeProblem(c.ResponseWriter, problem{status, "range_not_satisfiable", "The file does not reach that far; Content-Range has its size."}, nil)
	case http.StatusPreconditionFailed:
		c.failed = true
		writeProblem(c.ResponseWriter, problem{status, "precondition_failed", "The file is not the one that the request's conditions name."}, nil)
	case http.StatusInternalServerError:
		c.failed = true
		writeProblem(c.ResponseWriter, filesUnavailable("it cannot be read or written"), nil)
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
