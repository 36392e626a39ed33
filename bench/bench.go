package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"legwork/internal/pgembed"
	"legwork/internal/store"
)

// bench is one run of this program.
type bench struct {
	settings
	report
	log      io.Writer
	dir      string          // for scripts and files; removed at the end
	embedded *pgembed.Server // nil with BENCH_DATABASE_URL
	admin    string          // URL of a database of the server
	pgbench  string          // path of the program
	created  []string        // databases to drop
}

// ownDatabase names a server to use instead of one of our own.
const ownDatabase = "BENCH_DATABASE_URL"

func newBench(ctx context.Context, s settings, log io.Writer) (b *bench, err error) {
	raiseFileLimit()
	b = &bench{settings: s, log: log, admin: os.Getenv(ownDatabase)}
	b.report = report{Began: time.Now(), Machine: machine(), Pairs: s.pairs, Seconds: s.duration.Seconds()}
	defer func() {
		if err != nil {
			b.close()
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
	if b.pgbench, err = findPgbench(ctx); err != nil {
		return b, err
	}
	return b, b.describeDatabase(ctx)
}

func (b *bench) describeDatabase(ctx context.Context) error {
	return b.admins(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT format('PostgreSQL %s, fsync %s, synchronous_commit %s, shared_buffers %s',
			current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'),
			current_setting('shared_buffers'))`).Scan(&b.Database)
	})
}

// findPgbench looks in PATH and beside the server's programs.
func findPgbench(ctx context.Context) (string, error) {
	if path, err := exec.LookPath("pgbench"); err == nil {
		return path, nil
	}
	if bin, err := pgembed.Find(ctx, pgembed.Config{}); err == nil {
		path := filepath.Join(bin.Dir, "pgbench")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", errors.New("bench needs pgbench, in PATH or beside the postgres program; on Debian it is in the package postgresql")
}

func (b *bench) logf(format string, args ...any) { fmt.Fprintf(b.log, format+"\n", args...) }

func (b *bench) admins(ctx context.Context, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, b.admin)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return do(conn)
}

// database makes a migrated database for a part and gives its URL.
func (b *bench) database(ctx context.Context, name string) (string, error) {
	name = fmt.Sprintf("bench_%s_%d", name, time.Now().UnixNano())
	err := b.admins(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "CREATE DATABASE "+name)
		return err
	})
	if err != nil {
		return "", err
	}
	b.created = append(b.created, name)
	u, err := url.Parse(b.admin)
	if err != nil {
		return "", fmt.Errorf("%s must be a postgres:// URL: %w", ownDatabase, err)
	}
	u.Path = "/" + name
	return u.String(), store.Migrate(ctx, u.String(), slog.New(slog.DiscardHandler))
}

func (b *bench) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if b.embedded != nil {
		_ = b.embedded.Stop(ctx)
	} else if b.admin != "" {
		for _, name := range b.created {
			_ = b.admins(ctx, func(conn *pgx.Conn) error {
				_, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
				return err
			})
		}
	}
	if b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
}

// chosen reports whether -only wants a comparison.
func (b *bench) chosen(what string) bool { return b.only == nil || b.only.MatchString(what) }

// levels are the numbers of runs or clients at once.
func (b *bench) levels() []int {
	if b.quick {
		return []int{2}
	}
	return []int{1, 8, 32}
}

// side is one of the things that are compared: it measures once and gives its values by name.
type side func(ctx context.Context) (map[string]float64, error)

// rounds measures all sides in turn, n times, and gives all values by side and name. Each round begins with another side.
func (b *bench) rounds(ctx context.Context, n int, sides map[string]side, order ...string) (map[string]map[string][]float64, error) {
	out := map[string]map[string][]float64{}
	for round := range n {
		for i := range order {
			name := order[(i+round)%len(order)]
			values, err := sides[name](ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if out[name] == nil {
				out[name] = map[string][]float64{}
			}
			for k, v := range values {
				out[name][k] = append(out[name][k], v)
			}
		}
	}
	return out, nil
}

// ownTasks makes n running tasks for pgbench and numbers them in a table.
func (b *bench) ownTasks(ctx context.Context, url string, c *child, n int) error {
	r, err := c.ask(ctx, command{Op: "tasks", Runs: n})
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
