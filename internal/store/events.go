package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/db"
	"legwork/internal/research"
)

// columns holds events as arrays, one per column, for INSERT statements. No array is nil, because nil would be NULL.
type columns struct {
	seqs      []int64
	types     []string
	terminals []bool
	bodies    []string
}

// setSeqs sets the task, seq and time of events. The seqs follow each other, and the seq of the last event is last.
func setSeqs(events []research.Event, id uuid.UUID, last int64, at time.Time) {
	first := last - int64(len(events)) + 1
	for i := range events {
		e := &events[i]
		e.TaskID, e.Seq, e.Time = id, first+int64(i), at
	}
}

func columnsOf(events []research.Event) columns {
	n := len(events)
	c := columns{make([]int64, n), make([]string, n), make([]bool, n), make([]string, n)}
	for i, e := range events {
		c.seqs[i], c.types[i], c.terminals[i], c.bodies[i] = e.Seq, string(e.Type), e.Terminal, string(e.Body)
	}
	return c
}

// insertEvents stores events, and sets their task, seq and time. The seq of the last event is last.
func (s *Store) insertEvents(ctx context.Context, q *db.Queries, id uuid.UUID, last int64, at time.Time, events []research.Event) error {
	if len(events) == 0 {
		return nil
	}
	setSeqs(events, id, last, at)
	c := columnsOf(events)
	return wrap(q.InsertEvents(ctx, db.InsertEventsParams{
		TaskID: id, At: at, Seqs: c.seqs, Types: c.types, Terminals: c.terminals, Bodies: c.bodies}))
}

// in returns queries that run in tx. When tx is nil, each statement is a transaction of its own, which takes one round
// trip instead of three.
func (s *Store) in(tx pgx.Tx) *db.Queries {
	if tx == nil {
		return s.q
	}
	return s.q.WithTx(tx)
}

// Append adds events to the log of a task, and returns them with seq and time. It returns ErrFenced when the task has a
// newer epoch. When tx is nil, Append is a transaction of its own.
func (w Worker) Append(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int, events []research.Event) ([]research.Event, error) {
	c := columnsOf(events)
	head, err := w.in(tx).AppendEvents(ctx, db.AppendEventsParams{
		TaskID: id, Epoch: int32(epoch), Types: c.types, Terminals: c.terminals, Bodies: c.bodies})
	if err != nil {
		return nil, fenced(err)
	}
	setSeqs(events, id, head.LastSeq, head.At)
	return events, nil
}

// Events returns at most limit events of a task's log after a cursor, in order.
func (w Worker) Events(ctx context.Context, id uuid.UUID, after int64, limit int) ([]research.Event, error) {
	rows, err := w.q.EventsAfter(ctx, id, after, int32(limit))
	if err != nil {
		return nil, wrap(err)
	}
	events := make([]research.Event, len(rows))
	for i, r := range rows {
		events[i] = eventFrom(id, r)
	}
	return events, nil
}

// Events returns at most limit events of a task's log after a cursor, in order. It returns none when the task does not belong
// to the account.
func (a Account) Events(ctx context.Context, id uuid.UUID, after int64, limit int) ([]research.Event, error) {
	rows, err := a.s.q.AccountEventsAfter(ctx, db.AccountEventsAfterParams{
		TaskID: id, AccountID: a.id, After: after, MaxRows: int32(limit)})
	if err != nil {
		return nil, wrap(err)
	}
	events := make([]research.Event, len(rows))
	for i, r := range rows {
		events[i] = eventFrom(id, db.EventsAfterRow(r))
	}
	return events, nil
}

func eventFrom(id uuid.UUID, r db.EventsAfterRow) research.Event {
	return research.Event{TaskID: id, Seq: r.Seq, Type: research.EventType(r.Type), Time: r.CreatedAt, Terminal: r.Terminal, Body: r.Body}
}

// CheckOwner returns research.ErrNotFound when no task with this id belongs to the account. The stream hub calls it once for
// each subscription, and then reads the log with the methods of Worker.
func (w Worker) CheckOwner(ctx context.Context, account string, id uuid.UUID) error {
	owned, err := w.q.TaskOwned(ctx, id, account)
	if err == nil && !owned {
		return research.ErrNotFound
	}
	return wrap(err)
}

// LogState has the last seq of a log, and whether the log has ended.
type LogState struct {
	LastSeq  int64
	Terminal bool // no further event will be added
}

// LogStates returns the states of the logs of tasks. A task that does not exist is missing in the map.
func (w Worker) LogStates(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]LogState, error) {
	rows, err := w.q.LastSeqs(ctx, ids)
	if err != nil {
		return nil, wrap(err)
	}
	out := make(map[uuid.UUID]LogState, len(rows))
	for _, r := range rows {
		out[r.TaskID] = LogState{LastSeq: r.LastSeq, Terminal: r.Terminal}
	}
	return out, nil
}

// FinalEvent is the terminal event of a failed or cancelled task. When the task is deleted, a copy is stored in the
// arguments of the job that purges the task's files.
type FinalEvent struct {
	Seq  int64     `json:"seq"`
	At   time.Time `json:"at"`
	Body string    `json:"body"` // as text, so that readers get exactly the bytes that were written
}

// FinalErrorEvent returns the terminal event of a task that failed or was cancelled. Call it before the task is deleted.
// It returns nil for a completed task, because no copy of an answer may be kept.
func (w Worker) FinalErrorEvent(ctx context.Context, tx pgx.Tx, id uuid.UUID) (*FinalEvent, error) {
	row, err := w.q.WithTx(tx).FinalErrorEvent(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // nil is the value "none"
	}
	if err != nil {
		return nil, wrap(err)
	}
	return &FinalEvent{Seq: row.Seq, At: row.CreatedAt, Body: string(row.Body)}, nil
}

// KeptFinalEvent returns the terminal event of a deleted task. found is false when no copy was stored.
func (w Worker) KeptFinalEvent(ctx context.Context, id uuid.UUID) (last research.Event, found bool, err error) {
	raw, err := w.q.KeptFinalEvent(ctx, id.String())
	if errors.Is(err, pgx.ErrNoRows) {
		return last, false, nil
	}
	if err != nil {
		return last, false, wrap(err)
	}
	var kept FinalEvent
	if err := json.Unmarshal(raw, &kept); err != nil {
		return last, false, fmt.Errorf("final event of task %s: %w", id, err)
	}
	return research.Event{TaskID: id, Seq: kept.Seq, Type: research.EventError, Time: kept.At, Terminal: true, Body: []byte(kept.Body)}, true, nil
}

// Notify sends payloads in one transaction. Each payload must be shorter than 8,000 bytes. Listeners receive the
// payloads in this order, and receive equal payloads only once.
func (s *Store) Notify(ctx context.Context, channel string, payloads ...string) error {
	return wrap(s.q.Notify(ctx, channel, payloads))
}
