package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"legwork/internal/research"
)

// folder stores files in a folder of this machine, in one subfolder per task, named by its id.
type folder string

func (f folder) path(key string) string { return filepath.Join(string(f), filepath.FromSlash(key)) }

func (f folder) put(ctx context.Context, key, _ string, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	path := f.path(key)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	// The temporary file is in the folder of the final one, so that the rename stays on one file system. Names of
	// artifacts cannot begin with a dot, so the name of a temporary file is never that of an artifact.
	tmp, err := os.CreateTemp(filepath.Dir(path), ".part-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

func (f folder) stat(ctx context.Context, key string) (info, error) {
	if err := ctx.Err(); err != nil {
		return info{}, err
	}
	i, err := os.Stat(f.path(key))
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !i.Mode().IsRegular():
		return info{}, fmt.Errorf("%w: no file %s", research.ErrNotFound, key)
	case err != nil:
		return info{}, err
	}
	return info{size: i.Size(), modTime: i.ModTime(), etag: fmt.Sprintf("\"%x-%x\"", i.ModTime().UnixNano(), i.Size())}, nil
}

func (f folder) open(ctx context.Context, key string, from int64) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	file, err := os.Open(f.path(key)) // the key consists of a task's id and a checked name
	if err != nil {
		return nil, err
	}
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func (f folder) remove(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := os.Remove(f.path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// list also yields temporary files of unfinished writes, which a killed process may leave behind.
func (f folder) list(_ context.Context, task uuid.UUID) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		entries, err := os.ReadDir(f.path(task.String()))
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				yield("", err)
			}
			return
		}
		for _, e := range entries {
			if !yield(task.String()+"/"+e.Name(), nil) {
				return
			}
		}
	}
}

func (f folder) removeFolder(task uuid.UUID) error {
	if err := os.Remove(f.path(task.String())); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (folder) advice(error) string { return "give this user the right to write there, and room" }

func (folder) close() error { return nil }
