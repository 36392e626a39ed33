package artifact_test

import (
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"legwork/internal/artifact"
	"legwork/internal/research"
)

// TestPlacesThatFail checks that errors of the place can be told from missing files, and that they say what is wrong without
// a path.
func TestPlacesThatFail(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	bucket, err := artifact.Open("s3://files?region=x&endpoint=" + url.QueryEscape("http://"+address))
	if err != nil {
		t.Fatal(err)
	}
	folder, dir := open(t)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file instead of the folder
		t.Fatal(err)
	}
	for want, s := range map[string]*artifact.Store{"does not answer": bucket, "cannot be read or written": folder} {
		var place *artifact.Error
		err := s.Write(t.Context(), uuid.New(), "a.txt", "text/plain", []byte("x"))
		if !errors.As(err, &place) || !strings.Contains(place.Reason(), want) || strings.Contains(place.Reason(), "/") {
			t.Errorf("write: %v, want a reason like %q", err, want)
		}
		if _, err := s.Read(t.Context(), uuid.New(), "a.txt"); !errors.As(err, &place) {
			t.Errorf("read: %v", err)
		}
	}
	whole, _ := open(t)
	var place *artifact.Error
	if _, err := whole.Read(t.Context(), uuid.New(), "a.txt"); !errors.Is(err, research.ErrNotFound) || errors.As(err, &place) {
		t.Errorf("a file that is missing: %v", err)
	}
}

// TestPlacesHaveIDs checks that processes that see the same folder see the same id, whatever its path is, that several processes
// that write at once agree on it, and that another folder at the same path has another id.
func TestPlacesHaveIDs(t *testing.T) {
	t.Parallel()
	first, dir := open(t)
	if id := first.ID(t.Context()); id != "" {
		t.Errorf("before the first file the id is %q", id)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	ids := make(chan string, 8)
	var all sync.WaitGroup
	for range cap(ids) {
		s, err := artifact.Open(link)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			if err := s.Write(t.Context(), uuid.New(), "a.txt", "text/plain", []byte("x")); err != nil {
				t.Error(err)
			}
			ids <- s.ID(t.Context())
		})
	}
	all.Wait()
	want := first.ID(t.Context())
	if uuid.Validate(want) != nil {
		t.Errorf("the id is %q", want)
	}
	for range cap(ids) {
		if id := <-ids; id != want {
			t.Errorf("another process has the id %q, want %q", id, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".part-*")); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	if err := os.Rename(dir, dir+"-old"); err != nil {
		t.Fatal(err)
	}
	other, err := artifact.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Write(t.Context(), uuid.New(), "a.txt", "text/plain", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if id := other.ID(t.Context()); id == want || id == "" {
		t.Errorf("another folder has the id %q", id)
	}
}
