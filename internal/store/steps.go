package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/db"
	"legwork/internal/research"
	"legwork/internal/store/jsoncolumn"
)

// RecordStep adds a step to the journal, with its events, its visit, its evidence and its file. It returns the events
// with seq and time, and the evidence with the excerpts that the database cut out of the snapshots. It returns ErrFenced
// when the task has a newer epoch. When tx is nil, it uses a transaction of its own.
func (w Worker) RecordStep(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int, step research.Step) (
	events []research.Event, evidence []research.Evidence, err error) {
	if tx == nil && (step.Visit != nil || len(step.Evidence) > 0 || step.Artifact != nil) { // more than one statement
		err = w.InTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
			events, evidence, err = w.RecordStep(ctx, tx, id, epoch, step)
			return err
		})
		return events, evidence, err
	}
	args := step.Args
	if len(args) == 0 {
		args = []byte("{}")
	}
	links, err := visitLinks(step.Visit)
	if err != nil {
		return nil, nil, err
	}
	result, moved := withoutLinks(step.Result, links)
	var linksAt *uuid.UUID
	if moved {
		linksAt = &step.Visit.ID
	}
	q, c := w.in(tx), columnsOf(step.Events)
	head, err := q.RecordStep(ctx, db.RecordStepParams{
		TaskID: id, Turn: int32(step.Turn), CallNo: int32(step.CallNo), Epoch: int32(epoch), Try: int32(step.Try),
		Kind: string(step.Kind), Tool: step.Tool, Args: args, Result: result, VisitID: linksAt, Success: step.Success,
		Millis: int32(step.Duration.Milliseconds()), InputTokens: step.InputTokens, OutputTokens: step.OutputTokens, CachedTokens: step.CachedTokens, CostUsd: step.CostUSD,
		Types: c.types, Terminals: c.terminals, Bodies: c.bodies,
	})
	if err != nil {
		return nil, nil, fenced(err)
	}
	setSeqs(step.Events, id, head.LastSeq, head.At)
	if step.Visit != nil {
		if err := w.insertVisit(ctx, q, id, head.At, step.Visit, links); err != nil {
			return nil, nil, err
		}
	}
	if evidence, err = w.insertEvidence(ctx, q, id, head.At, step.Evidence); err != nil {
		return nil, nil, err
	}
	return step.Events, evidence, w.insertFile(ctx, q, id, step)
}

// insertFile records the file of a step. When the file is a screenshot, insertFile also stores which evidence the
// screenshot shows.
func (s *Store) insertFile(ctx context.Context, q *db.Queries, id uuid.UUID, step research.Step) error {
	a := step.Artifact
	if a == nil {
		return nil
	}
	_, err := q.UpsertArtifacts(ctx, rowsOf(id, *a))
	if err != nil || len(step.Shows) == 0 {
		return wrap(err)
	}
	numbers := make([]int32, len(step.Shows))
	for i, n := range step.Shows {
		numbers[i] = int32(n)
	}
	return wrap(q.SetEvidenceScreenshot(ctx, a.Name, id, numbers))
}

// insertEvidence stores evidence, and returns it with its excerpts.
func (s *Store) insertEvidence(ctx context.Context, q *db.Queries, id uuid.UUID, at time.Time, quotes []research.Evidence) ([]research.Evidence, error) {
	stored := append([]research.Evidence(nil), quotes...)
	for i := range stored {
		e := &stored[i]
		e.AccessedAt = at
		var err error
		e.Excerpt, err = q.InsertEvidence(ctx, db.InsertEvidenceParams{
			TaskID: id, Number: int32(e.Number), Sha256: sha256Of(e.PageID), VisitID: e.VisitID, Url: e.URL, Title: e.Title,
			StartOffset: int32(e.Start), EndOffset: int32(e.End), At: at,
		})
		if err != nil {
			return nil, fmt.Errorf("store evidence %d: %w", e.Number, wrap(err))
		}
		e.Verified = true
	}
	return stored, nil
}

// Journal returns the steps of a task in order.
func (w Worker) Journal(ctx context.Context, id uuid.UUID) ([]research.Step, error) {
	rows, err := w.q.Steps(ctx, id)
	if err != nil {
		return nil, wrap(err)
	}
	return journalFrom(rows), nil
}

func journalFrom(rows []db.StepsRow) []research.Step {
	steps := make([]research.Step, len(rows))
	for i, r := range rows {
		steps[i] = research.Step{
			Turn: int(r.Turn), CallNo: int(r.CallNo), Try: int(r.Try), Kind: research.StepKind(r.Kind), Tool: r.Tool,
			Args: r.Args, Result: withLinks(r.Result, r.Links), Success: r.Success, Duration: time.Duration(r.Millis) * time.Millisecond,
			InputTokens: r.InputTokens, OutputTokens: r.OutputTokens, CachedTokens: r.CachedTokens, CostUSD: r.CostUsd,
		}
	}
	return steps
}

// insertVisit stores a visit. When no stored snapshot has the same text, it also stores the snapshot with its passages.
// links are the encoded links of the visit.
func (s *Store) insertVisit(ctx context.Context, q *db.Queries, task uuid.UUID, at time.Time, v *research.Visit, links json.RawMessage) error {
	p := db.InsertVisitParams{
		ID: v.ID, TaskID: task, Url: v.URL, FinalUrl: v.FinalURL, Outcome: string(v.Outcome), Message: v.Message,
		Status: int32(v.Status), Title: v.Title, Depth: int32(v.Depth), Bytes: v.Bytes, Millis: int32(v.Duration.Milliseconds()), At: at,
		Cached: v.Cached, Links: links,
	}
	if v.Page != nil {
		key, err := s.keepPage(ctx, q, v.Page)
		if err != nil {
			return err
		}
		p.PageID = &key
		p.CanonicalUrl, p.PublishedAt, p.ModifiedAt, p.SourceKind = v.Page.Canonical, v.Page.PublishedAt, v.Page.ModifiedAt, string(v.Page.Kind)
	}
	return wrap(q.InsertVisit(ctx, p))
}

// visitLinks returns the encoded links to store with a visit. It returns nil when the visit read no page, or took the page
// from a snapshot, because the earlier visit of that snapshot has the links.
func visitLinks(v *research.Visit) (json.RawMessage, error) {
	if v == nil || v.Page == nil || v.Cached {
		return nil, nil
	}
	return jsoncolumn.EncodeLinks(v.Links)
}
