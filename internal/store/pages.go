package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"legwork/db"
	"legwork/internal/research"
	"legwork/internal/store/connection"
	"legwork/internal/store/jsoncolumn"
	"legwork/internal/words"
)

// sha256Of decodes the id of a page: the SHA-256 of its text in hex. For any other string it returns nil, which matches no
// page.
func sha256Of(pageID string) []byte {
	sum, err := hex.DecodeString(pageID)
	if err != nil || len(sum) != 32 {
		return nil
	}
	return sum
}

// keepPage inserts a snapshot, or locks the stored one with the same text, so that the snapshot exists until the
// transaction ends. It returns the snapshot's key. It tries three times, because a clean-up may remove the snapshot
// between the insert and the lock.
func (s *Store) keepPage(ctx context.Context, q *db.Queries, p *research.Page) (int64, error) {
	sum := sha256Of(p.ID)
	blocks, err := jsoncolumn.EncodeBlocks(p.Blocks)
	if err != nil {
		return 0, err
	}
	for range 3 {
		key, err := q.InsertPage(ctx, db.InsertPageParams{
			Sha256: sum, Title: p.Title, Language: p.Language, Content: p.Text, Blocks: blocks, WordsVersion: words.Version})
		if err == nil {
			return key, s.insertPassages(ctx, q, key, p)
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return 0, fmt.Errorf("store snapshot: %w", wrap(err))
		}
		if key, err = q.HoldPage(ctx, sum); err == nil {
			return key, nil
		}
	}
	return 0, fmt.Errorf("snapshot %s was removed by a clean-up each time it was to be locked: %w", p.ID, research.ErrUnavailable)
}

// passagesAtOnce is how many passages one statement stores. A statement with all passages of a large page would run for
// seconds, and could reach the statement timeout on a busy server.
const passagesAtOnce = 500

func (s *Store) insertPassages(ctx context.Context, q *db.Queries, page int64, p *research.Page) error {
	text := research.NewCutter(p.Text)
	index := words.NewIndexer(p.Language, p.Title)
	for some := range slices.Chunk(p.Passages, passagesAtOnce) {
		in := db.InsertPassagesParams{PageID: page}
		heads := map[string]int32{} // number of each heading path
		for _, ps := range some {
			passage, ok := text.Cut(ps.Start, ps.End)
			if !ok || passage == "" {
				return fmt.Errorf("passage %d of page %s: %d..%d is no span of its text after the passage before", ps.Ord, p.ID, ps.Start, ps.End)
			}
			if heads[ps.Heading] == 0 {
				in.Headings = append(in.Headings, ps.Heading)
				heads[ps.Heading] = int32(len(in.Headings))
			}
			in.Ords = append(in.Ords, int32(ps.Ord))
			in.Starts = append(in.Starts, int32(ps.Start))
			in.Ends = append(in.Ends, int32(ps.End))
			in.Heads = append(in.Heads, heads[ps.Heading])
			in.Words = append(in.Words, index.Vector(ps.Heading, passage))
		}
		if err := q.InsertPassages(ctx, in); err != nil {
			return fmt.Errorf("store passages: %w", wrap(err))
		}
	}
	return nil
}

// StorePage stores a snapshot in a transaction of its own, before the visit that refers to it. A large page takes the
// database seconds, and a transaction with the step of the visit would lock the task's head for as long, so that a
// cancel would wait. If a clean-up removes the snapshot before the visit is stored, the visit stores it again.
//
// StorePage returns research.ErrTooSlow when the page could not be stored within limit although the database answers.
func (w Worker) StorePage(ctx context.Context, p *research.Page, limit time.Duration) error {
	return w.inTime(ctx, limit, func(ctx context.Context, tx pgx.Tx) error {
		_, err := w.keepPage(ctx, w.in(tx), p)
		return err
	})
}

// inTime runs fn in one transaction that must end within limit. If it does not, and the database answers nevertheless,
// the error is research.ErrTooSlow.
func (s *Store) inTime(ctx context.Context, limit time.Duration, fn func(ctx context.Context, tx pgx.Tx) error) error {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := s.InTx(bounded, fn)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case bounded.Err() != nil || connection.StatementTimeout(err):
		if down := s.Ping(ctx); down != nil {
			return down
		}
		return fmt.Errorf("%w: the page could not be stored within %v", research.ErrTooSlow, limit)
	}
	return err
}

// linksMember is the member of a step's JSON result that may hold the same links as its visit.
const linksMember = "links"

// withoutLinks removes the links from a step's result, and returns true, when the visit stores the same links. Otherwise
// it returns the result unchanged, and false.
func withoutLinks(result []byte, links json.RawMessage) ([]byte, bool) {
	var members map[string]json.RawMessage
	if len(links) == 0 || json.Unmarshal(result, &members) != nil {
		return result, false
	}
	raw, found := members[linksMember]
	if !found {
		return result, false
	}
	own, err := jsoncolumn.DecodeLinks(raw)
	if err != nil {
		return result, false
	}
	if encoded, err := jsoncolumn.EncodeLinks(own); err != nil || string(encoded) != string(links) {
		return result, false
	}
	delete(members, linksMember)
	b, err := research.EncodeJSON(members)
	if err != nil {
		return result, false
	}
	return b, true
}

// withLinks adds the links of the visit to a step's result. It undoes withoutLinks.
func withLinks(result, links []byte) []byte {
	if len(links) == 0 || len(result) < 2 || result[len(result)-1] != '}' {
		return result
	}
	out := make([]byte, 0, len(result)+len(links)+len(linksMember)+4)
	out = append(out, result[:len(result)-1]...)
	if len(out) > 1 {
		out = append(out, ',')
	}
	out = append(out, `"`+linksMember+`":`...)
	return append(append(out, links...), '}')
}
