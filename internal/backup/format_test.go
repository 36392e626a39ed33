package backup

import (
	"bytes"
	"crypto/sha256"
	"io"
	"slices"
	"testing"
	"time"

	"legwork/internal/dbtest"

	"github.com/jackc/pgx/v5"
)

// TestOurTables checks that the names of our tables, which are read from the migrations, are those of a migrated database, but for
// those that only live processes need.
func TestOurTables(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), dbtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	rows, err := conn.Query(t.Context(), `SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND relpersistence = 'p' AND relnamespace = current_schema()::regnamespace`)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(all) < 20 {
		t.Fatalf("%q, %v", all, err)
	}
	names, err := ours()
	if err != nil {
		t.Fatal(err)
	}
	left := []string{"goose_db_version", "river_migration", "river_leader", "river_client", "river_client_queue", "river_notification"}
	for _, table := range all {
		if slices.Contains(names, table) == slices.Contains(left, table) {
			t.Errorf("the table %s is both in a backup and left out, or neither", table)
		}
	}
}

// archive returns an archive with one table of two pieces and one file.
func archive(tb testing.TB) ([]byte, []byte) {
	tb.Helper()
	var out bytes.Buffer
	w, err := newWriter(&out, time.Unix(0, 0))
	if err != nil {
		tb.Fatal(err)
	}
	text := bytes.Repeat([]byte("0123456789\n"), pieceBytes/11+1000)
	p := &pieces{w: w, table: "tasks"}
	must := func(err error) {
		if err != nil {
			tb.Fatal(err)
		}
	}
	must(w.json(manifestName, Manifest{Format: format, Tables: []Table{{Name: "tasks", Columns: []string{"id"}}}}))
	for part := range slices.Chunk(text, 777) {
		_, err := p.Write(part)
		must(err)
	}
	must(p.flush())
	must(w.header("files/00000000-0000-0000-0000-000000000001/a.png", 3))
	_, err = w.tar.Write([]byte("png"))
	must(err)
	must(w.json(summaryName, Summary{}))
	must(w.close())
	if p.n != 2 {
		tb.Fatalf("%d pieces, want 2", p.n)
	}
	return out.Bytes(), text
}

func TestPieces(t *testing.T) {
	t.Parallel()
	b, text := archive(t)
	in, err := newReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	var m Manifest
	if err := in.json(manifestName, &m); err != nil || in.table() != "tasks" {
		t.Fatalf("%v, table %q", err, in.table())
	}
	h := sha256.New()
	if n, err := io.Copy(h, rows{in, "tasks"}); err != nil || n != int64(len(text)) || !bytes.Equal(h.Sum(nil), sum(text)) {
		t.Errorf("%d bytes of %d, %v", n, len(text), err)
	}
	f, ok := in.file()
	if data, err := in.content(maxFileBytes); !ok || f.Name != "a.png" || err != nil || string(data) != "png" {
		t.Errorf("file %+v, %q, %v", f, data, err)
	}
	var s Summary
	if err := in.json(summaryName, &s); err != nil || in.next != nil {
		t.Errorf("summary: %v, then %v", err, in.next)
	}
}

func sum(b []byte) []byte { s := sha256.Sum256(b); return s[:] }

// FuzzReader checks that no archive makes the reader panic, loop or need more memory than its bounds.
func FuzzReader(f *testing.F) {
	b, _ := archive(f)
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Add([]byte("x"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		in, err := newReader(bytes.NewReader(b))
		if err != nil {
			return
		}
		defer in.close()
		var m Manifest
		if in.json(manifestName, &m) != nil {
			return
		}
		for in.next != nil {
			if name := in.table(); name != "" {
				if _, err := io.Copy(io.Discard, io.LimitReader(rows{in, name}, 64<<20)); err != nil || in.table() == name {
					return
				}
				continue
			}
			if _, err := in.content(1 << 20); err != nil {
				return
			}
		}
	})
}
