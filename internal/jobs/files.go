package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"legwork/internal/artifact"
	"legwork/internal/lease"
	"legwork/internal/research"
	"legwork/internal/wire"
)

// fileJobTimeout bounds a job on files. When one has run for longer, its process has died.
const fileJobTimeout = 30 * time.Second

type artifactsWorker struct {
	river.WorkerDefaults[ArtifactsArgs]
	svc   *Service
	lease *lease.Lease
}

// Timeout implements river.Worker.
func (w *artifactsWorker) Timeout(*river.Job[ArtifactsArgs]) time.Duration { return fileJobTimeout }

// Work implements river.Worker. After an error River retries the job. A task that does not exist any more needs no files.
func (w *artifactsWorker) Work(ctx context.Context, job *river.Job[ArtifactsArgs]) error {
	if err := w.lease.Await(ctx); err != nil { // otherwise a process that was paused could write after the last purge of a deleted task
		return err
	}
	task, _, err := w.svc.store.TaskForRun(ctx, job.Args.TaskID)
	if errors.Is(err, research.ErrNotFound) {
		return nil
	}
	if err != nil {
		return later(err)
	}
	if err := w.svc.EnsureArtifacts(ctx, task); !errors.Is(err, research.ErrNotFound) {
		return later(err)
	}
	return nil
}

// later makes River repeat a job soon after an outage of the database. Other errors count as attempts, and River waits minutes
// after a few of them.
func later(err error) error {
	if errors.Is(err, research.ErrUnavailable) {
		return river.JobSnooze(time.Second)
	}
	return err
}

type purgeWorker struct {
	river.WorkerDefaults[PurgeArgs]
	svc *Service
}

// Timeout implements river.Worker.
func (w *purgeWorker) Timeout(*river.Job[PurgeArgs]) time.Duration { return fileJobTimeout }

// Work implements river.Worker.
func (w *purgeWorker) Work(ctx context.Context, job *river.Job[PurgeArgs]) error {
	exists, err := w.svc.store.Exists(ctx, job.Args.TaskID)
	if err != nil || exists {
		return later(err)
	}
	return w.svc.artifacts.Purge(ctx, job.Args.TaskID)
}

// EnsureArtifacts writes those of the files report.md, result.json, sources.json and logs.txt of a finished task that are
// not recorded yet. Any number of callers may call it at once, because all write the same bytes.
func (s *Service) EnsureArtifacts(ctx context.Context, task research.Task) error {
	if !task.Status.Terminal() {
		return nil
	}
	// A delete in this process waits for this lock. If the delete got the lock first, the task is not found below.
	unlock, err := s.files.Lock(ctx, task.ID)
	if err != nil {
		return err
	}
	defer unlock()
	have, err := s.store.For(task.AccountID).Artifacts(ctx, task.ID)
	if err != nil {
		return err
	}
	recorded := make(map[string]bool, len(have))
	for _, a := range have {
		recorded[a.Name] = true
	}
	for _, name := range Rendered {
		if recorded[name] || name == artifact.Report && !wire.HasReport(task) {
			continue
		}
		file, data, err := s.RenderArtifact(ctx, task, name)
		if err != nil {
			return err
		}
		if err := s.keepFile(ctx, task.ID, file, data); err != nil {
			return err
		}
	}
	return nil
}

// Rendered has the names of the files that are made from the database, so that they can be made again at any time.
// Only tasks with a report have artifact.Report.
var Rendered = []string{artifact.Result, artifact.Report, artifact.Sources, artifact.Logs}

// RenderArtifact makes one of the Rendered files of a finished task from the database, without writing it. For other names
// it returns research.ErrNotFound.
func (s *Service) RenderArtifact(ctx context.Context, task research.Task, name string) (research.Artifact, []byte, error) {
	file := research.Artifact{Name: name, Kind: research.KindResult, ContentType: "application/json"}
	var render func(ctx context.Context, task research.Task) ([]byte, error)
	switch {
	case !task.Status.Terminal():
	case name == artifact.Result:
		render = s.renderResult
	case name == artifact.Report && wire.HasReport(task):
		file.Kind, file.ContentType, render = research.KindReport, "text/markdown; charset=utf-8", s.renderReport
	case name == artifact.Sources:
		file.Kind, render = research.KindSources, s.renderSources
	case name == artifact.Logs:
		file.Kind, file.ContentType, render = research.KindLogs, "text/plain; charset=utf-8", s.renderLog
	}
	if render == nil {
		return research.Artifact{}, nil, fmt.Errorf("%w: no file %q is made from the database", research.ErrNotFound, name)
	}
	data, err := render(ctx, task)
	if err != nil {
		return research.Artifact{}, nil, fmt.Errorf("render %s: %w", name, err)
	}
	file.Bytes = int64(len(data))
	if task.CompletedAt != nil {
		file.CreatedAt = *task.CompletedAt
	}
	return file, data, nil
}

// keepFile writes a file and then its row. When the task was deleted meanwhile, keepFile removes the file again.
func (s *Service) keepFile(ctx context.Context, id uuid.UUID, a research.Artifact, data []byte) error {
	if err := s.artifacts.Write(ctx, id, a.Name, a.ContentType, data); err != nil {
		return err
	}
	a.StoreID = s.artifacts.ID(ctx)
	kept, err := s.store.AddArtifact(ctx, id, a)
	if err != nil {
		return fmt.Errorf("record artifact: %w", err)
	}
	if !kept {
		return s.artifacts.Purge(ctx, id)
	}
	return nil
}

func (s *Service) renderResult(_ context.Context, task research.Task) ([]byte, error) {
	return wire.TaskJSON(task)
}

func (s *Service) renderReport(_ context.Context, task research.Task) ([]byte, error) {
	return wire.ReportMarkdown(task), nil
}

func (s *Service) renderSources(ctx context.Context, task research.Task) ([]byte, error) {
	visits, err := s.store.For(task.AccountID).Visits(ctx, task.ID)
	if err != nil {
		return nil, err
	}
	return wire.SourcesJSON(task, visits)
}

// logPage is the number of events that one query reads for logs.txt.
const logPage = 500

func (s *Service) renderLog(ctx context.Context, task research.Task) ([]byte, error) {
	var b bytes.Buffer
	for after := int64(0); ; {
		events, err := s.store.Events(ctx, task.ID, after, logPage)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			fmt.Fprintf(&b, "%s %5d %-18s %s\n", e.Time.UTC().Format(research.TimeFormat), e.Seq, e.Type, bytes.TrimSpace(e.Body))
			after = e.Seq
		}
		if len(events) < logPage {
			return b.Bytes(), nil
		}
	}
}

// MissingFiles lists the recorded artifacts, as task/name, whose file does not exist or has another size than recorded.
// elsewhere counts those that another store has, which this process cannot look into.
func (s *Service) MissingFiles(ctx context.Context) (missing []string, elsewhere int, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	rows, err := s.store.AllArtifacts(ctx)
	if err != nil {
		return nil, 0, err
	}
	own := s.artifacts.ID(ctx)
	for _, row := range rows {
		size, ok, err := s.artifacts.Exists(ctx, row.TaskID, row.Name)
		if err != nil {
			return nil, 0, err
		}
		switch {
		case !ok && row.StoreID != "" && row.StoreID != own:
			elsewhere++
		case !ok || size != row.Bytes:
			missing = append(missing, row.TaskID.String()+"/"+row.Name)
		}
	}
	return missing, elsewhere, nil
}
