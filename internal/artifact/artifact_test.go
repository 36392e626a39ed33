package artifact_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"legwork/internal/artifact"
	"legwork/internal/research"
)

func open(t *testing.T) (*artifact.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "deep", "artifacts")
	s, err := artifact.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, dir
}

func TestWriteReadPurge(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	ctx := t.Context()
	mine, other := uuid.New(), uuid.New()
	for _, task := range []uuid.UUID{mine, other} {
		for _, text := range []string{"first", "second"} { // the second replaces the first
			if err := s.Write(ctx, task, "logs.txt", "text/plain", []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	f, err := s.Read(ctx, mine, "logs.txt")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(3, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(f)
	if err != nil || string(b) != "ond" || f.Size != 6 || f.ModTime.IsZero() {
		t.Errorf("read %q, %d bytes, %v", b, f.Size, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if size, ok, err := s.Exists(ctx, mine, "logs.txt"); err != nil || !ok || size != 6 {
		t.Errorf("exists: %d %v %v", size, ok, err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, mine.String()))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v), want the one file", entries, err)
	}
	for range 2 { // a second purge is no error
		if err := s.Purge(ctx, mine); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, mine.String())); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is left: %v", err)
	}
	if _, err := s.Read(ctx, mine, "logs.txt"); !errors.Is(err, research.ErrNotFound) {
		t.Errorf("read after purge: %v", err)
	}
	if _, ok, err := s.Exists(ctx, mine, "logs.txt"); ok || err != nil {
		t.Errorf("exists after purge: %v %v", ok, err)
	}
	if _, ok, _ := s.Exists(ctx, other, "logs.txt"); !ok {
		t.Error("another task's file is gone")
	}
}

func TestNamesStayInTheirFolder(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../secret", "..", ".", "", "a/b", `a\b`, "/etc/passwd", ".hidden", "a\x00b", "ä.txt", strings.Repeat("a", 129), "%2e%2e"} {
		if err := s.Write(t.Context(), uuid.New(), name, "", nil); !errors.Is(err, research.ErrNotFound) {
			t.Errorf("write %q: %v", name, err)
		}
		if _, err := s.Read(t.Context(), uuid.New(), name); !errors.Is(err, research.ErrNotFound) {
			t.Errorf("read %q: %v", name, err)
		}
		if _, _, err := s.Exists(t.Context(), uuid.New(), name); !errors.Is(err, research.ErrNotFound) {
			t.Errorf("exists %q: %v", name, err)
		}
	}
}

// TestCheckFolder: Check leaves no file in the folder. If it fails, the error says what to do.
func TestCheckFolder(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("the check left %v (%v)", entries, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "right to write there") {
		t.Errorf("check of what is no folder: %v", err)
	}
}

// TestUnfinishedWrites: after a write that did not finish, the file cannot be read. The purge of the task removes the
// temporary file.
func TestUnfinishedWrites(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	task := uuid.New()
	if err := os.MkdirAll(filepath.Join(dir, task.String(), "logs.txt"), 0o750); err != nil { // a folder with the file's name, so that the rename fails
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), task, "logs.txt", "text/plain", []byte("x")); err == nil {
		t.Fatal("a folder was replaced by a file")
	}
	if _, ok, err := s.Exists(t.Context(), task, "logs.txt"); ok || err != nil {
		t.Errorf("a folder counts as a file: %v %v", ok, err)
	}
	if entries, err := os.ReadDir(filepath.Join(dir, task.String())); err != nil || len(entries) != 1 {
		t.Errorf("the write left %v (%v)", entries, err)
	}
	if err := os.WriteFile(filepath.Join(dir, task.String(), ".part-killed"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Purge(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, task.String())); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is left: %v", err)
	}
}

func TestUnusableFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := artifact.Open(filepath.Join(file, "x")); err == nil || !strings.Contains(err.Error(), "ARTIFACT_DIR") {
		t.Errorf("a folder below a file: %v", err)
	}
}
