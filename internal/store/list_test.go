package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/research"
	"legwork/internal/store"
)

func TestListFiltersAndPages(t *testing.T) {
	b := setup(t)
	var ids []uuid.UUID
	for _, q := range []string{"alpha one", "beta two", "alpha-beta three", "gamma 'four'", "Δέλτα five", "日本の首都は東京です。最新のPostgreSQLの設定は？", "ร้านอาหารไทย"} {
		ids = append(ids, b.task("default", question(q)).ID)
	}
	b.claim(ids[1], 1)
	list := func(f store.TaskFilter) []uuid.UUID {
		t.Helper()
		list, err := b.For("default").Tasks(b.ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		out := []uuid.UUID{}
		for _, task := range list.Tasks {
			out = append(out, task.ID)
		}
		return out
	}
	all := list(store.TaskFilter{})
	if len(all) != 7 || all[0] != ids[6] || all[6] != ids[0] {
		t.Errorf("newest first: %v", all)
	}
	for _, c := range []struct {
		name string
		f    store.TaskFilter
		want []uuid.UUID
	}{
		{"status", store.TaskFilter{Status: research.Running}, []uuid.UUID{ids[1]}},
		{"word", store.TaskFilter{Query: "alpha"}, []uuid.UUID{ids[2], ids[0]}},
		{"prefix", store.TaskFilter{Query: "alp"}, []uuid.UUID{ids[2], ids[0]}},
		{"a word within a sentence without spaces", store.TaskFilter{Query: "東京"}, []uuid.UUID{ids[5]}},
		{"one letter of such a script", store.TaskFilter{Query: "京"}, []uuid.UUID{ids[5]}},
		{"letters that do not stand together", store.TaskFilter{Query: "本首"}, []uuid.UUID{}},
		{"a longer word, and one of another script in the sentence", store.TaskFilter{Query: "首都は PostgreSQL"}, []uuid.UUID{ids[5]}},
		{"both scripts as they stand", store.TaskFilter{Query: "postgresqlの設定"}, []uuid.UUID{ids[5]}},
		{"Thai", store.TaskFilter{Query: "อาหาร"}, []uuid.UUID{ids[6]}},
		{"emoji match nothing", store.TaskFilter{Query: "🌊🔥"}, []uuid.UUID{}},
		{"every word", store.TaskFilter{Query: "beta alpha"}, []uuid.UUID{ids[2]}},
		{"quotes and operators are words", store.TaskFilter{Query: "'four' & | ! :* \\"}, []uuid.UUID{ids[3]}},
		{"other scripts", store.TaskFilter{Query: "δέλτα"}, []uuid.UUID{ids[4]}},
		{"only punctuation matches nothing", store.TaskFilter{Query: "?!"}, []uuid.UUID{}},
		{"only white space filters nothing", store.TaskFilter{Query: " \t", Limit: 1}, ids[6:]},
		{"offset", store.TaskFilter{Offset: 5, Limit: 1}, []uuid.UUID{ids[1]}},
		{"no match", store.TaskFilter{Query: "omega"}, []uuid.UUID{}},
	} {
		got := list(c.f)
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		}
	}
	future := time.Now().Add(time.Hour)
	if got := list(store.TaskFilter{From: &future}); len(got) != 0 {
		t.Errorf("from the future: %v", got)
	}
	if got := list(store.TaskFilter{To: &future}); len(got) != 7 {
		t.Errorf("to the future: %v", got)
	}
	// Keyset paging with two tasks per page returns each task once.
	var paged []uuid.UUID
	f := store.TaskFilter{Limit: 2}
	for {
		list, err := b.For("default").Tasks(b.ctx, f)
		if err != nil || list.Total != 7 {
			t.Fatalf("page: %d, %v", list.Total, err)
		}
		for _, task := range list.Tasks {
			paged = append(paged, task.ID)
			f.Before = &store.Cursor{CreatedAt: task.CreatedAt, ID: task.ID}
		}
		if len(list.Tasks) < 2 {
			break
		}
	}
	for i := range all {
		if i >= len(paged) || paged[i] != all[i] {
			t.Fatalf("keyset paging: %v, want %v", paged, all)
		}
	}
}

// TestListPlans checks that no list query reads the whole table of 100,000 tasks.
func TestListPlans(t *testing.T) {
	b := setup(t)
	// This connection is not from the pool, because the inserts take longer than the pool's statement timeout.
	conn, err := pgx.Connect(b.ctx, b.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(b.ctx)) }()
	for _, sql := range []string{
		`INSERT INTO tasks (id, account_id, status, priority, question, max_depth, max_pages, time_budget, search_engine, max_results,
		   safe_mode, same_domain_only, allow_external_links, allow_domains, deny_domains, request_metadata, created_at, completed_at, error, error_code)
		 SELECT gen_random_uuid(), 'default', 'failed', 'normal', 'question number ' || n || ' about ' || md5(n::text), 3, 20, 300, 'library', 10,
		   true, false, true, '{}', '{}', '{}', now() - n * interval '1 second', now(), 'x', 'internal' FROM generate_series(1, 100000) n`,
		`INSERT INTO task_heads (task_id, last_seq) SELECT id, 1 FROM tasks`,
		`INSERT INTO task_events (task_id, seq, type, terminal, created_at, body) SELECT id, 1, 'agent:error', true, now(), '{}' FROM tasks`,
		`ANALYZE`,
	} {
		if _, err := conn.Exec(b.ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	const from = ` FROM tasks t JOIN task_heads h ON h.task_id = t.id WHERE t.account_id = 'default'`
	const order = ` ORDER BY t.created_at DESC, t.id DESC LIMIT 100`
	for name, sql := range map[string]string{
		"list":    `SELECT t.*, h.last_seq` + from + order,
		"status":  `SELECT t.*, h.last_seq` + from + ` AND t.status = 'running'` + order,
		"cursor":  `SELECT t.*, h.last_seq` + from + ` AND (t.created_at, t.id) < (now() - interval '20 hours', gen_random_uuid())` + order,
		"between": `SELECT t.*, h.last_seq` + from + ` AND t.created_at >= now() - interval '2 hours' AND t.created_at < now() - interval '1 hours'` + order,
		"words":   `SELECT t.*, h.last_seq` + from + ` AND task_document(t.question, t.answer) @@ '''c4ca4238a0b923820dcc509a6f75849b'':*'::tsquery` + order,
		"open":    `SELECT count(*) FROM tasks WHERE status IN ('created','queued','running')`,
		"history": `SELECT t.id, t.question, t.status, t.created_at` + from + order,
	} {
		rows, err := b.Pool().Query(b.ctx, "EXPLAIN "+sql)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var plan strings.Builder
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			plan.WriteString(line + "\n")
		}
		rows.Close()
		if strings.Contains(plan.String(), "Seq Scan") {
			t.Errorf("%s reads a whole table:\n%s", name, plan.String())
		}
	}
	// The queries of the store return the right rows at that size.
	found, err := b.For("default").Tasks(b.ctx, store.TaskFilter{Query: "question c4ca4238a0b923820dcc509a6f75849b"})
	if err != nil || found.Total != 1 || found.TotalIsLowerBound || len(found.Tasks) != 1 {
		t.Errorf("search: %d of %d, %v", len(found.Tasks), found.Total, err)
	}
	for _, c := range []struct {
		name, query string
		total       int64
		bound       bool
	}{
		{"counting a word of every task stops at 1000", "question", 1000, true},
		{"without words the number is exact", "", 100_000, false},
	} {
		list, err := b.For("default").Tasks(b.ctx, store.TaskFilter{Query: c.query, Limit: 3})
		if err != nil || list.Total != c.total || list.TotalIsLowerBound != c.bound || len(list.Tasks) != 3 {
			t.Errorf("%s: %d of %d (lower bound: %v), %v", c.name, len(list.Tasks), list.Total, list.TotalIsLowerBound, err)
		}
	}
	// The inserted tasks have no jobs. The audit accepts that, because they have failed.
}
