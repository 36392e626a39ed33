// Package taskfiles makes, writes, checks and removes the files of tasks.
//
// Invariants:
//
//   - The file of a task is written, and removed, under the lock of the task. So this process writes no file during or after the
//     removal.
//   - A file is written before its row, and its bytes depend only on what the database has. So any number of processes may write
//     it at once.
package taskfiles

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"legwork/internal/artifact"
	"legwork/internal/jobs/filelocks"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/wire"
)

// Files has the files of all tasks. Use New to make one per process.
type Files struct {
	Artifacts *artifact.Store // where the files are

	store store.Worker
	log   *slog.Logger
	locks filelocks.Locks
}

// New returns the files of all tasks.
func New(st store.Worker, artifacts *artifact.Store, log *slog.Logger) *Files {
	return &Files{Artifacts: artifacts, store: st, log: log}
}

// LockFiles waits until no other goroutine of this process writes or removes files of a task. The caller must call unlock.
func (f *Files) LockFiles(ctx context.Context, id uuid.UUID) (unlock func(), err error) {
	return f.locks.Lock(ctx, id)
}

// RemoveFiles removes the files of a task that was just removed. When this fails, the task's purge job removes the files later.
func (f *Files) RemoveFiles(ctx context.Context, id uuid.UUID) {
	unlock, err := f.LockFiles(ctx, id)
	if err == nil {
		defer unlock()
		err = f.Artifacts.Purge(ctx, id)
	}
	if err != nil {
		f.log.WarnContext(ctx, "artifacts of a removed task could not be removed now; its purge job will do it", "task_id", id, "error", err)
	}
}

// EnsureArtifacts writes those of the files report.md, result.json, sources.json and logs.txt of a finished task that are
// not recorded yet. Any number of callers may call it at once, because all write the same bytes.
func (f *Files) EnsureArtifacts(ctx context.Context, task research.Task) error {
	if !task.Status.Terminal() {
		return nil
	}
	// A delete in this process waits for this lock. If the delete got the lock first, the task is not found below.
	unlock, err := f.LockFiles(ctx, task.ID)
	if err != nil {
		return err
	}
	defer unlock()
	have, err := f.store.For(task.AccountID).Artifacts(ctx, task.ID)
	if err != nil {
		return err
	}
	recorded := make(map[string]bool, len(have))
	for _, a := range have {
		recorded[a.Name] = true
	}
	var written []research.Artifact
	for _, name := range Rendered {
		if recorded[name] || name == artifact.Report && !wire.HasReport(task) {
			continue
		}
		file, data, err := f.RenderArtifact(ctx, task, name)
		if err == nil {
			err = f.Artifacts.Write(ctx, task.ID, file.Name, file.ContentType, data)
		}
		if err != nil {
			return errors.Join(err, f.record(ctx, task.ID, written))
		}
		written = append(written, file)
	}
	return f.record(ctx, task.ID, written)
}

// Rendered has the names of the files that are made from the database, so that they can be made again at any time.
// Only tasks with a report have artifact.Report.
var Rendered = []string{artifact.Result, artifact.Report, artifact.Sources, artifact.Logs}

// RenderArtifact makes one of the Rendered files of a finished task from the database, without writing it. For other names
// it returns research.ErrNotFound.
func (f *Files) RenderArtifact(ctx context.Context, task research.Task, name string) (research.Artifact, []byte, error) {
	file := research.Artifact{Name: name, Kind: research.KindResult, ContentType: "application/json"}
	var render func(ctx context.Context, task research.Task) ([]byte, error)
	switch {
	case !task.Status.Terminal():
	case name == artifact.Result:
		render = f.renderResult
	case name == artifact.Report && wire.HasReport(task):
		file.Kind, file.ContentType, render = research.KindReport, "text/markdown; charset=utf-8", f.renderReport
	case name == artifact.Sources:
		file.Kind, render = research.KindSources, f.renderSources
	case name == artifact.Logs:
		file.Kind, file.ContentType, render = research.KindLogs, "text/plain; charset=utf-8", f.renderLog
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

// record stores the rows of files that were written. When the task was deleted meanwhile, record removes the files again.
func (f *Files) record(ctx context.Context, id uuid.UUID, written []research.Artifact) error {
	for i := range written {
		written[i].StoreID = f.Artifacts.ID(ctx)
	}
	kept, err := f.store.AddArtifacts(ctx, id, written...)
	if err != nil {
		return fmt.Errorf("record artifacts: %w", err)
	}
	if !kept {
		return f.Artifacts.Purge(ctx, id)
	}
	return nil
}

func (f *Files) renderResult(_ context.Context, task research.Task) ([]byte, error) {
	return wire.TaskJSON(task)
}

func (f *Files) renderReport(_ context.Context, task research.Task) ([]byte, error) {
	return wire.ReportMarkdown(task), nil
}

func (f *Files) renderSources(ctx context.Context, task research.Task) ([]byte, error) {
	visits, err := f.store.For(task.AccountID).Visits(ctx, task.ID)
	if err != nil {
		return nil, err
	}
	return wire.SourcesJSON(task, visits)
}

// logPage is the number of events that one query reads for logs.txt.
const logPage = 500

func (f *Files) renderLog(ctx context.Context, task research.Task) ([]byte, error) {
	var b bytes.Buffer
	for after := int64(0); ; {
		events, err := f.store.Events(ctx, task.ID, after, logPage)
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
func (f *Files) MissingFiles(ctx context.Context) (missing []string, elsewhere int, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	rows, err := f.store.AllArtifacts(ctx)
	if err != nil {
		return nil, 0, err
	}
	own := f.Artifacts.ID(ctx)
	for _, row := range rows {
		size, ok, err := f.Artifacts.Exists(ctx, row.TaskID, row.Name)
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
