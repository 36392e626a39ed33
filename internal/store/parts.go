package store

import (
	"context"
	"time"

	"github.com/google/uuid"

	"legwork/db"
	"legwork/internal/research"
)

// taskOf makes a task from the row of its first query. It adds what the queries of queueParts found.
func taskOf(ctx context.Context, q *db.Queries, row db.GetTaskRow) (research.Task, error) {
	task := timed(taskFrom(row.Task, row.LastSeq, row.ChildOf), row.DurationSeconds)
	task.Usage = usageFrom(db.TaskUsageRow{Pages: row.Pages, ToolCalls: row.ToolCalls, ModelCalls: row.ModelCalls, InputTokens: row.InputTokens, CachedTokens: row.CachedTokens,
		OutputTokens: row.OutputTokens, CostUsd: row.CostUsd, Priced: row.Priced, RunningSeconds: row.RunningSeconds})
	tasks := []research.Task{task}
	err := addParts(ctx, q, tasks)
	return tasks[0], err
}

// queueParts adds the queries whose rows addParts reads to a batch.
func queueParts(ctx context.Context, q *db.Queries, ids []uuid.UUID) {
	_, _ = q.TaskEvidence(ctx, ids, true)
	_, _ = q.Screenshots(ctx, ids)
}

func usageFrom(u db.TaskUsageRow) research.Usage {
	usage := research.Usage{
		Pages: int(u.Pages), ToolCalls: int(u.ToolCalls), ModelCalls: int(u.ModelCalls),
		InputTokens: u.InputTokens, OutputTokens: u.OutputTokens, CachedTokens: u.CachedTokens,
		Running: time.Duration(u.RunningSeconds * float64(time.Second)).Round(time.Millisecond),
	}
	if u.Priced {
		usage.CostUSD = &u.CostUsd
	}
	return usage
}

func byID(tasks []research.Task) map[uuid.UUID]*research.Task {
	at := make(map[uuid.UUID]*research.Task, len(tasks))
	for i := range tasks {
		at[tasks[i].ID] = &tasks[i]
	}
	return at
}

// addParts adds citations and screenshots to tasks. It makes two queries for any number of tasks.
func addParts(ctx context.Context, q *db.Queries, tasks []research.Task) error {
	ids, at := ids(tasks), byID(tasks)
	citations, err := q.TaskEvidence(ctx, ids, true)
	if err != nil {
		return err
	}
	for _, c := range citations {
		at[c.TaskID].Citations = append(at[c.TaskID].Citations, evidenceFrom(c))
	}
	shots, err := q.Screenshots(ctx, ids)
	if err != nil {
		return err
	}
	for _, shot := range shots {
		t := at[shot.TaskID]
		t.Screenshots = append(t.Screenshots, research.ScreenshotURL(shot.TaskID, shot.Name))
	}
	return nil
}

func evidenceFrom(e db.TaskEvidenceRow) research.Evidence {
	out := research.Evidence{
		Number: int(e.Number), Marker: int(e.Marker), PageID: e.PageID, VisitID: e.VisitID, URL: e.Url, Title: e.Title,
		Excerpt: e.Excerpt, Start: int(e.StartOffset), End: int(e.EndOffset), Verified: true, Support: e.Support, AccessedAt: e.AccessedAt,
		PublishedAt: e.PublishedAt, ModifiedAt: e.ModifiedAt, Kind: research.SourceKind(e.SourceKind), Source: int(e.SourceGroup),
	}
	if e.Screenshot != "" {
		out.ScreenshotURL = research.ScreenshotURL(e.TaskID, e.Screenshot)
	}
	return out
}
