package parts

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/bench/measure"
	"legwork/bench/reference"
	"legwork/bench/server"
	"legwork/bench/workload"
)

// apiClients is the number of concurrent clients in part e.
const apiClients = 8

// apiPart is part e: API calls while the database has many tasks. The reference is pgbench with the SQL statements
// that each call sends.
func apiPart(ctx context.Context, b *Bench) error {
	url, err := b.database(ctx, "api")
	if err != nil {
		return err
	}
	if err := fillTasks(ctx, url, b.Tasks); err != nil {
		return err
	}
	legwork, err := b.start(ctx, "api", server.Config{URL: url, Conns: 20})
	if err != nil {
		return err
	}
	defer legwork.Stop()
	all, err := reference.LoadStatements()
	if err != nil {
		return err
	}
	id := seeded(b.Tasks / 2).String()
	vars := reference.RunVars()
	vars["task_id"] = id
	for _, op := range apiCalls(all, id) {
		if !b.matches(op.name) {
			continue
		}
		clients, err := newCallers(ctx, apiClients, legwork.API, op.method, op.path, op.body)
		if err != nil {
			return err
		}
		defer clients.close()
		got, err := measure.Rounds(ctx, b.Pairs, map[string]measure.Side{
			"legwork": func(ctx context.Context) (map[string]float64, error) {
				defer deleteNew(ctx, url)
				return b.load(ctx, apiClients, clients.call)
			},
			"pgbench": func(ctx context.Context) (map[string]float64, error) {
				defer deleteNew(ctx, url)
				r, err := b.pgbench.Run(ctx, url, apiClients, 0, op.script, vars)
				return map[string]float64{"/s": r.PerSecond, "mean": measure.Micros(r.Latency) / 1e3}, err
			},
		}, "legwork", "pgbench")
		if err != nil {
			return fmt.Errorf("%s: %w", op.name, err)
		}
		own := got["legwork"]
		b.Report.Add(measure.Figure{Part: "e", Name: op.name, Unit: "calls/s", Values: own["/s"], Reference: "pgbench",
			References: got["pgbench"]["/s"], Target: &measure.Target{Of: "ratio", AtLeast: 0.5}})
		b.Report.Add(measure.Figure{Part: "e", Name: op.name + ", p50", Unit: "ms", Values: own["p50"], Reference: "pgbench, mean", References: got["pgbench"]["mean"]})
		b.Report.Add(measure.Figure{Part: "e", Name: op.name + ", p99", Unit: "ms", Values: own["p99"]})
	}
	return nil
}

// apiCall is one API call, with the script that sends the same statements.
type apiCall struct {
	name, method, path, body string
	script                   *reference.Script
}

func apiCalls(all reference.Statements, id string) []apiCall {
	post, get, list := reference.APIScripts(all)
	return []apiCall{
		{"POST a task", "POST", "/api/tasks", workload.Submission, post},
		{"GET a task", "GET", "/api/tasks/" + id, "", get},
		{"list, 100 of all", "GET", "/api/tasks", "", list},
		{"history, 100 of all", "GET", "/api/history", "", list},
	}
}

// seeded returns the id of the n-th task that fillTasks inserts.
func seeded(n int) uuid.UUID {
	var id uuid.UUID
	copy(id[:], []byte{1, 0x8f, 0, 0, 0, 0, 0x70, 0, 0x80})
	id[12], id[13], id[14], id[15] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	return id
}

// fillTasks inserts n completed tasks. Each has a run, two events, and a row in task_heads.
func fillTasks(ctx context.Context, url string, n int) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	const ids = `('018f0000-0000-7000-8000-0000' || lpad(to_hex(i), 8, '0'))::uuid`
	for _, sql := range []string{
		`INSERT INTO tasks (id, account_id, status, priority, question, max_depth, max_pages, time_budget, search_engine, max_results,
		   safe_mode, same_domain_only, allow_external_links, allow_domains, deny_domains, request_metadata, created_at, started_at,
		   completed_at, provider, model, prompt_version, answer, confidence)
		 SELECT ` + ids + `, 'default', 'completed', 'normal', 'What is the default value of setting ' || i || '?', 3, 20, 300, 'duckduckgo', 10,
		   true, false, true, '{}', '{}', '{}', at, at, at + interval '5 s', 'reader', '', '1', 'The default value is ' || i % 60 || ' minutes.', 0.8
		 FROM (SELECT i, date_trunc('milliseconds', now()) - interval '1 s' * ($1 - i) - interval '1 h' AS at FROM generate_series(1, $1::int) i) s`,
		`INSERT INTO task_heads (task_id, run_epoch, last_seq) SELECT ` + ids + `, 2, 2 FROM generate_series(1, $1::int) i`,
		`INSERT INTO runs (task_id, epoch, try, worker_id, claimed_at, seen_at, ended_at, outcome)
		 SELECT id, 1, 1, gen_random_uuid(), created_at, created_at, completed_at, 'completed' FROM tasks WHERE $1::int > 0`,
		`INSERT INTO task_events (task_id, seq, type, terminal, created_at, body)
		 SELECT id, s, CASE s WHEN 1 THEN 'agent:thinking' ELSE 'agent:complete' END, s = 2, created_at, '{"content":"…"}'
		 FROM tasks, generate_series(1, 2) s WHERE $1::int > 0`,
	} {
		if _, err := conn.Exec(ctx, sql, n); err != nil {
			return fmt.Errorf("fill the table: %w", err)
		}
	}
	_, err = conn.Exec(ctx, "VACUUM ANALYZE")
	return err
}

// deleteNew deletes the tasks that POST has created, so that the table is the same at the beginning of each round.
func deleteNew(ctx context.Context, url string) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	tag, err := conn.Exec(ctx, "DELETE FROM tasks WHERE status IN ('created','queued')")
	if err != nil || tag.RowsAffected() == 0 {
		return
	}
	_, _ = conn.Exec(ctx, "TRUNCATE river_job")
	_, _ = conn.Exec(ctx, "VACUUM tasks, task_heads, task_events")
}
