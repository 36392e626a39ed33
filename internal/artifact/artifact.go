// Package artifact keeps the files of tasks on gocloud.dev/blob: in a folder by default, in an S3-compatible bucket where
// several machines share them.
//
// Invariants:
//
//   - A file's key is its task's id and a plain name; no name reaches outside its task.
//   - A file is whole or absent: a folder is written aside and renamed, a bucket shows an upload when it is complete.
//   - The database row of a file is written after it and deleted before it, so no row lacks its file; a file without a
//     row is garbage that the purge of its task removes.
//   - No operation waits for ever: a bucket that does not answer fails it within opTime.
package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/google/uuid"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"legwork/internal/research"
)

// The files that every finished task has.
const (
	Result  = "result.json"  // the task as the API gives it
	Sources = "sources.json" // citations and visited pages
	Logs    = "logs.txt"     // its events as lines
)

// opTime bounds one operation on one file.
const opTime = 30 * time.Second

// name is what the database's CHECK allows: no separators, no leading dot.
var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// Store is a bucket of files by task.
type Store struct {
	bucket *blob.Bucket
	place  string // as users know it
	dir    string // of a folder; empty: a bucket
}

// Place names where the files are, for people.
func (s *Store) Place() string { return s.place }

// Close releases the bucket.
func (s *Store) Close() error { return s.bucket.Close() }

// IsName reports whether a file may be called so.
func IsName(file string) bool { return name.MatchString(file) }

func key(task uuid.UUID, file string) (string, error) {
	if !IsName(file) {
		return "", fmt.Errorf("%w: no artifact has the name %q", research.ErrNotFound, file)
	}
	return task.String() + "/" + file, nil
}

// Write stores one file, replacing an older one of the same name. On an error there is the older one, or none.
func (s *Store) Write(ctx context.Context, task uuid.UUID, file, contentType string, data []byte) error {
	k, err := key(task, file)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, opTime)
	defer cancel()
	if err := s.write(ctx, k, contentType, data); err != nil {
		return fmt.Errorf("write artifact %s: %w", k, err)
	}
	return nil
}

// write does not leave it to the bucket's WriteAll, which closes a writer that could not write: that keeps what a full disk
// had room for under the file's own name.
func (s *Store) write(ctx context.Context, key, contentType string, data []byte) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := s.bucket.NewWriter(ctx, key, &blob.WriterOptions{ContentType: contentType})
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		cancel() // so that Close discards it
		_ = w.Close()
		return err
	}
	return w.Close()
}

// Read finds a file; research.ErrNotFound when there is none of that name. ctx has to last until the file is closed: its
// content is fetched when it is read, and only the part that is.
func (s *Store) Read(ctx context.Context, task uuid.UUID, file string) (*File, error) {
	k, err := key(task, file)
	if err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, opTime)
	defer cancel()
	a, err := s.bucket.Attributes(bounded, k)
	if err != nil {
		if gcerrors.Code(err) == gcerrors.NotFound {
			return nil, fmt.Errorf("%w: artifact %s", research.ErrNotFound, k)
		}
		return nil, fmt.Errorf("read artifact %s: %w", k, err)
	}
	return &File{Size: a.Size, ModTime: a.ModTime, ETag: a.ETag, ctx: ctx, bucket: s.bucket, key: k}, nil
}

// File is a stored artifact. It is read and sought like any io.ReadSeeker. Close it.
type File struct {
	Size    int64
	ModTime time.Time
	ETag    string // strong validator in quotes (RFC 9110 §8.8.3); it changes with every write

	ctx    context.Context //nolint:containedctx // of the request that reads it, as io.Reader has none
	bucket *blob.Bucket
	key    string
	at     int64
	body   *blob.Reader // from at; nil: not opened yet
}

// Read implements io.Reader.
func (f *File) Read(p []byte) (int, error) {
	if f.at >= f.Size {
		return 0, io.EOF
	}
	if f.body == nil {
		r, err := f.bucket.NewRangeReader(f.ctx, f.key, f.at, -1, nil)
		if err != nil {
			return 0, fmt.Errorf("read artifact %s: %w", f.key, err)
		}
		f.body = r
	}
	n, err := f.body.Read(p)
	f.at += int64(n)
	return n, err
}

// Seek implements io.Seeker. It fetches nothing.
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

// Purge removes every file of a task, whether a row tells of it or not.
func (s *Store) Purge(ctx context.Context, task uuid.UUID) error {
	it := s.bucket.List(&blob.ListOptions{Prefix: task.String() + "/"})
	var errs []error
	for {
		obj, err := s.next(ctx, it)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("list artifacts of %s: %w", task, err)
		}
		if err := s.remove(ctx, obj.Key); err != nil {
			errs = append(errs, err)
		}
	}
	if s.dir != "" { // a bucket has no folders, a file system does
		if err := os.Remove(filepath.Join(s.dir, task.String())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("remove folder: %w", err))
		}
	}
	return errors.Join(errs...)
}

func (s *Store) next(ctx context.Context, it *blob.ListIterator) (*blob.ListObject, error) {
	ctx, cancel := context.WithTimeout(ctx, opTime)
	defer cancel()
	return it.Next(ctx)
}

func (s *Store) remove(ctx context.Context, k string) error {
	ctx, cancel := context.WithTimeout(ctx, opTime)
	defer cancel()
	if err := s.bucket.Delete(ctx, k); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fmt.Errorf("delete artifact %s: %w", k, err)
	}
	return nil
}

// Exists reports whether a file is there, and its size in bytes.
func (s *Store) Exists(ctx context.Context, task uuid.UUID, file string) (int64, bool, error) {
	k, err := key(task, file)
	if err != nil {
		return 0, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, opTime)
	defer cancel()
	attrs, err := s.bucket.Attributes(ctx, k)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("look up artifact %s: %w", k, err)
	}
	return attrs.Size, true, nil
}
