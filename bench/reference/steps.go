package reference

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/bench/workload"
	"legwork/internal/research"
)

// Steps writes the steps of one task through pgx on one connection, with the prepared statements of store.Append and store.RecordStep.
type Steps struct {
	conn *pgx.Conn
	args map[string]any // values of the arguments of both statements, except those that differ from event to event
	turn int

	announce, record         string   // names of the prepared statements
	announceArgs, recordArgs []string // names of their arguments, in order
}

// NewSteps connects and prepares the statements. task must be running at epoch 1.
func NewSteps(ctx context.Context, url string, task uuid.UUID, all Statements) (*Steps, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	s := &Steps{conn: conn, announce: "announce", record: "record", args: map[string]any{
		"task_id": task, "epoch": 1, "call_no": 1, "try": 1, "kind": "tool", "tool": workload.ToolName, "args": workload.Args,
		"result": workload.StepResult, "success": true, "millis": 12, "input_tokens": 0, "output_tokens": 0, "cached_tokens": 0, "cost_usd": nil,
		"terminals": []bool{false}}}
	if s.announceArgs, err = s.prepare(ctx, s.announce, "AppendEvents", all); err == nil {
		s.recordArgs, err = s.prepare(ctx, s.record, "RecordStep", all)
	}
	if err != nil {
		s.Close(ctx)
		return nil, err
	}
	return s, nil
}

func (s *Steps) prepare(ctx context.Context, name, query string, all Statements) (arguments []string, err error) {
	sql, arguments, err := all.numbered(query)
	if err == nil {
		_, err = s.conn.Prepare(ctx, name, sql)
	}
	return arguments, err
}

// Close closes the connection.
func (s *Steps) Close(ctx context.Context) { _ = s.conn.Close(context.WithoutCancel(ctx)) }

// Write writes steps for a duration d, each after the event of its call. It returns the number of steps, and the time
// in seconds.
func (s *Steps) Write(ctx context.Context, d time.Duration) (count int, seconds float64, err error) {
	call, result := workload.Call(), workload.Result()
	began := time.Now()
	for ; time.Since(began) < d; count++ {
		if err := s.send(ctx, s.announce, s.announceArgs, call); err != nil {
			return 0, 0, err
		}
		s.turn++
		s.args["turn"] = s.turn
		if err := s.send(ctx, s.record, s.recordArgs, result); err != nil {
			return 0, 0, err
		}
	}
	return count, time.Since(began).Seconds(), nil
}

// send executes a prepared statement that writes an event.
func (s *Steps) send(ctx context.Context, statement string, names []string, e research.Event) error {
	s.args["types"], s.args["bodies"] = []string{string(e.Type)}, []string{string(e.Body)}
	values := make([]any, len(names))
	for i, name := range names {
		values[i] = s.args[name]
	}
	var seq int64
	var at time.Time
	return s.conn.QueryRow(ctx, statement, values...).Scan(&seq, &at)
}
