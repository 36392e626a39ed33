package tree

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/research"
	"legwork/internal/store"
)

// CopyToParent appends copies of a child's events to the log of its parent, with metadata.child, in the transaction that
// appended them to the child's log. So the parent's log has the events of each child in their order and without gaps. It
// returns the copies. It returns none when no parent waits for the task.
func (s *Store) CopyToParent(ctx context.Context, tx pgx.Tx, child uuid.UUID, events []research.Event) ([]research.Event, error) {
	if len(events) == 0 {
		return nil, nil
	}
	q := s.q.WithTx(tx)
	ref, err := q.ChildNumber(ctx, child)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, store.Translate(err)
	}
	copies := make([]research.Event, len(events))
	types, bodies := make([]string, len(events)), make([]string, len(events))
	for i, e := range events {
		if copies[i], err = e.OfChild(child, int(ref.Number)); err != nil {
			return nil, fmt.Errorf("copy event %d of task %s: %w", e.Seq, child, err)
		}
		types[i], bodies[i] = string(copies[i].Type), string(copies[i].Body)
	}
	row, err := q.AppendToParent(ctx, types, child, bodies)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, store.Translate(err)
	}
	for i := range copies {
		copies[i].TaskID, copies[i].Time = row.TaskID, row.At
		copies[i].Seq = row.LastSeq - int64(len(copies)-1-i)
	}
	return copies, nil
}
