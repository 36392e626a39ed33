package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/research"
	"legwork/queries"
)

// stepPart is what a step of a run costs: the announcement behind the fence, the journal row with the result's event, both
// published to a watcher in the process and to another process; beside the same two statements through bare pgx, prepared, on
// one connection. Both sides are one writer in a process that does nothing else.
func stepPart(ctx context.Context, b *bench) error {
	url, err := b.database(ctx, "step")
	if err != nil {
		return err
	}
	writer, err := b.start(ctx, "step-writer", serverConfig{URL: url, Conns: 10})
	if err != nil {
		return err
	}
	defer writer.stop()
	other, err := b.start(ctx, "step-other", serverConfig{URL: url, Conns: 4}) // listens, as every process does
	if err != nil {
		return err
	}
	defer other.stop()
	tasks, err := writer.ask(ctx, command{Op: "tasks", Runs: 1})
	if err != nil {
		return err
	}
	bare, err := newBareSteps(ctx, url, tasks.Tasks[0])
	if err != nil {
		return err
	}
	defer bare.close(ctx)
	each := func(count int, seconds float64) map[string]float64 {
		return map[string]float64{"µs": seconds / float64(max(count, 1)) * 1e6}
	}
	got, err := b.rounds(ctx, b.pairs, map[string]side{
		"legwork": func(ctx context.Context) (map[string]float64, error) {
			r, err := writer.ask(ctx, command{Op: "append", Runs: 1, Seconds: b.duration.Seconds(), Step: true, Announced: true, Streaming: true})
			return each(r.Count, r.Seconds), err
		},
		"pgx": func(ctx context.Context) (map[string]float64, error) {
			count, seconds, err := bare.write(ctx, b.duration)
			return each(count, seconds), err
		},
	}, "legwork", "pgx")
	if err != nil {
		return err
	}
	b.add(figure{Part: "s", Name: "a step: announced, journaled, told", Unit: "µs", Values: got["legwork"]["µs"],
		Reference: "bare pgx, same statements", References: got["pgx"]["µs"], Target: &target{Of: "ratio", AtMost: 2}})
	return nil
}

// bareSteps writes steps as store.Append and store.RecordStep do, with nothing around the statements.
type bareSteps struct {
	conn *pgx.Conn
	args pgx.NamedArgs
	turn int
}

const (
	announceStatement = "announce"
	recordStatement   = "record"
)

func newBareSteps(ctx context.Context, url string, task uuid.UUID) (*bareSteps, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	call := research.ToolCall(toolName, map[string]any{"url": toolURL}, nil)
	s := &bareSteps{conn: conn, args: pgx.NamedArgs{"task_id": task, "epoch": 1, "call_no": 1, "try": 1, "kind": "tool", "tool": toolName,
		"args": `{"url":"` + toolURL + `"}`, "result": stepResult, "success": true, "millis": 12, "input_tokens": 0, "output_tokens": 0, "cost_usd": nil,
		"terminals": []bool{false}}}
	s.args["call"], s.args["called"] = []string{string(call.Type)}, []string{string(call.Body)}
	s.args["told"], s.args["body"] = []string{string(research.EventToolResult)}, []string{string(resultEvent().Body)}
	return s, nil
}

func (s *bareSteps) close(ctx context.Context) { _ = s.conn.Close(context.WithoutCancel(ctx)) }

// statement gives a query of queries/*.sql with the names of its arguments, and each as its number.
func statement(name string) (sql string, arguments []string, err error) {
	raw, err := queries.FS.ReadFile(map[string]string{"AppendEvents": "events.sql", "RecordStep": "steps.sql"}[name])
	if err != nil {
		return "", nil, err
	}
	_, text, found := strings.Cut(string(raw), "-- name: "+name+" :one\n")
	if !found {
		return "", nil, fmt.Errorf("queries have no %s", name)
	}
	text, _, _ = strings.Cut(text, "-- name: ")
	text = maybeNull.ReplaceAllString(comment.ReplaceAllString(text, ""), "@$1")
	number := map[string]int{}
	sql = atArgument.ReplaceAllStringFunc(text, func(arg string) string {
		if number[arg] == 0 {
			arguments = append(arguments, arg[1:])
			number[arg] = len(arguments)
		}
		return fmt.Sprintf("$%d", number[arg])
	})
	return strings.TrimSuffix(strings.TrimSpace(sql), ";"), arguments, nil
}

var (
	atArgument = regexp.MustCompile(`@[a-z_]+`)
	maybeNull  = regexp.MustCompile(`sqlc\.narg\(([a-z_]+)\)`)
)

// write makes steps for a while.
func (s *bareSteps) write(ctx context.Context, d time.Duration) (count int, seconds float64, err error) {
	var names [2][]string
	for i, st := range [2][2]string{{announceStatement, "AppendEvents"}, {recordStatement, "RecordStep"}} {
		sql, arguments, err := statement(st[1])
		if err != nil {
			return 0, 0, err
		}
		if _, err := s.conn.Prepare(ctx, st[0], sql); err != nil { // once; again it does nothing
			return 0, 0, err
		}
		names[i] = arguments
	}
	values := func(names []string, types, bodies string) []any {
		out := make([]any, len(names))
		for i, n := range names {
			switch n {
			case "types":
				n = types
			case "bodies":
				n = bodies
			}
			out[i] = s.args[n]
		}
		return out
	}
	var seq int64
	var at time.Time
	began := time.Now()
	for ; time.Since(began) < d; count++ {
		if err := s.conn.QueryRow(ctx, announceStatement, values(names[0], "call", "called")...).Scan(&seq, &at); err != nil {
			return 0, 0, err
		}
		s.turn++
		s.args["turn"] = s.turn
		if err := s.conn.QueryRow(ctx, recordStatement, values(names[1], "told", "body")...).Scan(&seq, &at); err != nil {
			return 0, 0, err
		}
	}
	return count, time.Since(began).Seconds(), nil
}
