// Package backup writes all data of an installation into one file, and makes an installation from such a file: the rows of
// legwork's own tables and the files of tasks. It needs no programs of PostgreSQL.
//
// The file is a tar archive, compressed by zstd, with these entries in this order:
//
//   - manifest.json: the version of the format, the versions of the schema, and the tables with their columns
//   - tables/NAME/NUMBER: rows in PostgreSQL's text format of COPY, cut into pieces of at most pieceBytes
//   - files/TASK/NAME: the files of tasks
//   - summary.json: what must have been read by then. A file that was cut off has none.
//
// Invariants:
//
//   - All rows are of one moment: one REPEATABLE READ transaction reads them. Files are written before their rows and
//     removed after them, so each row has its file, unless its task was deleted meanwhile; then the summary names it.
//   - A restore changes only an empty database, in one transaction that is committed when the whole file was read and is as its
//     summary says. Foreign keys are checked for all rows.
//   - Memory is bounded: no more than one piece or one file of a task is in memory at a time.
package backup

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"
)

// format is the version of the archive's format.
const format = 1

// Bounds of an archive.
const (
	pieceBytes    = 4 << 20   // greatest size of a piece of a table
	maxFileBytes  = 256 << 20 // greatest size of a file of a task
	maxTextBytes  = 64 << 20  // greatest size of the manifest and of the summary
	maxWindowSize = 64 << 20  // memory that the compression of an archive may need
)

// Manifest describes an archive before its data.
type Manifest struct {
	Format    int       `json:"format"`
	Legwork   string    `json:"legwork"`   // version of the program that wrote it
	CreatedAt time.Time `json:"createdAt"` // the moment of the rows
	Server    string    `json:"server"`    // version of PostgreSQL
	Schema    int64     `json:"schema"`    // number of the newest migration
	River     int       `json:"river"`     // the same for River's tables
	Tables    []Table   `json:"tables"`
}

// Table is a table of an archive.
type Table struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
}

// Summary says what an archive has.
type Summary struct {
	Tables    map[string]Sum   `json:"tables"`
	Sequences map[string]int64 `json:"sequences"` // last values
	Files     int              `json:"files"`
	Bytes     int64            `json:"bytes"`   // of the files
	Missing   []File           `json:"missing"` // recorded files that could not be found
}

// Sum is the number of rows of a table and the SHA-256 of its text, in hex.
type Sum struct {
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"`
}

// File is a file of a task.
type File struct {
	Task uuid.UUID `json:"task"`
	Name string    `json:"name"`
}

// Rows returns the number of all rows.
func (s Summary) Rows() (n int64) {
	for _, t := range s.Tables {
		n += t.Rows
	}
	return n
}

// The names of entries.
const (
	manifestName = "manifest.json"
	summaryName  = "summary.json"
)

var (
	tableEntry = regexp.MustCompile(`^tables/([a-z_][a-z0-9_]{0,62})/[0-9]{6,}$`)
	fileEntry  = regexp.MustCompile(`^files/([0-9a-f-]{36})/([A-Za-z0-9][A-Za-z0-9._-]{0,127})$`)
)

// writer writes the entries of an archive.
type writer struct {
	tar  *tar.Writer
	zstd *zstd.Encoder
	at   time.Time
}

func newWriter(w io.Writer, at time.Time) (*writer, error) {
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return &writer{tar: tar.NewWriter(z), zstd: z, at: at}, nil
}

// header begins an entry.
func (w *writer) header(name string, size int64) error {
	return w.tar.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: w.at, Typeflag: tar.TypeReg})
}

func (w *writer) json(name string, value any) error {
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return err
	}
	if err := w.header(name, int64(len(text))); err != nil {
		return err
	}
	_, err = w.tar.Write(text)
	return err
}

func (w *writer) close() error { return errors.Join(w.tar.Close(), w.zstd.Close()) }

// pieces writes the text of a table as entries of at most pieceBytes. The size of an entry stands before its content, so the
// text is collected first.
type pieces struct {
	w     *writer
	table string
	n     int
	buf   []byte
}

// Write implements io.Writer.
func (p *pieces) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		n := min(len(rest), pieceBytes-len(p.buf))
		p.buf = append(p.buf, rest[:n]...)
		rest = rest[n:]
		if len(p.buf) == pieceBytes {
			if err := p.flush(); err != nil {
				return 0, err
			}
		}
	}
	return len(b), nil
}

func (p *pieces) flush() error {
	if len(p.buf) == 0 {
		return nil
	}
	p.n++
	if err := p.w.header(fmt.Sprintf("tables/%s/%06d", p.table, p.n), int64(len(p.buf))); err != nil {
		return err
	}
	_, err := p.w.tar.Write(p.buf)
	p.buf = p.buf[:0]
	return err
}

// reader reads the entries of an archive.
type reader struct {
	tar  *tar.Reader
	zstd *zstd.Decoder
	next *tar.Header // the entry that is read next; nil at the end
}

// errDamaged is the beginning of every error about the content of an archive.
var errDamaged = errors.New("the file is no complete backup of legwork")

func damaged(text string, args ...any) error {
	return fmt.Errorf("%w: %w", errDamaged, fmt.Errorf(text, args...))
}

func newReader(r io.Reader) (*reader, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindowSize), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, damaged("%w", err)
	}
	out := &reader{tar: tar.NewReader(z), zstd: z}
	if err := out.advance(); err != nil {
		z.Close()
		return nil, err
	}
	return out, nil
}

func (r *reader) close() { r.zstd.Close() }

// advance goes to the next entry.
func (r *reader) advance() error {
	h, err := r.tar.Next()
	switch {
	case errors.Is(err, io.EOF):
		r.next = nil
		return nil
	case err != nil:
		return damaged("%w", err)
	case h.Typeflag != tar.TypeReg:
		return damaged("the entry %q is no plain file", h.Name)
	}
	r.next = h
	return nil
}

// json reads the present entry, which must have this name.
func (r *reader) json(name string, value any) error {
	if r.next == nil || r.next.Name != name {
		return damaged("it has no %s where that should be", name)
	}
	text, err := r.content(maxTextBytes)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, value); err != nil {
		return damaged("%s: %w", name, err)
	}
	return nil
}

// content reads the whole present entry and goes to the next one.
func (r *reader) content(most int64) ([]byte, error) {
	if r.next.Size > most {
		return nil, damaged("the entry %q has %d bytes, more than %d", r.next.Name, r.next.Size, most)
	}
	content, err := io.ReadAll(io.LimitReader(r.tar, most+1))
	if err != nil {
		return nil, damaged("%w", err)
	}
	return content, r.advance()
}

// table returns the table whose piece the present entry is; empty if it is none.
func (r *reader) table() string {
	if r.next == nil {
		return ""
	}
	if m := tableEntry.FindStringSubmatch(r.next.Name); m != nil {
		return m[1]
	}
	return ""
}

// file returns the file that the present entry is; false if it is none.
func (r *reader) file() (File, bool) {
	if r.next == nil {
		return File{}, false
	}
	m := fileEntry.FindStringSubmatch(r.next.Name)
	if m == nil {
		return File{}, false
	}
	id, err := uuid.Parse(m[1])
	return File{Task: id, Name: m[2]}, err == nil
}

// rows reads the pieces of one table as one text.
type rows struct {
	r     *reader
	table string
}

// Read implements io.Reader.
func (t rows) Read(p []byte) (int, error) {
	for t.r.table() == t.table {
		n, err := t.r.tar.Read(p)
		switch {
		case errors.Is(err, io.EOF):
			if err := t.r.advance(); err != nil {
				return n, err
			}
			if n > 0 {
				return n, nil
			}
		case err != nil:
			return n, damaged("%w", err)
		case n > 0:
			return n, nil
		}
	}
	return 0, io.EOF
}
