package schema_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"legwork/internal/dbtest"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/store/schema"
	"legwork/migrations"
)

// upgradePages is the number of further pages, of 20 passages each, that TestUpgradeFrom7 converts. With it the test
// logs the time that the conversion took.
var upgradePages = flag.Int("upgrade.pages", 0, "pages that TestUpgradeFrom7 converts besides its own")

// at7 creates a database with the schema of migration 7, and connects to it.
func at7(t *testing.T) (string, *pgx.Conn) {
	t.Helper()
	url := dbtest.Empty(t)
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	pool := stdlib.OpenDB(*cfg)
	defer func() { _ = pool.Close() }()
	provider, err := goose.NewProvider(goose.DialectPostgres, pool, migrations.FS)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return url, conn
}

// TestUpgradeFrom7 migrates rows of the version with migration 7, and reads them with the present code.
func TestUpgradeFrom7(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	url, conn := at7(t)
	const text = "Kettles\n\nTwelve kettles are boiling at once.\n"
	sum := sha256.Sum256([]byte(text))
	page := hex.EncodeToString(sum[:])
	task, visit, failed := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := conn.Exec(ctx, sql, args...); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	exec(`INSERT INTO tasks (id, account_id, status, priority, question, max_depth, max_pages, time_budget, search_engine, max_results, safe_mode,
	        same_domain_only, allow_external_links, allow_domains, deny_domains, request_metadata, created_at, started_at, completed_at, answer, confidence)
	      VALUES ($1, 'default', 'completed', 'normal', 'How many kettles?', 3, 20, 300, 'library', 10, true, false, true, '{}', '{}', '{}',
	        '2026-01-01 10:00Z', '2026-01-01 10:00:01Z', '2026-01-01 10:00:03.5Z', 'Twelve [1].', 0.5)`, task)
	exec(`INSERT INTO task_heads (task_id, run_epoch, last_seq) VALUES ($1, 2, 1)`, task)
	exec(`INSERT INTO runs (task_id, epoch, try, worker_id, claimed_at, seen_at, ended_at, outcome)
	      VALUES ($1, 1, 1, $2, '2026-01-01 10:00:01Z', '2026-01-01 10:00:02Z', '2026-01-01 10:00:03Z', 'completed')`, task, uuid.New())
	exec(`INSERT INTO task_events (task_id, seq, type, terminal, created_at, body) VALUES ($1, 1, 'agent:complete', true, now(), '{"answer":"Twelve [1]."}')`, task)
	exec(`INSERT INTO pages (id, title, language, config, chars, content) VALUES ($1, 'Kettles', 'en', 'english', char_length($2), $2)`, page, text)
	exec(`INSERT INTO passages (page_id, ord, start, "end", heading, tsv)
	      VALUES ($1, 0, 0, 7, '', to_tsvector('english', 'Kettles')), ($1, 1, 9, 44, 'Kettles', to_tsvector('english', substr($2, 10, 35)))`, page, text)
	links := `[{"u":"http://a.example/next","t":"Next & more"}]`
	exec(`INSERT INTO visits (id, account_id, task_id, page_id, url, final_url, outcome, message, status, title, depth, bytes, millis, fetched_at, links)
	      VALUES ($1, 'default', $2, $3, 'http://a.example/', 'http://a.example/', 'ok', '', 200, 'Kettles', 0, 99, 5, now(), $5),
	             ($4, 'default', $2, NULL, 'http://a.example/gone', 'http://a.example/gone', 'not_found', 'gone', 404, '', 1, 0, 5, now(), NULL)`,
		visit, task, page, failed, links)
	old := `{"outcome":"ok","url":"http://a.example/","links":` + links + `,"best":{"share":1}}`
	exec(`INSERT INTO steps (task_id, turn, call_no, epoch, try, kind, tool, args, result, success, millis, created_at, cost_usd)
	      VALUES ($1, 1, 1, 1, 1, 'tool', 'navigate_to', '{}', $2, true, 5, now(), NULL), ($1, 2, 0, 1, 1, 'model', '', '{}', '{}', true, 5, now(), 0.1),
	             ($1, 3, 0, 1, 1, 'model', '', '{}', '{}', true, 5, now(), 0.2)`, task, old)
	exec(`INSERT INTO artifacts (task_id, name, kind, content_type, bytes) VALUES ($1, 'shot.png', 'screenshot', 'image/png', 3)`, task)
	exec(`INSERT INTO citations (task_id, evidence, n, page_id, visit_id, url, title, excerpt, start, "end", support, accessed_at, screenshot)
	      VALUES ($1, 1, NULL, $2, $3, 'http://a.example/', 'Kettles', 'Kettles', 0, 7, 'unchecked', now(), NULL),
	             ($1, 2, 1, $2, $3, 'http://a.example/', 'Kettles', 'Twelve kettles', 9, 23, 'supported', now(), 'shot.png')`, task, page, visit)
	filled := time.Now()
	exec(`INSERT INTO domains (domain, next_at, recent, strikes) VALUES ('a.example', now() + interval '1 second', ARRAY[now() - interval '1 second', now()], 2)`)
	if n := *upgradePages; n > 0 {
		exec(`INSERT INTO pages (id, title, language, config, chars, content)
		      SELECT encode(sha256(convert_to(c, 'UTF8')), 'hex'), 'T', 'en', 'english', char_length(c), c
		      FROM (SELECT 'page ' || n || ' ' || repeat(md5(n::text) || ' ', 240) AS c FROM generate_series(1, $1::integer) n) x`, n)
		exec(`INSERT INTO passages (page_id, ord, start, "end", heading, tsv)
		      SELECT p.id, o, o * 390, o * 390 + 380, 'heading', to_tsvector('english', (SELECT string_agg('word' || (hashtext(p.id || o || w) % 20000), ' ')
		        FROM generate_series(1, 50) w)) FROM pages p, generate_series(0, 19) o WHERE p.title = 'T'`)
		exec(`INSERT INTO visits (id, account_id, page_id, url, final_url, outcome, message, status, title, depth, bytes, millis, fetched_at, links)
		      SELECT gen_random_uuid(), 'default', id, 'http://b.example/' || id, 'http://b.example/', 'ok', '', 200, 'T', 0, 1, 1, now(), '[]' FROM pages WHERE title = 'T'`)
	}
	began := time.Now()
	if err := schema.Migrate(ctx, url, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Logf("converted in %s", time.Since(began).Round(time.Millisecond))
	s := dbtest.Open(t, url)
	findings, err := s.Worker().Audit(ctx)
	if err != nil || len(findings) != 0 {
		t.Errorf("audit: %v, %v", findings, err)
	}
	a := s.For(research.DefaultAccount)
	got, err := a.Task(ctx, task)
	if err != nil {
		t.Fatal(err)
	}
	u := got.Usage
	if u.Pages != 2 || u.ToolCalls != 1 || u.ModelCalls != 2 || u.CostUSD == nil || *u.CostUSD != 0.3 || u.Running != 2*time.Second || got.Duration == nil || *got.Duration != 2.5 {
		t.Errorf("usage %+v, duration %v", u, got.Duration)
	}
	if c := got.Citations; len(c) != 1 || c[0].Number != 2 || c[0].Marker != 1 || c[0].PageID != page || c[0].Excerpt != "Twelve kettles" || c[0].ScreenshotURL == "" {
		t.Errorf("citations %+v", c)
	}
	visits, err := a.PageVisits(ctx, task)
	if err != nil || len(visits) != 2 || visits[0].Page == nil && visits[1].Page == nil {
		t.Errorf("page visits %+v, %v", visits, err)
	}
	stored, err := a.StoredVisit(ctx, store.AnyAge, "http://a.example/")
	if err != nil || stored.Page.ID != page || len(stored.Page.Passages) != 2 || len(stored.Links) != 1 || stored.Links[0].Text != "Next & more" || stored.Page.Blocks != nil {
		t.Errorf("stored visit %+v, %v", stored, err)
	}
	if hits, err := a.SearchLibrary(ctx, "boiling kettles", 5); err != nil || len(hits) != 1 || hits[0].PageID != page {
		t.Errorf("library %+v, %v", hits, err)
	}
	steps, err := s.Worker().Journal(ctx, task)
	if err != nil || len(steps) != 3 || string(steps[0].Result) != old {
		t.Errorf("journal %+v, %v", steps, err)
	}
	var busyAnswers int
	if err := conn.QueryRow(ctx, "SELECT busy_answers FROM domains WHERE domain = 'a.example'").Scan(&busyAnswers); err != nil || busyAnswers != 2 {
		t.Errorf("%d busy answers, want 2, %v", busyAnswers, err)
	}
	wait, err := s.Worker().ReserveDomain(ctx, "a.example", store.Reservation{Requests: 2, Window: time.Hour})
	if err != nil || wait < 59*time.Minute-time.Since(filled) {
		t.Errorf("a domain whose window was full may be requested in %s, %v", wait, err)
	}
}

// TestUpgradeRefusesWhileOlderWorkersRun checks that Migrate changes nothing while a worker of an older version runs, because
// that worker would fail on the new names.
func TestUpgradeRefusesWhileOlderWorkersRun(t *testing.T) {
	t.Parallel()
	url, conn := at7(t)
	if _, err := conn.Exec(t.Context(), "INSERT INTO workers (id, slots, version, host, heartbeat_at) VALUES ($1, 1, 'old', 'h', now() + interval '1 hour')", uuid.New()); err != nil {
		t.Fatal(err)
	}
	err := schema.Migrate(t.Context(), url, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatal("migrated while a worker of an older version was running")
	}
	for _, part := range []string{"was not changed", "h (version old)", "SIGTERM", "start the new version"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %q", err, part)
		}
	}
}
