package reports_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"legwork/bench/history"
	"legwork/internal/dbtest"
	"legwork/internal/store"
	"legwork/internal/store/reports"
	"legwork/internal/store/roles"
)

// filled returns a connection to a database with some days of tasks, and a store on it. The role of the connection sees the accounts
// default and other in the report views.
func filled(t *testing.T, tasks int) (*pgx.Conn, *store.Store) {
	t.Helper()
	dsn := dbtest.URL(t)
	conn := connect(t, dsn)
	if err := history.Fill(t.Context(), conn, history.Size{Tasks: tasks, Days: 3, Pages: 40}, false); err != nil {
		t.Fatal(err)
	}
	execute(t, conn, "INSERT INTO report_readers SELECT current_user, id FROM accounts")
	return conn, dbtest.Open(t, dsn)
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func execute(t *testing.T, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func summarise(t *testing.T, s *store.Store) (tasks int) {
	t.Helper()
	for {
		n, err := reports.Summarise(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return tasks
		}
		tasks += n
	}
}

func number(t *testing.T, conn *pgx.Conn, sql string) (n int64) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// query returns a query for the rows of a report view as sorted lines. Sums of fractions are rounded, because they depend on the order of
// their summands.
func query(t *testing.T, conn pgx.Tx, view string) string {
	t.Helper()
	var columns string
	err := conn.QueryRow(t.Context(), `SELECT string_agg(CASE WHEN data_type = 'double precision' THEN format('round(%1$I::numeric, 6) AS %1$I', column_name) ELSE quote_ident(column_name) END, ', '
			ORDER BY ordinal_position) FROM information_schema.columns WHERE table_schema = 'report' AND table_name = $1`, view).Scan(&columns)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("SELECT r::text FROM (SELECT %s FROM report.%s) r ORDER BY 1", columns, view)
}

// checkSums checks that the report views show the same as when all summaries are ignored, so that everything is computed from the rows.
func checkSums(t *testing.T, conn *pgx.Conn, when string) {
	t.Helper()
	tx, err := conn.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	views := []string{"daily", "tools", "domains", "model_usage", "failures", "latency", "tasks", "trees"}
	rows := func() map[string][]string {
		out := map[string][]string{}
		for _, v := range views {
			got, err := tx.Query(t.Context(), query(t, tx, v))
			if err != nil {
				t.Fatal(err)
			}
			if out[v], err = pgx.CollectRows(got, pgx.RowTo[string]); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	shown := rows()
	if _, err := tx.Exec(t.Context(), "INSERT INTO report_changes SELECT account_id, date_trunc('hour', created_at, 'UTC'), id FROM tasks WHERE completed_at IS NOT NULL"); err != nil {
		t.Fatal(err)
	}
	whole := rows()
	for _, v := range views {
		if len(whole[v]) == 0 && v != "trees" { // a step deletes all trees
			t.Errorf("%s: report.%s is empty", when, v)
		}
		for _, row := range shown[v] {
			if !slices.Contains(whole[v], row) {
				t.Fatalf("%s: report.%s shows %s, which the rows do not give", when, v, row)
			}
		}
		if len(shown[v]) != len(whole[v]) {
			t.Fatalf("%s: report.%s has %d rows instead of %d", when, v, len(shown[v]), len(whole[v]))
		}
	}
}

// TestViewsAreExact checks that the views show what the rows give: before a summary, after it, and after late changes and deletions.
func TestViewsAreExact(t *testing.T) {
	t.Parallel()
	conn, st := filled(t, 240)
	checkSums(t, conn, "before the first summary")
	ended := number(t, conn, "SELECT count(*) FROM tasks WHERE completed_at IS NOT NULL")
	if n := summarise(t, st); int64(n) != ended {
		t.Errorf("summarised %d tasks of %d", n, ended)
	}
	if n := number(t, conn, "SELECT count(*) FROM report_changes"); n != 0 {
		t.Errorf("%d changes are left", n)
	}
	checkSums(t, conn, "after the first summary")
	for _, c := range [][2]string{
		{"SELECT sum(calls) FROM report.tools", "SELECT count(*) FROM steps WHERE kind = 'tool'"},
		{"SELECT sum(visits) FROM report.domains", "SELECT count(*) FROM visits WHERE task_id IS NOT NULL"},
		{"SELECT sum(citations) FROM report.domains", "SELECT count(*) FROM evidence WHERE marker IS NOT NULL"},
		{"SELECT sum(citations) FROM report.daily", "SELECT count(*) FROM report.citations WHERE verified"},
		{"SELECT sum(tasks) FROM report.daily", "SELECT count(*) FROM tasks"},
		{"SELECT sum(open_tasks) FROM report.daily", "SELECT count(*) FROM tasks WHERE completed_at IS NULL"},
		{"SELECT sum(failures) FROM report.failures WHERE subject = 'task'", "SELECT count(*) FROM tasks WHERE error_code IS NOT NULL"},
		{"SELECT (sum(cost_usd) * 1000000)::bigint FROM report.model_usage", "SELECT (sum(cost_usd) * 1000000)::bigint FROM steps"},
		{"SELECT sum(running_seconds)::bigint FROM report.tasks", "SELECT sum(run_seconds)::bigint FROM report.runs"},
	} {
		if got, want := number(t, conn, c[0]), number(t, conn, c[1]); got != want || want == 0 {
			t.Errorf("%s: %d, but %s: %d", c[0], got, c[1], want)
		}
	}
	for when, sql := range map[string]string{
		"a late price":    "UPDATE steps SET cost_usd = 1 WHERE task_id = (SELECT task_id FROM task_summaries WHERE model_calls > 0 LIMIT 1) AND kind = 'model'",
		"a late verdict":  "UPDATE evidence SET support = 'unsupported' WHERE marker = 1 AND task_id IN (SELECT task_id FROM task_summaries LIMIT 50)",
		"a late outcome":  "UPDATE tasks SET answered = false WHERE id IN (SELECT id FROM tasks WHERE answered LIMIT 5)",
		"a late visit":    "UPDATE visits SET bytes = 1 WHERE task_id = (SELECT task_id FROM task_summaries LIMIT 1)",
		"deleted tasks":   "DELETE FROM tasks WHERE id IN (SELECT id FROM tasks WHERE effort <> 'deep' AND completed_at IS NOT NULL AND id NOT IN (SELECT task_id FROM tree_nodes) LIMIT 20)",
		"a deleted tree":  "DELETE FROM tasks WHERE id IN (SELECT task_id FROM tree_nodes)",
		"a moved setting": "UPDATE tasks SET priority = 'high'",
	} {
		execute(t, conn, sql)
		checkSums(t, conn, when)
		if n := summarise(t, st); n == 0 && when != "a moved setting" {
			t.Errorf("%s: nothing was summarised", when)
		}
		checkSums(t, conn, when+", summarised")
	}
}

// TestSummariesUnderConcurrentWrites lets processes summarise while others end, change and delete tasks.
func TestSummariesUnderConcurrentWrites(t *testing.T) {
	t.Parallel()
	conn, st := filled(t, 300)
	dsn := conn.Config().ConnString()
	var writers, summarisers sync.WaitGroup
	var stop = make(chan struct{})
	for range 2 {
		summarisers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := reports.Summarise(context.Background(), st); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	const some = "(SELECT id FROM tasks WHERE completed_at IS NOT NULL AND id NOT IN (SELECT task_id FROM tree_nodes) ORDER BY random() LIMIT 1)"
	for _, sql := range []string{
		"UPDATE tasks SET answered = NOT answered WHERE id = " + some,
		"UPDATE steps SET cost_usd = random() WHERE kind = 'model' AND task_id = " + some,
		"UPDATE evidence SET support = 'partial' WHERE task_id = " + some,
		"DELETE FROM tasks WHERE id = " + some,
		`WITH one AS (SELECT id FROM tasks WHERE status = 'queued' LIMIT 1 FOR UPDATE SKIP LOCKED), head AS (UPDATE task_heads SET last_seq = 2 WHERE task_id IN (SELECT id FROM one)),
			event AS (INSERT INTO task_events SELECT id, 2, 'agent:error', true, now(), '{}' FROM one)
			UPDATE tasks SET status = 'cancelled', completed_at = now(), error = 'x', error_code = 'cancelled', held = false, held_since = NULL WHERE id IN (SELECT id FROM one)`,
	} {
		own := connect(t, dsn)
		writers.Go(func() {
			for range 40 {
				if _, err := own.Exec(context.Background(), sql); err != nil {
					t.Errorf("%s: %v", sql, err)
					return
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	summarisers.Wait()
	checkSums(t, conn, "after all writes")
	summarise(t, st)
	checkSums(t, conn, "after the last summary")
	if n := number(t, conn, "SELECT count(*) FROM report_changes"); n != 0 {
		t.Errorf("%d changes are left", n)
	}
}

// reader makes conn use a new role that reads the reports of some accounts.
func reader(t *testing.T, dsn string, accounts ...string) *pgx.Conn {
	t.Helper()
	if err := roles.Grant(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, dsn)
	name := "legwork_test_" + strings.ToLower(rand.Text()[:12])
	execute(t, conn, "CREATE ROLE "+name+" IN ROLE legwork_report")
	t.Cleanup(func() {
		if _, err := conn.Exec(context.Background(), "RESET ROLE; DROP ROLE "+name); err != nil {
			t.Error(err)
		}
	})
	for _, a := range accounts {
		execute(t, conn, "INSERT INTO report_readers VALUES ('"+name+"', '"+a+"')")
	}
	execute(t, conn, "SET ROLE "+name)
	return conn
}

// TestReaderSeesOwnAccounts checks for each view that a reader sees the rows of the listed accounts, and no others.
func TestReaderSeesOwnAccounts(t *testing.T) {
	t.Parallel()
	conn, st := filled(t, 240)
	execute(t, conn, "INSERT INTO audit_log (account_id, actor_kind, action) VALUES ('default', 'operator', 'key.create'), ('other', 'operator', 'key.create')")
	ours, nobody := reader(t, conn.Config().ConnString(), "default"), reader(t, conn.Config().ConnString())
	for range 2 { // before and after the summary
		for _, view := range views(t, conn) {
			if view == "version" || view == "unverifiable" {
				continue
			}
			own := number(t, ours, "SELECT count(*) FROM report."+view)
			if want := number(t, conn, "SELECT count(*) FROM report."+view+" WHERE account_id = 'default'"); own != want || own == 0 {
				t.Errorf("report.%s has %d rows for a reader of default instead of %d", view, own, want)
			}
			if n := number(t, ours, "SELECT count(*) FROM report."+view+" WHERE account_id <> 'default'"); n != 0 {
				t.Errorf("report.%s shows %d rows of another account", view, n)
			}
			if n := number(t, conn, "SELECT count(*) FROM report."+view+" WHERE account_id = 'other'"); n == 0 {
				t.Errorf("report.%s has no rows of another account, so this test shows nothing", view)
			}
			if n := number(t, nobody, "SELECT count(*) FROM report."+view); n != 0 {
				t.Errorf("report.%s shows %d rows to a role that is not listed", view, n)
			}
		}
		summarise(t, st)
	}
	for _, table := range []string{"task_summaries", "present_task_summaries", "changed_tool_hours", "report_changes", "tool_hours", "visit_hours", "citation_hours"} {
		if _, err := ours.Exec(t.Context(), "SELECT * FROM "+table); err == nil {
			t.Errorf("a reader may read %s", table)
		}
	}
}

func views(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT viewname::text FROM pg_views WHERE schemaname = 'report' ORDER BY 1")
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(names) < 15 {
		t.Fatalf("the schema report has the views %v: %v", names, err)
	}
	return names
}

// TestUnverifiableFindsWhatIsNotThere checks that the view, which is always empty, would show a quote that its snapshot lacks.
func TestUnverifiableFindsWhatIsNotThere(t *testing.T) {
	t.Parallel()
	conn, st := filled(t, 30)
	for range 2 {
		if n := number(t, conn, "SELECT count(*) FROM report.unverifiable"); n != 0 {
			t.Fatalf("%d citations are unverifiable", n)
		}
		summarise(t, st)
	}
	execute(t, conn, "BEGIN", "UPDATE evidence SET excerpt = reverse(excerpt) WHERE (task_id, number) = (SELECT task_id, number FROM evidence WHERE marker IS NOT NULL LIMIT 1)")
	for _, sql := range []string{"SELECT count(*) FROM report.unverifiable", "SELECT count(*) FROM report.citations WHERE NOT verified"} {
		if n := number(t, conn, sql); n != 1 {
			t.Errorf("%s: %d", sql, n)
		}
	}
	execute(t, conn, "ROLLBACK")
}
