package backup

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/artifact"
	"legwork/internal/store/schema"
)

// Restore makes an installation from a backup: it brings the schema of the database at url, which must be empty, to the
// backup's version, reads all rows and files, and brings the schema to the version of this program. After an error the
// database has no rows, and the files that were written are removed.
func Restore(ctx context.Context, url string, files *artifact.Store, log *slog.Logger, r io.Reader) (Manifest, Summary, error) {
	in, err := newReader(r)
	if err != nil {
		return Manifest{}, Summary{}, err
	}
	defer in.close()
	var m Manifest
	if err := in.json(manifestName, &m); err != nil {
		return m, Summary{}, err
	}
	if m.Format != format {
		return m, Summary{}, fmt.Errorf("the backup has the format %d, and this legwork reads format %d; use the version that wrote it (%s)", m.Format, format, m.Legwork)
	}
	conn, err := connect(ctx, url)
	if err != nil {
		return m, Summary{}, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if err := mustBeEmpty(ctx, conn, m); err != nil {
		return m, Summary{}, err
	}
	if err := schema.MigrateTo(ctx, url, log, m.Schema, m.River); err != nil {
		return m, Summary{}, err
	}
	sum, err := load(ctx, conn, files, m, in)
	if err != nil {
		return m, sum, err
	}
	if err := schema.Migrate(ctx, url, log); err != nil {
		return m, sum, err
	}
	_, err = conn.Exec(ctx, "UPDATE artifacts SET store_id = $1", files.ID(ctx)) // after the migrations, because older versions lack the column
	return m, sum, err
}

// mustBeEmpty checks that the database has no data of legwork.
func mustBeEmpty(ctx context.Context, conn *pgx.Conn, m Manifest) error {
	var exists bool
	if err := conn.QueryRow(ctx, "SELECT to_regclass('goose_db_version') IS NOT NULL").Scan(&exists); err != nil || !exists {
		return err
	}
	var version int64
	var used bool
	err := conn.QueryRow(ctx, `SELECT (SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied),
		EXISTS (SELECT 1 FROM tasks) OR EXISTS (SELECT 1 FROM users) OR EXISTS (SELECT 1 FROM api_keys) OR EXISTS (SELECT 1 FROM pages)`).Scan(&version, &used)
	switch {
	case err != nil:
		return fmt.Errorf("look whether the database is empty: %w", err)
	case used:
		return errors.New("the database has tasks, users or pages already, and a restore changes only an empty one: make a new database and name it in " +
			"DATABASE_URL, or choose another LEGWORK_HOME")
	case version != m.Schema:
		return fmt.Errorf("the database has a schema already, of version %d, and the backup is of version %d: make a new database", version, m.Schema)
	}
	return nil
}

// load reads the rest of an archive into the tables, in one transaction.
func load(ctx context.Context, conn *pgx.Conn, files *artifact.Store, m Manifest, in *reader) (sum Summary, err error) {
	written := map[uuid.UUID]bool{}
	defer func() {
		if err == nil {
			return
		}
		for id := range written {
			err = errors.Join(err, files.Purge(context.WithoutCancel(ctx), id))
		}
	}()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		known, err := tables(ctx, tx)
		if err != nil {
			return err
		}
		if err := sameTables(known, m.Tables); err != nil {
			return err
		}
		restoreRules, err := suspendRules(ctx, tx, known)
		if err != nil {
			return err
		}
		got, err := loadTables(ctx, tx, m.Tables, in)
		if err != nil {
			return err
		}
		n, bytes, err := loadFiles(ctx, tx, files, in, written)
		if err != nil {
			return err
		}
		if err := in.json(summaryName, &sum); err != nil {
			return err
		}
		if !maps.Equal(got, sum.Tables) || n != sum.Files || bytes != sum.Bytes {
			return damaged("its content is not what its summary says")
		}
		return finish(ctx, tx, sum, restoreRules)
	})
	return sum, err
}

// sameTables checks that an archive has exactly the tables and columns of the schema of its version.
func sameTables(known, archived []Table) error {
	equal := slices.EqualFunc(known, archived, func(a, b Table) bool {
		x, y := slices.Sorted(slices.Values(a.Columns)), slices.Sorted(slices.Values(b.Columns))
		return a.Name == b.Name && slices.Equal(x, y)
	})
	if !equal {
		return damaged("its tables are not those of its version of the schema")
	}
	return nil
}

// suspendRules empties the tables, which have rows that migrations insert, and takes away their foreign keys and triggers,
// because tables refer to each other in circles. It returns the statements that bring these back, which check all rows.
func suspendRules(ctx context.Context, tx pgx.Tx, known []Table) ([]string, error) {
	var names, plain, after []string
	for _, t := range known {
		plain = append(plain, t.Name)
		name := pgx.Identifier{t.Name}.Sanitize()
		names = append(names, name)
		if _, err := tx.Exec(ctx, "ALTER TABLE "+name+" DISABLE TRIGGER USER"); err != nil {
			return nil, err
		}
		after = append(after, "ALTER TABLE "+name+" ENABLE TRIGGER USER")
	}
	found, err := tx.Query(ctx, `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname),
			format('ALTER TABLE %s ADD CONSTRAINT %I %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
		FROM pg_constraint k JOIN pg_class c ON c.oid = k.confrelid
		WHERE k.contype = 'f' AND k.conparentid = 0 AND c.relnamespace = current_schema()::regnamespace AND c.relname = ANY($1)`, plain)
	if err != nil {
		return nil, err
	}
	var drop, add string
	var drops []string
	if _, err := pgx.ForEachRow(found, []any{&drop, &add}, func() error {
		drops, after = append(drops, drop), append(after, add)
		return nil
	}); err != nil {
		return nil, err
	}
	for _, statement := range drops {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		if _, err := tx.Exec(ctx, "TRUNCATE "+name); err != nil {
			return nil, err
		}
	}
	return after, nil
}

func loadTables(ctx context.Context, tx pgx.Tx, archived []Table, in *reader) (map[string]Sum, error) {
	got := map[string]Sum{}
	for _, t := range archived {
		h := sha256.New()
		tag, err := tx.Conn().PgConn().CopyFrom(ctx, io.TeeReader(rows{in, t.Name}, h), "COPY "+t.target()+" FROM STDIN")
		if err != nil {
			return nil, fmt.Errorf("read table %s: %w", t.Name, err)
		}
		got[t.Name] = sumOf(tag.RowsAffected(), h)
	}
	return got, nil
}

// loadFiles writes the files of the archive, and notes in written the tasks of which it has written any.
func loadFiles(ctx context.Context, tx pgx.Tx, files *artifact.Store, in *reader, written map[uuid.UUID]bool) (n int, bytes int64, err error) {
	for {
		f, ok := in.file()
		if !ok {
			return n, bytes, nil
		}
		data, err := in.content(maxFileBytes)
		if err != nil {
			return n, bytes, err
		}
		var contentType string
		err = tx.QueryRow(ctx, "SELECT content_type FROM artifacts WHERE task_id = $1 AND name = $2", f.Task.String(), f.Name).Scan(&contentType)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return n, bytes, damaged("the file %s of task %s is in no table", f.Name, f.Task)
		case err != nil:
			return n, bytes, err
		}
		written[f.Task] = true
		if err := files.Write(ctx, f.Task, f.Name, contentType, data); err != nil {
			return n, bytes, err
		}
		n++
		bytes += int64(len(data))
	}
}

// finish adapts what is not the same in the new installation, and brings foreign keys and triggers back.
func finish(ctx context.Context, tx pgx.Tx, sum Summary, after []string) error {
	for _, f := range sum.Missing {
		if _, err := tx.Exec(ctx, "DELETE FROM artifacts WHERE task_id = $1 AND name = $2", f.Task.String(), f.Name); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(sum.Sequences)) {
		if _, err := tx.Exec(ctx, "SELECT setval(to_regclass($1), $2) WHERE to_regclass($1) IS NOT NULL", pgx.Identifier{name}.Sanitize(), sum.Sequences[name]); err != nil {
			return fmt.Errorf("sequence %s: %w", name, err)
		}
	}
	for _, statement := range after {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return damaged("%w", err)
		}
	}
	return nil
}
