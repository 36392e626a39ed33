package roles_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"legwork/internal/dbtest"
	"legwork/internal/store/roles"
)

// login creates a role that can log in and is a member of the role memberOf. It returns a connection of the new role.
func login(t *testing.T, admin *pgx.Conn, dsn, memberOf string) (*pgx.Conn, string) {
	t.Helper()
	name := "legwork_test_" + strings.ToLower(rand.Text()[:12])
	for _, sql := range []string{"CREATE ROLE " + name + " LOGIN PASSWORD 'x'", "GRANT " + memberOf + " TO " + name} {
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(name, "x")
	conn, err := pgx.Connect(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close(context.Background())
		for _, sql := range []string{"DROP OWNED BY " + name, "DROP ROLE " + name} {
			if _, err := admin.Exec(context.Background(), sql); err != nil {
				t.Error(err)
			}
		}
	})
	return conn, name
}

// granted creates a database with the accounts "ours" and "theirs", some rows of both, and the roles that roles.Grant
// makes. admin is a connection of the role that ran the migrations. dsn is the database's connection string, with
// that role.
func granted(t *testing.T) (admin *pgx.Conn, dsn string) {
	t.Helper()
	dsn = dbtest.URL(t)
	for range 2 { // Grant can be repeated
		if err := roles.Grant(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
	}
	admin, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close(context.Background()) })
	_, err = admin.Exec(t.Context(), `INSERT INTO accounts (id) VALUES ('ours'), ('theirs');
		INSERT INTO audit_log (account_id, actor_kind, action) VALUES ('ours', 'operator', 'key.create'), ('theirs', 'operator', 'key.create'), (NULL, 'system', 'key.create');
		INSERT INTO tasks (id, account_id, status, priority, question, max_depth, max_pages, time_budget, search_engine, max_results, safe_mode, same_domain_only,
			allow_external_links, allow_domains, deny_domains, request_metadata, created_at, completed_at, error, error_code)
		SELECT gen_random_uuid(), id, 'cancelled', 'normal', 'A question of ' || id, 1, 1, 1, 'library', 1, true, true, true, '{}', '{}', '{}', now(), now(), 'x', 'cancelled' FROM accounts WHERE id <> 'default';
		INSERT INTO task_heads (task_id, last_seq) SELECT id, 1 FROM tasks;
		INSERT INTO task_events (task_id, seq, type, terminal, created_at, body) SELECT id, 1, 'agent:error', true, now(), '{}' FROM tasks;
		INSERT INTO visits (id, account_id, url, final_url, outcome, message, status, title, depth, bytes, millis, fetched_at)
		SELECT gen_random_uuid(), id, 'https://a.example/', 'https://a.example/', 'timeout', '', 0, id, 0, 0, 0, now() FROM accounts WHERE id <> 'default'`)
	if err != nil {
		t.Fatal(err)
	}
	return admin, dsn
}

// denied checks that statements are refused because a privilege is missing.
func denied(t *testing.T, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		_, err := conn.Exec(t.Context(), sql)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "42501" {
			t.Errorf("%s: %v, want it to be refused", sql, err)
		}
	}
}

// TestReportReadersSeeTheirAccountsOnly checks that an analyst can read only the accounts that report_readers lists for
// the analyst's role, and only through the report views, whatever statement the analyst tries.
func TestReportReadersSeeTheirAccountsOnly(t *testing.T) {
	t.Parallel()
	admin, dsn := granted(t)
	analyst, name := login(t, admin, dsn, "legwork_report")
	other, otherName := login(t, admin, dsn, "legwork_report")
	if _, err := admin.Exec(t.Context(), "INSERT INTO report_readers VALUES ($1, 'ours'), ($2, 'theirs')", name, otherName); err != nil {
		t.Fatal(err)
	}
	see := func(conn *pgx.Conn, query string) string {
		t.Helper()
		var got string
		if err := conn.QueryRow(t.Context(), query).Scan(&got); err != nil {
			t.Errorf("%s: %v", query, err)
		}
		return got
	}
	for _, view := range []string{"report_visits", "report_audit"} {
		query := "SELECT coalesce(string_agg(DISTINCT account_id, ' '), 'none') FROM " + view
		if got := see(analyst, query); got != "ours" {
			t.Errorf("%s shows %q", view, got)
		}
		if got := see(other, query); got != "theirs" {
			t.Errorf("%s shows %q to the other", view, got)
		}
	}
	if got := see(analyst, "SELECT string_agg(account_id || ' ' || status, ',') FROM report_tasks"); got != "ours cancelled" {
		t.Errorf("report_tasks shows %q", got)
	}
	// What the planner knows about the tables must not show rows of others, either.
	if got := see(analyst, "SELECT count(*)::text FROM pg_stats WHERE schemaname = 'public'"); got != "0" {
		t.Errorf("the statistics of %s columns are visible", got)
	}
	// This condition would divide by zero on the other account's row, whose title "theirs" has 6 letters. There must be
	// no error, because the condition must not be run on that row.
	var n int
	if err := analyst.QueryRow(t.Context(), "SELECT count(*) FROM report_visits WHERE 1 / (char_length(title) - 6) = 0").Scan(&n); err != nil || n != 1 {
		t.Errorf("a condition sees rows of others: %d, %v", n, err)
	}
	if _, err := analyst.Exec(t.Context(), "CREATE FUNCTION pg_temp.leak(a text, t text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS "+
		"$$ BEGIN IF a <> 'ours' THEN RAISE EXCEPTION 'seen %', a; END IF; RETURN true; END $$"); err != nil {
		t.Fatal(err)
	}
	if _, err := analyst.Exec(t.Context(), "SELECT * FROM report_visits WHERE pg_temp.leak(account_id, title)"); err != nil {
		t.Errorf("a function sees rows of others: %v", err)
	}
	denied(t, analyst,
		"SELECT * FROM tasks", "SELECT * FROM visits", "SELECT * FROM users", "SELECT * FROM api_keys", "SELECT * FROM audit_log", "SELECT * FROM river_job",
		"SELECT * FROM task_outcomes", "SELECT * FROM report_readers", "INSERT INTO report_readers VALUES ('"+name+"', 'theirs')",
		"UPDATE report_visits SET account_id = 'ours'", "DELETE FROM report_audit", "INSERT INTO report_audit (action) VALUES ('x.y')",
		"CREATE TABLE public.mine (x int)", "CREATE VIEW public.mine AS SELECT 1", "CREATE OR REPLACE VIEW report_visits AS SELECT * FROM visits",
		"ALTER VIEW report_visits OWNER TO "+name, "SET ROLE legwork_app", "SET ROLE legwork_owner", "SET ROLE "+otherName, "SET SESSION AUTHORIZATION "+otherName,
		"ALTER ROLE "+name+" SUPERUSER", "GRANT legwork_owner TO "+name, "ALTER ROLE "+otherName+" PASSWORD 'y'", "COPY (SELECT 1) TO PROGRAM 'cat'", "SELECT pg_read_file('/etc/passwd')")
	if _, err := analyst.Exec(t.Context(), "SET ROLE legwork_report"); err != nil {
		t.Fatal(err)
	}
	if got := see(analyst, "SELECT count(*)::text FROM report_visits"); got != "0" {
		t.Errorf("as legwork_report it sees %s rows", got)
	}
}

// TestAppRoleHasNoDDL checks that the program's role can write rows and add to the audit log, and cannot change the
// schema or existing entries of the audit log.
func TestAppRoleHasNoDDL(t *testing.T) {
	t.Parallel()
	admin, dsn := granted(t)
	app, _ := login(t, admin, dsn, "legwork_app")
	for _, sql := range []string{"INSERT INTO audit_log (actor_kind, action) VALUES ('system', 'key.create')", "UPDATE accounts SET name = 'x'",
		"DELETE FROM visits", "SELECT * FROM river_job", "DELETE FROM river_job", "SELECT pg_notify('legwork_access', '*')"} {
		if _, err := app.Exec(t.Context(), sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	denied(t, app, "UPDATE audit_log SET action = 'a.b'", "DELETE FROM audit_log", "TRUNCATE audit_log", "ALTER TABLE audit_log DISABLE TRIGGER ALL",
		"DROP TRIGGER audit_log_append_only ON audit_log", "CREATE TABLE public.x (y int)", "DROP TABLE tasks", "ALTER TABLE tasks ADD COLUMN x int", "CREATE INDEX ON tasks (id)",
		"CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE sql AS ''", "DELETE FROM goose_db_version", "INSERT INTO report_readers VALUES ('x', 'ours')",
		"SET ROLE legwork_owner", "SET session_replication_role = replica", "CREATE ROLE x", "TRUNCATE tasks")
	// The trigger refuses even the owner of the table.
	if _, err := admin.Exec(t.Context(), "DELETE FROM audit_log"); err == nil || !strings.Contains(err.Error(), "append-only") {
		t.Errorf("the owner deletes from the audit log: %v", err)
	}
}
