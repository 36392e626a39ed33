package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/db"
	"legwork/internal/research"
)

// Inherit copies to a follow-up task the evidence that the parent's answer cites, and the visits of this evidence. So
// the follow-up loses nothing when the parent is deleted. The database cuts the excerpts out of the snapshots again. The
// head of the follow-up must exist. The parent's row is locked already, because the insert of the follow-up locked it
// through a foreign key.
func (w Worker) Inherit(ctx context.Context, tx pgx.Tx, parent, child uuid.UUID) error {
	_, err := w.CopyEvidence(ctx, tx, parent, child, 0)
	return err
}

// CopyEvidence copies the evidence that a task's answer cites to another task, as Inherit does. The first copy gets the
// number after last. It returns the number of the last copy.
func (w Worker) CopyEvidence(ctx context.Context, tx pgx.Tx, from, to uuid.UUID, last int) (int, error) {
	q := w.q.WithTx(tx)
	rows, err := q.TaskEvidence(ctx, []uuid.UUID{from}, true)
	if err != nil {
		return last, wrap(err)
	}
	visits := map[uuid.UUID]uuid.UUID{} // id of the visit → id of its copy
	for i, r := range rows {
		visit, ok := visits[r.VisitID]
		if !ok {
			if visit, err = uuid.NewV7(); err != nil {
				return last, fmt.Errorf("id of a visit: %w", err)
			}
			n, err := q.InheritVisit(ctx, visit, to, r.VisitID)
			if err != nil {
				return last, wrap(err)
			}
			if n == 0 {
				return last, fmt.Errorf("visit %s of task %s does not exist any more: %w", r.VisitID, from, research.ErrUnavailable)
			}
			visits[r.VisitID] = visit
		}
		_, err := q.InsertEvidence(ctx, db.InsertEvidenceParams{TaskID: to, Number: int32(last + i + 1), Sha256: sha256Of(r.PageID), VisitID: visit,
			Url: r.Url, Title: r.Title, StartOffset: r.StartOffset, EndOffset: r.EndOffset, At: r.AccessedAt})
		if err != nil {
			return last, fmt.Errorf("inherit evidence %d: %w", last+i+1, wrap(err))
		}
	}
	return last + len(rows), nil
}

// Inherited returns the evidence that a follow-up task got from its parent, by number.
func (w Worker) Inherited(ctx context.Context, id uuid.UUID) ([]research.Inherited, error) {
	rows, err := w.q.Inherited(ctx, id)
	if err != nil {
		return nil, wrap(err)
	}
	out := make([]research.Inherited, len(rows))
	for i, r := range rows {
		out[i] = research.Inherited{Language: r.Language, PageTitle: r.PageTitle, Chars: int(r.Chars), Passages: int(r.Passages),
			Evidence: research.Evidence{Number: int(r.Number), PageID: r.PageID, VisitID: r.VisitID, URL: r.Url, Title: r.Title,
				Excerpt: r.Excerpt, Start: int(r.StartOffset), End: int(r.EndOffset), Verified: true, AccessedAt: r.AccessedAt,
				PublishedAt: r.PublishedAt, ModifiedAt: r.ModifiedAt, Kind: research.SourceKind(r.SourceKind)}}
	}
	return out, nil
}

func encodeContext(c *research.Context) ([]byte, error) {
	if c == nil {
		return nil, nil
	}
	b, err := research.EncodeJSON(c)
	if err != nil {
		return nil, fmt.Errorf("encode context: %w", err)
	}
	return b, nil
}

func decodeContext(b []byte) *research.Context {
	if len(b) == 0 {
		return nil
	}
	c := &research.Context{}
	if json.Unmarshal(b, c) != nil {
		return nil
	}
	return c
}
