package store

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"

	"legwork/db"
	"legwork/internal/research"
	"legwork/internal/store/jsoncolumn"
)

// Visits returns the visits of a task of an account, in order, without the texts of their pages.
func (a Account) Visits(ctx context.Context, id uuid.UUID) ([]research.Visit, error) {
	rows, err := ofOwned(ctx, a, id, func(q *db.Queries) ([]db.TaskVisitsRow, error) { return q.TaskVisits(ctx, &id) })
	if err != nil {
		return nil, err
	}
	visits := make([]research.Visit, len(rows))
	for i, r := range rows {
		visits[i] = research.Visit{
			ID: r.ID, URL: r.Url, FinalURL: r.FinalUrl, Outcome: research.Outcome(r.Outcome), Message: r.Message,
			Status: int(r.Status), Title: r.Title, Depth: int(r.Depth), Bytes: r.Bytes,
			Duration: time.Duration(r.Millis) * time.Millisecond, FetchedAt: r.FetchedAt, Cached: r.Cached,
		}
		if r.PageID != "" {
			visits[i].Page = &research.Page{ID: r.PageID, Language: deref(r.Language), Canonical: r.CanonicalUrl,
				PublishedAt: r.PublishedAt, ModifiedAt: r.ModifiedAt, Kind: research.SourceKind(r.SourceKind)}
		}
	}
	return visits, nil
}

// PageVisits returns the visits of a task of an account, in order. Each has the size of its page and the number of times
// that the answer cites the page.
func (a Account) PageVisits(ctx context.Context, id uuid.UUID) ([]research.PageVisit, error) {
	if _, err := a.s.q.GetTask(ctx, id, a.id); err != nil {
		return nil, wrap(err)
	}
	rows, err := a.s.q.TaskPages(ctx, &id)
	if err != nil {
		return nil, wrap(err)
	}
	out := make([]research.PageVisit, len(rows))
	for i, r := range rows {
		out[i] = research.PageVisit{Chars: int(r.Chars), Cited: int(r.Cited), Visit: research.Visit{
			ID: r.ID, URL: r.Url, FinalURL: r.FinalUrl, Outcome: research.Outcome(r.Outcome), Message: r.Message,
			Status: int(r.Status), Title: cmp.Or(r.Title, r.PageTitle), Depth: int(r.Depth), FetchedAt: r.FetchedAt,
		}}
		if r.PageID != "" {
			out[i].Page = &research.Page{ID: r.PageID, Title: r.PageTitle, Language: r.Language}
		}
	}
	return out, nil
}

// Snapshot returns a page that a task of an account read. The visit has the fields of the task's newest visit of the
// page. The evidence is what the answer cites of this page, in the order of the markers.
func (a Account) Snapshot(ctx context.Context, id uuid.UUID, page string) (research.Visit, []research.Evidence, error) {
	r, err := a.s.q.TaskPage(ctx, id, a.id, sha256Of(page))
	if err != nil {
		return research.Visit{}, nil, wrap(err)
	}
	rows, err := a.s.q.TaskEvidence(ctx, []uuid.UUID{id}, true)
	if err != nil {
		return research.Visit{}, nil, wrap(err)
	}
	var citations []research.Evidence
	for _, c := range rows {
		if c.PageID == page {
			citations = append(citations, evidenceFrom(c))
		}
	}
	blocks, err := jsoncolumn.DecodeBlocks(r.Blocks)
	if err != nil {
		return research.Visit{}, nil, err
	}
	return research.Visit{
		ID: r.ID, URL: r.Url, FinalURL: r.FinalUrl, Outcome: research.OutcomeOK, Status: int(r.Status), Title: cmp.Or(r.Title, r.PageTitle),
		Depth: int(r.Depth), FetchedAt: r.FetchedAt,
		Page: &research.Page{ID: r.PageID, Title: r.PageTitle, Language: r.Language, Text: r.Content, Blocks: blocks},
	}, citations, nil
}

// Page returns a snapshot that an account has read, without passages.
func (a Account) Page(ctx context.Context, id string) (research.Page, error) {
	row, err := a.s.q.PageContent(ctx, sha256Of(id), a.id)
	if err != nil {
		return research.Page{}, wrap(err)
	}
	blocks, err := jsoncolumn.DecodeBlocks(row.Blocks)
	return research.Page{ID: row.PageID, Title: row.Title, Language: row.Language, Text: row.Content, Blocks: blocks}, err
}

// Rank returns at most limit passages of the pages that a task read, best first by BM25.
func (w Worker) Rank(ctx context.Context, task uuid.UUID, question string, limit int) ([]research.Hit, error) {
	rows, err := w.q.TaskSnapshots(ctx, &task)
	if err != nil {
		return nil, wrap(err)
	}
	snapshots := make([]snapshot, len(rows))
	for i, r := range rows {
		snapshots[i] = snapshot{r.PageID, r.Language}
	}
	found, err := w.match(ctx, ask(question), snapshots, limit)
	if err != nil {
		return nil, wrap(err)
	}
	hits, err := w.hits(ctx, found, &task, "")
	return hits, wrap(err)
}

// Artifacts returns the files of a task of an account, by name.
func (a Account) Artifacts(ctx context.Context, id uuid.UUID) ([]research.Artifact, error) {
	rows, err := ofOwned(ctx, a, id, func(q *db.Queries) ([]db.TaskArtifactsRow, error) { return q.TaskArtifacts(ctx, id) })
	if err != nil {
		return nil, err
	}
	out := make([]research.Artifact, len(rows))
	for i, r := range rows {
		out[i] = research.Artifact{Name: r.Name, Kind: r.Kind, ContentType: r.ContentType, Bytes: r.Bytes, StoreID: r.StoreID, CreatedAt: r.CreatedAt}
	}
	return out, nil
}

// Artifact returns one file of a task of an account.
func (a Account) Artifact(ctx context.Context, id uuid.UUID, name string) (research.Artifact, error) {
	r, err := a.s.q.Artifact(ctx, id, a.id, name)
	if err != nil {
		return research.Artifact{}, wrap(err)
	}
	return research.Artifact{Name: r.Name, Kind: r.Kind, ContentType: r.ContentType, Bytes: r.Bytes, StoreID: r.StoreID, CreatedAt: r.CreatedAt}, nil
}

// AddArtifacts records files that have just been written to one store. It returns false when the task does not exist any more.
// Then the caller must remove the files.
func (w Worker) AddArtifacts(ctx context.Context, id uuid.UUID, files ...research.Artifact) (bool, error) {
	if len(files) == 0 {
		return true, nil
	}
	n, err := w.q.UpsertArtifacts(ctx, rowsOf(id, files...))
	return n > 0, wrap(err)
}

// rowsOf returns the rows of the files of a task. All of them are in the store of the first one.
func rowsOf(id uuid.UUID, files ...research.Artifact) db.UpsertArtifactsParams {
	p := db.UpsertArtifactsParams{TaskID: id, StoreID: files[0].StoreID}
	for _, a := range files {
		p.Names, p.Kinds = append(p.Names, a.Name), append(p.Kinds, a.Kind)
		p.ContentTypes, p.Sizes = append(p.ContentTypes, a.ContentType), append(p.Sizes, a.Bytes)
	}
	return p
}

// ofOwned returns the rows that query reads for a task of the account, in one round trip. It returns research.ErrNotFound when
// the account has no such task.
func ofOwned[T any](ctx context.Context, a Account, id uuid.UUID, query func(q *db.Queries) ([]T, error)) (rows []T, err error) {
	err = a.s.batch(ctx, func(q *db.Queries) {
		_, _ = q.TaskOwned(ctx, id, a.id)
		_, _ = query(q)
	}, func(q *db.Queries) error {
		owned, err := q.TaskOwned(ctx, id, a.id)
		if err == nil && !owned {
			err = research.ErrNotFound
		}
		if err != nil {
			return err
		}
		rows, err = query(q)
		return err
	})
	return rows, err
}

// Exists reports whether a task of any account exists.
func (w Worker) Exists(ctx context.Context, id uuid.UUID) (bool, error) {
	ok, err := w.q.TaskExists(ctx, id)
	return ok, wrap(err)
}

// ArtifactRow is one recorded file.
type ArtifactRow struct {
	TaskID  uuid.UUID
	Name    string
	Bytes   int64
	StoreID string // the id of the store that has the file; empty means not known
}

// AllArtifacts lists every recorded file of all tasks. The audit uses it.
func (w Worker) AllArtifacts(ctx context.Context) ([]ArtifactRow, error) {
	rows, err := w.q.AllArtifacts(ctx)
	if err != nil {
		return nil, wrap(err)
	}
	out := make([]ArtifactRow, len(rows))
	for i, r := range rows {
		out[i] = ArtifactRow{TaskID: r.TaskID, Name: r.Name, Bytes: r.Bytes, StoreID: r.StoreID}
	}
	return out, nil
}
