package store_test

import (
	"encoding/json"
	"testing"

	"legwork/internal/research"
	"legwork/internal/store"
)

// planNode is a node of a plan that EXPLAIN has executed.
type planNode struct {
	Type     string     `json:"Node Type"`
	Relation string     `json:"Relation Name"`
	Rows     float64    `json:"Actual Rows"`
	Loops    float64    `json:"Actual Loops"`
	Removed  float64    `json:"Rows Removed by Filter"`
	Hit      int        `json:"Shared Hit Blocks"`
	Read     int        `json:"Shared Read Blocks"`
	Plans    []planNode `json:"Plans"`
}

// largest returns the node that handles the most rows.
func (n planNode) largest() planNode {
	most := n
	for _, below := range n.Plans {
		if l := below.largest(); (l.Rows+l.Removed)*l.Loops > (most.Rows+most.Removed)*most.Loops {
			most = l
		}
	}
	return most
}

// TestListReadsOnePage looks at the plan of ListTasks as PostgreSQL executes it for Tasks, with 20,000 tasks of which a few are
// children of a deep task: a page of 50 tasks must neither read nor sort all tasks, with the first executions and with later
// ones, which may have a generic plan.
func TestListReadsOnePage(t *testing.T) {
	b := setup(t)
	for _, sql := range []string{
		`INSERT INTO accounts (id) VALUES ('other')`,
		`INSERT INTO tasks (id, account_id, status, priority, question, max_depth, max_pages, time_budget, search_engine, max_results, safe_mode,
			same_domain_only, allow_external_links, allow_domains, deny_domains, request_metadata, created_at, started_at, completed_at, answer, confidence)
		SELECT gen_random_uuid(), CASE WHEN i % 10 = 0 THEN 'other' ELSE 'default' END, 'completed', 'normal', 'q', 3, 20, 300, 'library', 10, true, false, true, '{}', '{}', '{}',
			now() - i * interval '1 s', now(), now(), 'a', 0.5
		FROM generate_series(1, 20000) i`,
		`INSERT INTO task_heads (task_id, run_epoch, last_seq) SELECT id, 2, 0 FROM tasks`,
		`INSERT INTO tree_nodes (task_id, depth, pages, seconds) SELECT id, 1, 0, 0 FROM (SELECT id FROM tasks WHERE account_id = 'default' ORDER BY created_at LIMIT 1) d`,
		`INSERT INTO tree_nodes (task_id, depth, parent_id, number, round, pages, seconds)
		SELECT c.id, 2, n.task_id, row_number() OVER (), 1, 0, 0
		FROM tree_nodes n, (SELECT id FROM tasks WHERE account_id = 'default' ORDER BY created_at DESC LIMIT 12) c`,
		`ANALYZE`,
	} {
		if _, err := b.Pool().Exec(b.ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	const most = 1200 // pages; the rows of a page, of their heads and of a few indexes
	for name, f := range map[string]store.TaskFilter{"all": {Limit: 50}, "of a status": {Status: research.Completed, Limit: 50}} {
		for range 7 {
			if list, err := b.For("default").Tasks(b.ctx, f); err != nil || len(list.Tasks) != 50 || list.Total != 17988 {
				t.Fatalf("%s: %d of %d tasks, want 50 of 17988: %v", name, len(list.Tasks), list.Total, err)
			}
		}
		conn, err := b.Pool().Acquire(b.ctx)
		if err != nil {
			t.Fatal(err)
		}
		var statement string
		err = conn.QueryRow(b.ctx, `SELECT name FROM pg_prepared_statements WHERE statement LIKE '-- name: ListTasks %'`).Scan(&statement)
		if err != nil {
			t.Fatalf("the connection has not listed tasks: %v", err)
		}
		// The arguments are in the order in which the statement has them.
		status := "NULL"
		if f.Status != "" {
			status = "'" + string(f.Status) + "'"
		}
		var plan []byte
		err = conn.QueryRow(b.ctx, "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE "+statement+
			"('default', NULL, "+status+", NULL, NULL, NULL, NULL, NULL, 0, 50)").Scan(&plan)
		conn.Release()
		if err != nil {
			t.Fatal(err)
		}
		var plans []struct{ Plan planNode }
		if err := json.Unmarshal(plan, &plans); err != nil {
			t.Fatal(err)
		}
		p := plans[0].Plan
		if l := p.largest(); p.Rows != 50 || p.Hit+p.Read > most || (l.Rows+l.Removed)*l.Loops > 2000 {
			t.Errorf("%s: %v rows, %d pages, and a %s of %q handles %v rows\n%s", name, p.Rows, p.Hit+p.Read, l.Type, l.Relation, l.Rows*l.Loops, plan)
		}
	}
	if _, err := b.Pool().Exec(b.ctx, "DELETE FROM tasks"); err != nil {
		t.Fatal(err)
	}
}
