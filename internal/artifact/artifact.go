// Package artifact stores the files of tasks: in a folder by default, or in an S3-compatible bucket that several machines share.
//
// Invariants:
//
//   - A file's key is its task's id and a plain name. A name cannot lead out of its task's folder.
//   - A file is complete or does not exist. In a folder it is written under another name and then renamed. A bucket shows an upload only
//     when it is complete.
//   - The database row of a file is written after the file, and deleted before it. So every row has its file. A file without a row is
//     removed by the purge of its task.
//   - Each operation is bounded in time: if a bucket does not answer, the operation fails after at most opTime.
package artifact

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"regexp"
	"sync"
	"time"

	"github.com/google/uuid"

	"legwork/internal/research"
)

// The files of finished tasks. Every task has them, unless the comment says otherwise.
const (
	Result  = "result.json"  // the task as the API returns it
	Report  = "report.md"    // a report with its quotes; only of tasks with the format report
	Sources = "sources.json" // citations and visited pages
	Logs    = "logs.txt"     // the task's events as lines of text
)

// opTime is the time limit of one operation on one file.
const opTime = 30 * time.Second

// name matches the file names that the CHECK constraint in the database allows: no separators, and no dot at the
// beginning.
var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// Store stores the files of tasks. It is safe for concurrent use.
type Store struct {
	place   string // the value of ARTIFACT_DIR, for messages
	backend backend

	mu sync.Mutex
	id string // see ID; empty while it is not known
}

// backend stores the files. A key is a task's id, a slash and a name.
type backend interface {
	// put stores a whole file and replaces an older one. After an error, either the older file or no file exists.
	put(ctx context.Context, key, contentType string, data []byte) error
	// stat describes a file. If the file does not exist, the error is research.ErrNotFound.
	stat(ctx context.Context, key string) (info, error)
	// open opens a file for reading from an offset on. ctx must not end before the reader is closed.
	open(ctx context.Context, key string, from int64) (io.ReadCloser, error)
	// remove deletes a file. It returns nil if the file does not exist.
	remove(ctx context.Context, key string) error
	// list yields the keys of the files of one task. It stops after an error.
	list(ctx context.Context, task uuid.UUID) iter.Seq2[string, error]
	// removeFolder deletes the empty folder of a task whose files were removed.
	removeFolder(task uuid.UUID) error
	// id returns the id of the place. With make, a folder that has none gets one.
	id(ctx context.Context, make bool) (string, error)
	// advice says what to do about an error that does not concern only one file.
	advice(err error) string
	close() error
}

// info describes a stored file.
type info struct {
	size    int64
	modTime time.Time
	etag    string // in quotes
}

// Place returns the location of the files, for messages.
func (s *Store) Place() string { return s.place }

// Close releases the connections.
func (s *Store) Close() error { return s.backend.close() }

// IsName reports whether a name is allowed for a file.
func IsName(file string) bool { return name.MatchString(file) }

func key(task uuid.UUID, file string) (string, error) {
	if !IsName(file) {
		return "", fmt.Errorf("%w: no artifact has the name %q", research.ErrNotFound, file)
	}
	return task.String() + "/" + file, nil
}

// Write stores one file and replaces an older one with the same name. After an error, either the older file or no file
// exists. An error of the place is an *Error.
func (s *Store) Write(ctx context.Context, task uuid.UUID, file, contentType string, data []byte) error {
	k, err := key(task, file)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, opTime)
	defer cancel()
	s.giveID(ctx)
	if err := s.backend.put(ctx, k, contentType, data); err != nil {
		return failed("write artifact "+k, err)
	}
	return nil
}

// failed returns an error about a file that does not exist as it is, and another one as an *Error.
func failed(doing string, err error) error {
	if errors.Is(err, research.ErrNotFound) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return &Error{Doing: doing, Err: err}
}

// Read opens a file. If the file does not exist, the error is research.ErrNotFound; an error of the place is an *Error. ctx must not end before the File is
// closed, because the content is fetched only when it is read.
func (s *Store) Read(ctx context.Context, task uuid.UUID, file string) (*File, error) {
	k, err := key(task, file)
	if err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, opTime)
	defer cancel()
	i, err := s.backend.stat(bounded, k)
	if err != nil {
		return nil, failed("read artifact "+k, err)
	}
	f := &File{Size: i.size, ModTime: i.modTime, ETag: i.etag, ctx: ctx, backend: s.backend, key: k}
	if _, local := s.backend.(folder); local { // a file that may not be read is found out before an answer begins
		if f.body, err = s.backend.open(ctx, k, 0); err != nil {
			return nil, failed("read artifact "+k, err)
		}
	}
	return f, nil
}

// File is an open artifact. It is an io.ReadSeeker. The caller must close it.
type File struct {
	Size    int64 // in bytes
	ModTime time.Time
	ETag    string // strong validator in quotes (RFC 9110 §8.8.3), which changes with every write

	ctx     context.Context //nolint:containedctx // the context of the request that reads it, because io.Reader takes none
	backend backend
	key     string
	at      int64
	body    io.ReadCloser // reads the content from offset at; nil if it is not open
}

// Read implements io.Reader.
func (f *File) Read(p []byte) (int, error) {
	if f.at >= f.Size {
		return 0, io.EOF
	}
	if f.body == nil {
		r, err := f.backend.open(f.ctx, f.key, f.at)
		if err != nil {
			return 0, failed("read artifact "+f.key, err)
		}
		f.body = r
	}
	n, err := f.body.Read(p)
	f.at += int64(n)
	return n, err
}

// Seek implements io.Seeker. It sends no request to a bucket.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += f.Size
	}
	if offset < 0 {
		return f.at, fmt.Errorf("seek artifact %s: %w", f.key, fs.ErrInvalid)
	}
	if offset != f.at && f.body != nil {
		_ = f.body.Close()
		f.body = nil
	}
	f.at = offset
	return offset, nil
}

// Close implements io.Closer.
func (f *File) Close() error {
	if f.body == nil {
		return nil
	}
	body := f.body
	f.body = nil
	return body.Close()
}

// Purge removes all files of a task, including files without a row in the database.
func (s *Store) Purge(ctx context.Context, task uuid.UUID) error {
	var errs []error
	for k, err := range s.backend.list(ctx, task) {
		if err != nil {
			return errors.Join(append(errs, failed("list artifacts of "+task.String(), err))...)
		}
		if err := s.remove(ctx, k); err != nil {
			errs = append(errs, err)
		}
	}
	if err := s.backend.removeFolder(task); err != nil {
		errs = append(errs, fmt.Errorf("remove folder of %s: %w", task, err))
	}
	return errors.Join(errs...)
}

func (s *Store) remove(ctx context.Context, k string) error {
	ctx, cancel := context.WithTimeout(ctx, opTime)
	defer cancel()
	if err := s.backend.remove(ctx, k); err != nil {
		return failed("delete artifact "+k, err)
	}
	return nil
}

// Exists reports whether a file exists, and its size in bytes.
func (s *Store) Exists(ctx context.Context, task uuid.UUID, file string) (int64, bool, error) {
	k, err := key(task, file)
	if err != nil {
		return 0, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, opTime)
	defer cancel()
	i, err := s.backend.stat(ctx, k)
	if errors.Is(err, research.ErrNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, failed("look up artifact "+k, err)
	}
	return i.size, true, nil
}

// Check writes, reads and deletes a test file. The error says what to do.
func (s *Store) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, opTime)
	defer cancel()
	err := s.tryFile(ctx, ".probe-"+uuid.NewString())
	if err == nil {
		return nil
	}
	return fmt.Errorf("files cannot be kept in ARTIFACT_DIR %s: %s: %w", s.place, s.backend.advice(err), err)
}

func (s *Store) tryFile(ctx context.Context, k string) error {
	want := []byte("legwork")
	if err := s.backend.put(ctx, k, "text/plain", want); err != nil {
		return err
	}
	err := func() error {
		r, err := s.backend.open(ctx, k, 0)
		if err != nil {
			return err
		}
		got, err := io.ReadAll(io.LimitReader(r, 1<<10))
		if err == nil && !bytes.Equal(got, want) {
			err = fmt.Errorf("wrote %q, read %q", want, got)
		}
		return errors.Join(err, r.Close())
	}()
	return errors.Join(err, s.backend.remove(ctx, k))
}
