package artifact_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"legwork/internal/artifact"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

func openBucket(t *testing.T, url string) *artifact.Store {
	t.Helper()
	s, err := artifact.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestBucket: like a folder, a bucket stores complete files by task, under keys with its prefix, and the purge removes
// them.
func TestBucket(t *testing.T) {
	t.Parallel()
	b := testsite.NewBucket(t)
	s := openBucket(t, b.URL)
	ctx := t.Context()
	mine, other := uuid.New(), uuid.New()
	for _, task := range []uuid.UUID{mine, other} {
		for _, name := range []string{"logs.txt", "shot-001-1-1.png"} {
			for _, text := range []string{"first", "second"} { // the second replaces the first
				if err := s.Write(ctx, task, name, "text/plain", []byte(text)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	want := []string{"files/" + mine.String() + "/logs.txt", "files/" + mine.String() + "/shot-001-1-1.png",
		"files/" + other.String() + "/logs.txt", "files/" + other.String() + "/shot-001-1-1.png"}
	slices.Sort(want)
	if keys := b.Keys(t); !slices.Equal(keys, want) {
		t.Fatalf("the bucket holds %q, want %q", keys, want)
	}

	f, err := s.Read(ctx, mine, "logs.txt")
	if err != nil {
		t.Fatal(err)
	}
	before := b.Requests()
	if end, err := f.Seek(0, io.SeekEnd); err != nil || end != 6 || b.Requests() != before {
		t.Errorf("seek to %d (%v) with %d requests, want none", end, err, b.Requests()-before)
	}
	for _, from := range []int64{3, 0, 6} {
		if _, err := f.Seek(from, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(f); err != nil || string(got) != "second"[from:] {
			t.Errorf("from %d: %q, %v", from, got, err)
		}
	}
	if f.Size != 6 || f.ModTime.IsZero() || !strings.HasPrefix(f.ETag, `"`) || !strings.HasSuffix(f.ETag, `"`) || len(f.ETag) < 4 {
		t.Errorf("%d bytes, %s, ETag %s", f.Size, f.ModTime, f.ETag)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if size, ok, err := s.Exists(ctx, mine, "logs.txt"); err != nil || !ok || size != 6 {
		t.Errorf("exists: %d %v %v", size, ok, err)
	}
	for range 2 { // a second purge is no error
		if err := s.Purge(ctx, mine); err != nil {
			t.Fatal(err)
		}
	}
	if keys := b.Keys(t); len(keys) != 2 || !strings.Contains(keys[0], other.String()) {
		t.Errorf("after the purge the bucket holds %q", keys)
	}
	if _, err := s.Read(ctx, mine, "logs.txt"); !errors.Is(err, research.ErrNotFound) {
		t.Errorf("read after purge: %v", err)
	}
	if _, ok, err := s.Exists(ctx, mine, "logs.txt"); ok || err != nil {
		t.Errorf("exists after purge: %v %v", ok, err)
	}
	if err := s.Check(ctx); err != nil {
		t.Errorf("check: %v", err)
	}
	if keys := b.Keys(t); len(keys) != 2 {
		t.Errorf("the check left %q", keys)
	}
}

// TestUnusableBucket: if a bucket cannot be used, the error says what to do.
func TestUnusableBucket(t *testing.T) {
	t.Parallel()
	b := testsite.NewBucket(t)
	s := openBucket(t, b.URL)
	for status, advice := range map[int]string{http.StatusForbidden: "AWS_ACCESS_KEY_ID", http.StatusNotFound: "create the bucket"} {
		b.Answer(status)
		if err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), advice) || !strings.Contains(err.Error(), "ARTIFACT_DIR") {
			t.Errorf("status %d: %v", status, err)
		}
		if err := s.Write(t.Context(), uuid.New(), "logs.txt", "", nil); err == nil {
			t.Errorf("status %d: a write succeeded", status)
		}
	}
	b.Answer(0)
	if err := openBucket(t, "s3://nobody?anonymous=true&endpoint="+b.Endpoint).Check(t.Context()); err == nil || !strings.Contains(err.Error(), "create the bucket") {
		t.Errorf("a bucket that is not there: %v", err)
	}
	for _, url := range []string{"s3://", "s3:///x", "s3://bucket/folder", "s3://bucket?colour=blue", "s3://bucket?%zz",
		"s3://bucket?anonymous=perhaps", "s3://bucket?endpoint=ftp://127.0.0.1", "s3://bucket?endpoint=http://127.0.0.1/path"} {
		if _, err := artifact.Open(url); err == nil || !strings.Contains(err.Error(), "ARTIFACT_DIR") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// TestCredentials: requests are signed with the credentials in the environment variables of AWS.
func TestCredentials(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
	var mu sync.Mutex
	var signatures []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		signatures = append(signatures, r.Header.Get("Authorization"))
		w.Header().Set("Etag", `"1"`)
	}))
	defer srv.Close()
	s := openBucket(t, "s3://evidence?region=eu-central-1&endpoint="+srv.URL)
	if err := s.Write(t.Context(), uuid.New(), "logs.txt", "text/plain", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if len(signatures) == 0 || !strings.Contains(signatures[0], "AKIDEXAMPLE/") || !strings.Contains(signatures[0], "/eu-central-1/s3/") {
		t.Errorf("signatures %q", signatures)
	}
}

// TestEndpointOfEnvironment: if the address of a bucket has no endpoint, the environment variable is used.
func TestEndpointOfEnvironment(t *testing.T) {
	b := testsite.NewBucket(t)
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	t.Setenv("AWS_ENDPOINT_URL_S3", b.Endpoint)
	if err := openBucket(t, "s3://evidence?anonymous=true").Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestProfile: a profile in the address has precedence over the environment. Without credentials the requests are not signed.
func TestProfile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(file, []byte("[evidence]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	var last atomic.Pointer[http.Header]
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := r.Header.Clone()
		last.Store(&h)
		w.Header().Set("Etag", `"1"`)
	}))
	defer srv.Close()
	write := func(options string) string {
		t.Helper()
		if err := openBucket(t, "s3://evidence?endpoint="+srv.URL+options).Write(t.Context(), uuid.New(), "logs.txt", "text/plain", []byte("x")); err != nil {
			t.Fatal(err)
		}
		return last.Load().Get("Authorization")
	}
	if got := write(""); got != "" {
		t.Errorf("signed without credentials: %q", got)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "x")
	if got := write(""); !strings.Contains(got, "AKIDENVIRONMENT/") || !strings.Contains(got, "/us-east-1/") {
		t.Errorf("with the environment's credentials: %q", got)
	}
	if got := write("&profile=evidence"); !strings.Contains(got, "AKIDPROFILE/") {
		t.Errorf("with a profile: %q", got)
	}
}
