package backup_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/artifact"
	"legwork/internal/backup"
	"legwork/internal/dbtest"
	"legwork/internal/store/schema"
)

var quiet = slog.New(slog.DiscardHandler)

// place opens a new folder for files.
func place(t *testing.T) *artifact.Store {
	t.Helper()
	s, err := artifact.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func number(t *testing.T, conn *pgx.Conn, sql string) (n int64) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// fill stores rows with values that a careless copy would change: quotes, tabs, NULLs, backslashes, empty arrays, other scripts, and
// accounts and users that refer to each other. It returns a task with the files shot.png and lost.png, the second of which has
// a row only.
func fill(t *testing.T, url string, files *artifact.Store) uuid.UUID {
	t.Helper()
	id := uuid.New()
	conn := connect(t, url)
	_, err := conn.Exec(t.Context(), `
		INSERT INTO accounts (id, name) VALUES ('ours', E'tab\there \\N "quoted" 日本');
		INSERT INTO tasks (id, account_id, status, priority, question, max_depth, max_pages, time_budget, search_engine, max_results,
			safe_mode, same_domain_only, allow_external_links, allow_domains, deny_domains, request_metadata, created_at, completed_at, error, error_code)
		VALUES ('`+id.String()+`', 'ours', 'failed', 'normal', E'What\n\\.\nis it?', 3, 20, 300, 'library', 10,
			true, false, true, '{}', '{"a b",NULL}', '{"k": "\u00e9 \\"}', now(), now(), '', 'internal');
		INSERT INTO task_heads (task_id, last_seq) VALUES ('`+id.String()+`', 1);
		INSERT INTO task_events (task_id, seq, type, terminal, created_at, body) VALUES ('`+id.String()+`', 1, 'agent:error', true, now(), '{"a":  1.0}');
		INSERT INTO artifacts (task_id, name, kind, content_type, bytes, store_id) VALUES
			('`+id.String()+`', 'shot.png', 'screenshot', 'image/png', 3, 'old'), ('`+id.String()+`', 'lost.png', 'screenshot', 'image/png', 3, 'old');
		SELECT setval('usage_entries_id_seq', 41)`, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Write(t.Context(), id, "shot.png", "image/png", []byte("png")); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	url, files := dbtest.URL(t), place(t)
	task := fill(t, url, files)
	before := connect(t, url)
	var archive bytes.Buffer
	sum, err := backup.Write(t.Context(), url, files, "test", &archive)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Files != 1 || len(sum.Missing) != 1 || sum.Missing[0].Name != "lost.png" || sum.Tables["tasks"].Rows != 1 {
		t.Errorf("summary %+v", sum)
	}
	whole := archive.Bytes()
	copied, place2 := dbtest.Empty(t), place(t)
	m, got, err := backup.Restore(t.Context(), copied, place2, quiet, bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	if m.Legwork != "test" || got.Rows() != sum.Rows() || got.Rows() < 5 {
		t.Errorf("restored %+v, %+v", m, got)
	}
	after := connect(t, copied)
	for table := range sum.Tables { // every table, column and row is the same
		if table == "artifacts" {
			continue
		}
		const digest = `SELECT coalesce(string_agg(md5(t::text), '' ORDER BY t::text), '') FROM `
		var a, b string
		name := pgx.Identifier{table}.Sanitize()
		if err := errors.Join(before.QueryRow(t.Context(), digest+name+" t").Scan(&a), after.QueryRow(t.Context(), digest+name+" t").Scan(&b)); err != nil || a != b {
			t.Errorf("table %s differs: %v", table, err)
		}
	}
	if n := number(t, after, "SELECT count(*) FROM artifacts WHERE name = 'shot.png' AND store_id = '"+place2.ID(t.Context())+"'"); n != 1 {
		t.Error("the file's row does not name the new store")
	}
	if n := number(t, after, "SELECT count(*) FROM artifacts"); n != 1 {
		t.Errorf("%d rows of files, want only that of the file that is there", n)
	}
	f, err := place2.Read(t.Context(), task, "shot.png")
	if err != nil {
		t.Fatal(err)
	}
	if data, err := io.ReadAll(f); err != nil || string(data) != "png" {
		t.Errorf("the file has %q, %v", data, err)
	}
	_ = f.Close()
	if n := number(t, after, "SELECT nextval('usage_entries_id_seq')"); n != 42 {
		t.Errorf("the next value is %d, want 42", n)
	}
	for _, what := range []string{"SELECT count(*) FROM pg_constraint WHERE contype = 'f'", "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'",
		"SELECT count(*) FROM pg_class WHERE relkind = 'i' AND relnamespace = current_schema()::regnamespace"} {
		if a, b := number(t, before, what), number(t, after, what); a != b || a == 0 {
			t.Errorf("%s: %d before, %d after", what, a, b)
		}
	}
	if _, err := after.Exec(t.Context(), "DELETE FROM accounts WHERE id = 'ours'"); err == nil {
		t.Error("the foreign keys are gone")
	}
	if _, _, err := backup.Restore(t.Context(), copied, place2, quiet, bytes.NewReader(whole)); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("a restore over data: %v", err)
	}
}

// TestDamagedBackups checks that nothing of a backup that is cut off or changed gets into the database, and that the same database
// then takes the whole one.
func TestDamagedBackups(t *testing.T) {
	t.Parallel()
	url, files := dbtest.URL(t), place(t)
	task := fill(t, url, files)
	var archive bytes.Buffer
	if _, err := backup.Write(t.Context(), url, files, "test", &archive); err != nil {
		t.Fatal(err)
	}
	whole := archive.Bytes()
	copied, empty := dbtest.Empty(t), place(t)
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	for name, b := range map[string][]byte{"nothing": nil, "half": whole[:len(whole)/2], "all but the end": whole[:len(whole)-20], "another byte": flipped, "no archive": []byte("PGDMP")} {
		if _, _, err := backup.Restore(t.Context(), copied, empty, quiet, bytes.NewReader(b)); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, there, err := empty.Exists(t.Context(), task, "shot.png"); there || err != nil {
			t.Errorf("%s: the file is there: %v", name, err)
		}
	}
	if _, _, err := backup.Restore(t.Context(), copied, empty, quiet, bytes.NewReader(whole)); err != nil {
		t.Errorf("the whole one afterwards: %v", err)
	}
	if n := number(t, connect(t, copied), "SELECT count(*) FROM tasks"); n != 1 {
		t.Errorf("%d tasks", n)
	}
}

// TestBackupOfAnOlderVersion checks that the backup of a schema with fewer migrations is brought to the present one.
func TestBackupOfAnOlderVersion(t *testing.T) {
	t.Parallel()
	url := dbtest.Empty(t)
	if err := schema.MigrateTo(t.Context(), url, quiet, 20, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := connect(t, url).Exec(t.Context(), "INSERT INTO accounts (id) VALUES ('ours')"); err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	if _, err := backup.Write(t.Context(), url, place(t), "old", &archive); err != nil {
		t.Fatal(err)
	}
	copied := dbtest.Empty(t)
	if _, _, err := backup.Restore(t.Context(), copied, place(t), quiet, &archive); err != nil {
		t.Fatal(err)
	}
	st := dbtest.Open(t, copied)
	if findings, err := st.Worker().Audit(t.Context()); err != nil || len(findings) > 0 {
		t.Errorf("audit: %v, %v", findings, err)
	}
	conn := connect(t, copied)
	if n := number(t, conn, "SELECT count(*) FROM accounts WHERE id = 'ours'"); n != 1 {
		t.Errorf("%d accounts", n)
	}
	if n := number(t, conn, "SELECT max(version_id) FROM goose_db_version"); n <= 20 {
		t.Errorf("the schema has the version %d", n)
	}
}
