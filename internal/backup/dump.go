package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/artifact"
	"legwork/internal/research"
	"legwork/migrations"
)

// Write writes a backup of the database at url and of its files. version is the version of this program. The installation may
// be in use meanwhile.
func Write(ctx context.Context, url string, files *artifact.Store, version string, w io.Writer) (Summary, error) {
	conn, err := connect(ctx, url)
	if err != nil {
		return Summary{}, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return Summary{}, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	m, err := describe(ctx, tx)
	if err != nil {
		return Summary{}, err
	}
	m.Legwork = version
	out, err := newWriter(w, m.CreatedAt)
	if err != nil {
		return Summary{}, err
	}
	sum := Summary{Tables: map[string]Sum{}, Sequences: map[string]int64{}, Missing: []File{}}
	if err := out.json(manifestName, m); err != nil {
		return sum, errors.Join(err, out.close())
	}
	if err := dump(ctx, tx, m, files, out, &sum); err != nil {
		return sum, errors.Join(err, out.close())
	}
	return sum, errors.Join(out.json(summaryName, sum), out.close())
}

// connect opens a connection without a limit on the time of statements.
func connect(ctx context.Context, url string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL is not a PostgreSQL connection string: %w", err)
	}
	cfg.RuntimeParams["application_name"] = "legwork backup"
	cfg.RuntimeParams["statement_timeout"] = "0"
	cfg.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("the database does not answer; check DATABASE_URL: %w", err)
	}
	return conn, nil
}

// describe reads the versions and tables of a database.
func describe(ctx context.Context, tx pgx.Tx) (Manifest, error) {
	m := Manifest{Format: format}
	err := tx.QueryRow(ctx, `SELECT now(), current_setting('server_version'),
		(SELECT max(version_id) FROM goose_db_version WHERE is_applied), (SELECT max(version) FROM river_migration)`).
		Scan(&m.CreatedAt, &m.Server, &m.Schema, &m.River)
	if err != nil {
		return m, fmt.Errorf("the database has no schema of legwork; run legwork migrate: %w", err)
	}
	m.CreatedAt = m.CreatedAt.UTC().Truncate(time.Second)
	m.Tables, err = tables(ctx, tx)
	return m, err
}

// tables lists legwork's tables that the database has, with the columns whose values are stored. Other programs may have
// tables in the same database, so only tables that a migration names are listed. Tables of River that only name its live
// processes, and unlogged tables, are left out.
func tables(ctx context.Context, tx pgx.Tx) ([]Table, error) {
	names, err := ours()
	if err != nil {
		return nil, err
	}
	found, err := tx.Query(ctx, `SELECT c.relname::text AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relpersistence = 'p' AND c.relname = ANY($1)
		GROUP BY c.relname ORDER BY c.relname`, names)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowToStructByName[Table])
}

// namedTable matches the places where a migration names a new table.
var namedTable = regexp.MustCompile(`(?i)\bCREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?([a-z_][a-z0-9_]*)|\bALTER\s+TABLE\s+[a-z_][a-z0-9_]*\s+RENAME\s+TO\s+([a-z_][a-z0-9_]*)`)

// ours returns the names of all tables that the migrations make, and those of River with jobs.
func ours() ([]string, error) {
	entries, err := migrations.FS.ReadDir(".")
	if err != nil {
		return nil, err
	}
	names := []string{"river_job", "river_queue"}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".sql") {
			continue
		}
		text, err := migrations.FS.ReadFile(e.Name())
		if err != nil {
			return nil, err
		}
		for _, m := range namedTable.FindAllSubmatch(text, -1) {
			names = append(names, string(m[1])+string(m[2])) // one of the two is empty
		}
	}
	return names, nil
}

// dump writes tables and files, and adds them to the summary.
func dump(ctx context.Context, tx pgx.Tx, m Manifest, files *artifact.Store, out *writer, sum *Summary) error {
	for _, t := range m.Tables {
		p, h := &pieces{w: out, table: t.Name}, sha256.New()
		tag, err := tx.Conn().PgConn().CopyTo(ctx, io.MultiWriter(p, h), "COPY "+t.target()+" TO STDOUT")
		if err == nil {
			err = p.flush()
		}
		if err != nil {
			return fmt.Errorf("copy table %s: %w", t.Name, err)
		}
		sum.Tables[t.Name] = sumOf(tag.RowsAffected(), h)
	}
	sequences, err := tx.Query(ctx, `SELECT sequencename::text, last_value FROM pg_sequences WHERE schemaname = current_schema() AND last_value IS NOT NULL`)
	if err != nil {
		return err
	}
	var name string
	var last int64
	if _, err := pgx.ForEachRow(sequences, []any{&name, &last}, func() error { sum.Sequences[name] = last; return nil }); err != nil {
		return err
	}
	return dumpFiles(ctx, tx, files, out, sum)
}

// target returns the table and its columns, as in COPY.
func (t Table) target() string {
	quoted := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		quoted[i] = pgx.Identifier{c}.Sanitize()
	}
	return pgx.Identifier{t.Name}.Sanitize() + " (" + strings.Join(quoted, ", ") + ")"
}

func sumOf(rows int64, h hash.Hash) Sum {
	return Sum{Rows: rows, SHA256: hex.EncodeToString(h.Sum(nil))}
}

// dumpFiles writes the files that the snapshot has rows of.
func dumpFiles(ctx context.Context, tx pgx.Tx, files *artifact.Store, out *writer, sum *Summary) error {
	found, err := tx.Query(ctx, "SELECT task_id, name FROM artifacts ORDER BY task_id, name")
	if err != nil {
		return err
	}
	recorded, err := pgx.CollectRows(found, func(row pgx.CollectableRow) (f File, err error) {
		var id uuid.UUID
		var text string
		if err = row.Scan(&text, &f.Name); err == nil {
			id, err = uuid.Parse(text)
		}
		f.Task = id
		return f, err
	})
	if err != nil {
		return err
	}
	for _, r := range recorded {
		n, err := dumpFile(ctx, files, out, r)
		switch {
		case errors.Is(err, research.ErrNotFound):
			sum.Missing = append(sum.Missing, r)
			continue
		case err != nil:
			return fmt.Errorf("copy file %s of task %s: %w", r.Name, r.Task, err)
		}
		sum.Files++
		sum.Bytes += n
	}
	return nil
}

func dumpFile(ctx context.Context, files *artifact.Store, out *writer, r File) (int64, error) {
	f, err := files.Read(ctx, r.Task, r.Name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	if f.Size > maxFileBytes {
		return 0, fmt.Errorf("it has %d bytes, more than %d", f.Size, maxFileBytes)
	}
	if err := out.header("files/"+r.Task.String()+"/"+r.Name, f.Size); err != nil {
		return 0, err
	}
	n, err := io.CopyN(out.tar, f, f.Size)
	if errors.Is(err, research.ErrNotFound) { // it was removed after its size was read; the entry cannot be taken back
		err = errors.New("it was removed while it was copied; run the backup again")
	}
	return n, err
}
