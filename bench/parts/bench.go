// Package parts has the parts of bench. Each part defines what is measured, under which load, and with which
// reference.
//
// A part creates its own database, starts its servers (bench/server), and adds its figures to the report. legwork and
// the reference are measured in alternating rounds. They use the same database, or two databases with the same
// content.
package parts

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"

	"legwork/bench/measure"
	"legwork/bench/reference"
	"legwork/bench/server"
	"legwork/internal/pgembed"
	"legwork/internal/store/schema"
)

// Part is one part of the report.
type Part struct {
	Name string // name for -parts
	Run  func(context.Context, *Bench) error
}

// All returns the parts in the order of the report.
func All() []Part {
	return []Part{
		{"append", appendPart}, {"step", stepPart}, {"latency", latencyPart}, {"runs", runsPart},
		{"fanout", fanoutPart}, {"api", apiPart}, {"cold", coldPart}, {"pages", pagesPart}, {"library", libraryPart}, {"huge", hugePart},
		{"reports", reportsPart}, {"processes", processesPart},
	}
}

// Settings are the settings of the command line that apply to all parts.
type Settings struct {
	Pairs    int            // number of rounds of each comparison
	Duration time.Duration  // duration of one measurement
	Tasks    int            // number of tasks in part api
	Sockets  string         // numbers of sockets in part fanout, separated by commas
	Quick    bool           // smallest sizes, to check that everything works
	Only     *regexp.Regexp // which comparisons the parts append, api and pages run; nil means all
	Profiles string         // folder for CPU profiles of the servers; empty means no profiles
}

// Bench is one run of bench: its database server, its temporary folder and its report.
type Bench struct {
	Settings
	Report measure.Report

	log      io.Writer
	dir      string          // for scripts and files; removed by Close
	embedded *pgembed.Server // nil if DatabaseVariable is set
	admin    string          // URL of the server's own database
	pgbench  *reference.Pgbench
	created  []string // databases to drop
}

// DatabaseVariable is the environment variable with the URL of an existing PostgreSQL server. If it is set, bench
// starts no PostgreSQL.
const DatabaseVariable = "BENCH_DATABASE_URL"

// New starts a database server, unless DatabaseVariable is set, and looks for pgbench. The servers' output goes to log.
func New(ctx context.Context, s Settings, log io.Writer) (b *Bench, err error) {
	measure.RaiseFileLimit()
	b = &Bench{Settings: s, log: log, admin: os.Getenv(DatabaseVariable)}
	b.Report = measure.Report{Began: time.Now(), Machine: measure.Machine(), Pairs: s.Pairs, Seconds: s.Duration.Seconds()}
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	if b.dir, err = os.MkdirTemp("", "legwork-bench-"); err != nil {
		return b, err
	}
	if err := os.Chmod(b.dir, 0o755); err != nil { // PostgreSQL may run as another user
		return b, err
	}
	if b.admin == "" {
		b.embedded, err = pgembed.Start(ctx, pgembed.Config{Home: filepath.Join(b.dir, "home"), MaxConnections: 300})
		if err != nil {
			return b, err
		}
		b.admin = b.embedded.URL()
	}
	if b.pgbench, err = reference.FindPgbench(ctx, b.dir, s.Duration); err != nil {
		return b, err
	}
	return b, b.describeDatabase(ctx)
}

// Dir returns a folder that Close removes.
func (b *Bench) Dir() string { return b.dir }

// DatabaseURL returns the URL of a database on the server. -against passes it to the programs of both versions, which
// create their own databases.
func (b *Bench) DatabaseURL() string { return b.admin }

func (b *Bench) describeDatabase(ctx context.Context) error {
	return b.asAdmin(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT format('PostgreSQL %s, fsync %s, synchronous_commit %s, shared_buffers %s',
			current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'),
			current_setting('shared_buffers'))`).Scan(&b.Report.Database)
	})
}

// Logf writes a line to the log.
func (b *Bench) Logf(format string, args ...any) { fmt.Fprintf(b.log, format+"\n", args...) }

// asAdmin calls do with a connection to the server's own database.
func (b *Bench) asAdmin(ctx context.Context, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, b.admin)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return do(conn)
}

// database creates a migrated database for a part and returns its URL.
func (b *Bench) database(ctx context.Context, name string) (string, error) {
	name = fmt.Sprintf("bench_%s_%d", name, time.Now().UnixNano())
	err := b.asAdmin(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "CREATE DATABASE "+name)
		return err
	})
	if err != nil {
		return "", err
	}
	b.created = append(b.created, name)
	u, err := url.Parse(b.admin)
	if err != nil {
		return "", fmt.Errorf("%s must be a postgres:// URL: %w", DatabaseVariable, err)
	}
	u.Path = "/" + name
	return u.String(), schema.Migrate(ctx, u.String(), slog.New(slog.DiscardHandler))
}

// Close stops the PostgreSQL that New started. If it uses an existing server, it drops the databases that it created
// there. It also removes the temporary files.
func (b *Bench) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if b.embedded != nil {
		_ = b.embedded.Stop(ctx)
	} else if b.admin != "" {
		for _, name := range b.created {
			_ = b.asAdmin(ctx, func(conn *pgx.Conn) error {
				_, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
				return err
			})
		}
	}
	if b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
}

// matches reports whether the option -only selects a comparison.
func (b *Bench) matches(what string) bool { return b.Only == nil || b.Only.MatchString(what) }

// levels returns the numbers of concurrent runs or clients with which a part measures.
func (b *Bench) levels() []int {
	if b.Quick {
		return []int{2}
	}
	return []int{1, 8, 32}
}

// numberedTasks creates n running tasks for pgbench, numbered from 0 in the table bench_tasks.
func (b *Bench) numberedTasks(ctx context.Context, url string, p *server.Process, n int) error {
	r, err := p.Ask(ctx, server.Command{Op: "tasks", Runs: n})
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, `CREATE TABLE bench_tasks (n integer PRIMARY KEY, task_id uuid NOT NULL)`); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `INSERT INTO bench_tasks SELECT ord - 1, id FROM unnest($1::uuid[]) WITH ORDINALITY AS t(id, ord)`, r.Tasks)
	return err
}

// start starts a server under test. name is the file name of its profile.
func (b *Bench) start(ctx context.Context, name string, cfg server.Config) (*server.Process, error) {
	cfg.Dir = filepath.Join(b.dir, "artifacts")
	if b.Profiles != "" {
		if err := os.MkdirAll(b.Profiles, 0o755); err != nil {
			return nil, err
		}
		cfg.Profile = filepath.Join(b.Profiles, name+".prof")
	}
	return server.Start(ctx, cfg, b.log)
}
