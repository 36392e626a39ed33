package store

import (
	"context"
	"crypto/md5" //nolint:gosec // an index over addresses, no secret
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/db"
	"legwork/internal/research"
	"legwork/internal/store/jsoncolumn"
)

// AnyAge is the value of maxAge that allows snapshots of any age.
const AnyAge time.Duration = -1

// StoredVisit returns the account's newest visit of one of the addresses, with the page's passages and links. The visit
// must not be older than maxAge. StoredVisit returns research.ErrNotFound when there is none. The caller must set ID and
// Depth.
func (a Account) StoredVisit(ctx context.Context, maxAge time.Duration, addresses ...string) (research.Visit, error) {
	in := db.RecallVisitParams{AccountID: a.id, Urls: addresses, MaxAge: maxAge.Seconds()}
	for _, a := range addresses {
		sum := md5.Sum([]byte(a)) //nolint:gosec // see above
		in.Hashes = append(in.Hashes, hex.EncodeToString(sum[:]))
	}
	row, err := a.s.q.RecallVisit(ctx, in)
	if err != nil {
		return research.Visit{}, wrap(err)
	}
	passages, err := a.s.q.PagePassages(ctx, row.PageKey)
	if err != nil {
		return research.Visit{}, wrap(err)
	}
	p := research.Page{ID: row.PageID, Title: row.PageTitle, Language: row.Language, Text: row.Content,
		Canonical: row.CanonicalUrl, PublishedAt: row.PublishedAt, ModifiedAt: row.ModifiedAt,
		Kind: research.SourceKind(row.SourceKind), Passages: make([]research.Passage, len(passages))}
	for i, r := range passages {
		p.Passages[i] = research.Passage{Ord: int(r.Ord), Start: int(r.StartOffset), End: int(r.EndOffset), Heading: r.Heading}
	}
	v := research.Visit{URL: addresses[0], FinalURL: row.FinalUrl, Outcome: research.OutcomeOK, Status: int(row.Status), Title: row.Title,
		Page: &p, FetchedAt: row.FetchedAt, Cached: true}
	if p.Blocks, err = jsoncolumn.DecodeBlocks(row.Blocks); err != nil {
		return research.Visit{}, err
	}
	v.Links, err = jsoncolumn.DecodeLinks(row.Links)
	return v, err
}

// savingTime is the longest time in which a page may be stored in a library.
const savingTime = 20 * time.Second

// SaveToLibrary stores a page in an account's library, and removes the page that the library had for the same address. When
// the text is the same as before, it writes nothing and returns false. It returns research.ErrTooSlow when the page could
// not be stored in time although the database answers.
func (a Account) SaveToLibrary(ctx context.Context, v research.Visit) (bool, error) {
	if v.Page == nil {
		return false, errors.New("only pages that were read can be saved to a library")
	}
	held, err := a.s.q.LibraryPage(ctx, a.id, v.URL)
	switch {
	case err == nil && held == v.Page.ID:
		return false, nil
	case err != nil && !errors.Is(err, pgx.ErrNoRows):
		return false, wrap(err)
	}
	if v.ID, err = uuid.NewV7(); err != nil {
		return false, fmt.Errorf("id of a visit: %w", err)
	}
	links, err := jsoncolumn.EncodeLinks(append([]research.Link{}, v.Links...))
	if err != nil {
		return false, err
	}
	err = a.s.inTime(ctx, savingTime, func(ctx context.Context, tx pgx.Tx) error {
		q := a.s.in(tx)
		key, err := a.s.keepPage(ctx, q, v.Page)
		if err != nil {
			return err
		}
		if _, err := q.DeleteLibraryVisits(ctx, a.id, v.URL); err != nil {
			return wrap(err)
		}
		return wrap(q.InsertLibraryVisit(ctx, db.InsertLibraryVisitParams{
			ID: v.ID, AccountID: a.id, PageID: &key, Url: v.URL, FinalUrl: v.FinalURL, Status: int32(v.Status), Title: v.Title,
			Depth: int32(v.Depth), Bytes: v.Bytes, Millis: int32(v.Duration.Milliseconds()),
			CanonicalUrl: v.Page.Canonical, PublishedAt: v.Page.PublishedAt, ModifiedAt: v.Page.ModifiedAt, SourceKind: string(v.Page.Kind), Links: links,
		}))
	})
	return err == nil, err
}
