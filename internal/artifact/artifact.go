// Package artifact keeps the files of tasks on gocloud.dev/blob, a local folder by default.
//
// Invariants:
//
//   - A file's key is its task's id and a plain name; no name reaches outside its task.
//   - A file is whole or absent: the bucket writes aside and renames.
//   - The database row of a file is written after it and deleted before it, so no row lacks its file; a file without a
//     row is garbage that the purge of its task removes.
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
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/gcerrors"

	"legwork/internal/research"
)

// The files that every finished task has.
const (
	Result  = "result.json"  // the task as the API gives it
	Sources = "sources.json" // citations and visited pages
	Logs    = "logs.txt"     // its events as lines
)

// name is what the database's CHECK allows: no separators, no leading dot.
var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// Store is a bucket of files by task.
type Store struct {
	bucket *blob.Bucket
	dir    string
}

// Open opens the folder dir, making it when it is missing.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("ARTIFACT_DIR %q cannot be made; choose a folder this user may write: %w", dir, err)
	}
	// Temporary files go beside the final ones, so that the rename never crosses file systems.
	b, err := fileblob.OpenBucket(dir, &fileblob.Options{Metadata: fileblob.MetadataDontWrite, NoTempDir: true})
	if err != nil {
		return nil, fmt.Errorf("ARTIFACT_DIR %q cannot be opened: %w", dir, err)
	}
	return &Store{bucket: b, dir: dir}, nil
}

// Close releases the bucket.
func (s *Store) Close() error { return s.bucket.Close() }

func key(task uuid.UUID, file string) (string, error) {
	if !name.MatchString(file) {
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

// File is an open artifact. Close it.
type File struct {
	io.ReadSeekCloser
	Size    int64
	ModTime time.Time
}

// Read opens a file; research.ErrNotFound when there is none of that name.
func (s *Store) Read(ctx context.Context, task uuid.UUID, file string) (*File, error) {
	k, err := key(task, file)
	if err != nil {
		return nil, err
	}
	r, err := s.bucket.NewReader(ctx, k, nil)
	if err != nil {
		if gcerrors.Code(err) == gcerrors.NotFound {
			return nil, fmt.Errorf("%w: artifact %s", research.ErrNotFound, k)
		}
		return nil, fmt.Errorf("read artifact %s: %w", k, err)
	}
	return &File{ReadSeekCloser: r, Size: r.Size(), ModTime: r.ModTime()}, nil
}

// Purge removes every file of a task, whether a row tells of it or not.
func (s *Store) Purge(ctx context.Context, task uuid.UUID) error {
	it := s.bucket.List(&blob.ListOptions{Prefix: task.String() + "/"})
	var errs []error
	for {
		obj, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("list artifacts of %s: %w", task, err)
		}
		if err := s.bucket.Delete(ctx, obj.Key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			errs = append(errs, fmt.Errorf("delete artifact %s: %w", obj.Key, err))
		}
	}
	// A bucket has no folders, a file system does.
	if err := os.Remove(filepath.Join(s.dir, task.String())); err != nil && !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, fmt.Errorf("remove folder: %w", err))
	}
	return errors.Join(errs...)
}

// Exists reports whether a file is there, and its size in bytes.
func (s *Store) Exists(ctx context.Context, task uuid.UUID, file string) (int64, bool, error) {
	k, err := key(task, file)
	if err != nil {
		return 0, false, err
	}
	attrs, err := s.bucket.Attributes(ctx, k)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("look up artifact %s: %w", k, err)
	}
	return attrs.Size, true, nil
}
