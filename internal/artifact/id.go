package artifact

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
)

// idFile is the file in a folder of artifacts that has the folder's id. Two machines may have different folders at the same
// path, and one folder at different paths, so a path does not tell whether two processes see the same files.
const idFile = ".legwork-store"

// ID returns the id of the place of the files. Processes with the same id see the same files. It is empty if the folder
// has none: before the first file is written, or if the file system refuses it.
func (s *Store) ID(ctx context.Context) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.id == "" {
		s.id, _ = s.backend.id(ctx, false) // without an id, a file that is missing is only missing
	}
	return s.id
}

// giveID gives the place an id if it has none. It is no error if that fails, because the files are of more use than the id.
func (s *Store) giveID(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.id == "" {
		s.id, _ = s.backend.id(ctx, true)
	}
}

// id implements backend. With make it gives a folder without an id a new one.
func (f folder) id(_ context.Context, make bool) (string, error) {
	path := filepath.Join(string(f), idFile)
	id, err := readID(path)
	if !make || !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	tmp, err := os.CreateTemp(string(f), ".part-*")
	if err != nil {
		return "", err
	}
	_, err = tmp.WriteString(uuid.NewString() + "\n")
	if err = errors.Join(err, tmp.Close()); err == nil {
		// A link is made only if the name is free, so two processes that do this at once get the same id.
		if err = os.Link(tmp.Name(), path); errors.Is(err, fs.ErrExist) {
			err = nil
		}
	}
	if err = errors.Join(err, os.Remove(tmp.Name())); err != nil {
		return "", err
	}
	return readID(path)
}

func readID(path string) (string, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the folder
	if err != nil {
		return "", err
	}
	id, err := uuid.Parse(strings.TrimSpace(string(text)))
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return id.String(), nil
}

// id implements backend. The address of a bucket says which one it is.
func (b *bucket) id(context.Context, bool) (string, error) {
	return "s3://" + b.client.EndpointURL().Host + "/" + b.name + "/" + b.prefix, nil
}
