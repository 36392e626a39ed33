package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/db"
	"legwork/internal/research"
)

// insertEvents stores events whose seqs end at last, and fills in what their transaction decided: task, seq and time.
func (s *Store) insertEvents(ctx context.Context, q *db.Queries, id uuid.UUID, last int64, at time.Time, events []research.Event) error {
	if len(events) == 0 {
		return nil
	}
	p := db.InsertEventsParams{TaskID: id, At: at}
	first := last - int64(len(events)) + 1
	for i := range events {
		e := &events[i]
		e.TaskID, e.Seq, e.Time = id, first+int64(i), at
		p.Seqs = append(p.Seqs, e.Seq)
		p.Types = append(p.Types, string(e.Type))
		p.Terminals = append(p.Terminals, e.Terminal)
		p.Bodies = append(p.Bodies, string(e.Body))
	}
	return wrap(q.InsertEvents(ctx, p))
}

// Append adds events to the log of a running task, behind the fence of its epoch. It returns them with seq and time.
func (s *Store) Append(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int, events []research.Event) ([]research.Event, error) {
	q := s.q.WithTx(tx)
	head, err := q.AdvanceHead(ctx, int64(len(events)), id, int32(epoch))
	if err != nil {
		return nil, fenced(err)
	}
	return events, s.insertEvents(ctx, q, id, head.LastSeq, head.At, events)
}

// Events gives at most limit events of a log after a cursor, in order.
func (s *Store) Events(ctx context.Context, id uuid.UUID, after int64, limit int) ([]research.Event, error) {
	rows, err := s.q.EventsAfter(ctx, id, after, int32(limit))
	if err != nil {
		return nil, wrap(err)
	}
	events := make([]research.Event, len(rows))
	for i, r := range rows {
		events[i] = research.Event{TaskID: id, Seq: r.Seq, Type: research.EventType(r.Type), Time: r.CreatedAt, Terminal: r.Terminal, Body: r.Body}
	}
	return events, nil
}

// LogState is how far a log has come.
type LogState struct {
	LastSeq  int64
	Terminal bool // no further event will come
}

// LogStates gives the states of logs. A task that is missing from the result is gone.
func (s *Store) LogStates(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]LogState, error) {
	rows, err := s.q.LastSeqs(ctx, ids)
	if err != nil {
		return nil, wrap(err)
	}
	out := make(map[uuid.UUID]LogState, len(rows))
	for _, r := range rows {
		out[r.TaskID] = LogState{LastSeq: r.LastSeq, Terminal: r.Terminal}
	}
	return out, nil
}

// Notify sends one NOTIFY in a transaction of its own.
func (s *Store) Notify(ctx context.Context, channel, payload string) error {
	return wrap(s.q.Notify(ctx, channel, payload))
}
