package pgembed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// DefaultBaseURL is Maven Central.
const DefaultBaseURL = "https://repo1.maven.org/maven2"

const (
	// maxJarBytes limits the size of the download. The largest of the pinned files has 62 MB.
	maxJarBytes = 128 << 20
	// downloadTimeout bounds the time of a whole download.
	downloadTimeout = 15 * time.Minute
)

// artifact is a file in the Maven repository with PostgreSQL for one platform, built by the project
// https://github.com/zonkyio/embedded-postgres-binaries.
type artifact struct {
	platform string // part of the artifact's name
	sha256   string // of the jar, in hexadecimal, as published on Maven Central
}

// artifacts are the pinned files by GOOS/GOARCH, all of the release downloadVersion.
func artifacts() map[string]artifact {
	return map[string]artifact{
		"linux/amd64":  {"linux-amd64", "0dd7b72b6f335b8ecfb355fa24c5781e8a93edd09880bb77eb52ebbf29b3e96d"},
		"linux/arm64":  {"linux-arm64v8", "8b042e0ea418b1927d95399207950da0734d27fe01e29503ade3bdc464ad4c2b"},
		"darwin/amd64": {"darwin-amd64", "d464ff178e9860ba204662ac23fa547504b7fd392392ff2fb92e3fd73b5bdb64"},
		"darwin/arm64": {"darwin-arm64v8", "a1c2786acb0c398f9b2d76806fc52f5dc8b222cbc8e9383a9b9702084daaf3a5"},
	}
}

// url returns the address of the artifact in a Maven repository.
func (a artifact) url(base string) string {
	name := "embedded-postgres-binaries-" + a.platform
	return fmt.Sprintf("%s/io/zonky/test/postgres/%s/%s.0/%s-%s.0.jar", base, name, downloadVersion, name, downloadVersion)
}

// downloader downloads an artifact into a cache that several processes may share.
type downloader struct {
	base     string // the Maven repository
	cache    string
	artifact artifact
	logger   *slog.Logger
}

// newDownloader makes a downloader for this machine. The error means that there is no download for the platform.
func newDownloader(cfg Config) (downloader, error) {
	a, ok := artifacts()[runtime.GOOS+"/"+runtime.GOARCH]
	if cfg.artifact != nil {
		a, ok = *cfg.artifact, true
	}
	if !ok {
		return downloader{}, fmt.Errorf("there is no PostgreSQL to download for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	return downloader{base: cfg.BaseURL, cache: cfg.CacheDir, artifact: a, logger: cfg.Logger}, nil
}

// fetch makes sure that the release is in the cache, and returns its bin folder. If several processes call it at the same time, one
// downloads and the others wait.
func (d downloader) fetch(ctx context.Context) (bin string, err error) {
	target := cachedFolder(d.cache)
	if err := os.MkdirAll(d.cache, 0o755); err != nil {
		return "", fmt.Errorf("make the download cache: %w", err)
	}
	lock, err := os.OpenFile(target+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", fmt.Errorf("lock the download cache: %w", err)
	}
	defer func() { _ = lock.Close() }() // releases the lock
	err = untilReady(ctx, nil, func() (bool, error) {
		err := flock(lock, syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return "", fmt.Errorf("wait for another download of PostgreSQL: %w", err)
	}
	if _, err := os.Stat(target); err == nil {
		return filepath.Join(target, "bin"), nil
	}
	// The lock is held, so no other process uses this unfinished download.
	unfinished := target + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return "", fmt.Errorf("clear the download cache: %w", err)
	}
	defer func() { _ = os.RemoveAll(unfinished) }()
	if err := d.install(ctx, unfinished); err != nil {
		return "", err
	}
	if err := os.Rename(unfinished, target); err != nil {
		return "", fmt.Errorf("rename the finished download: %w", err)
	}
	return filepath.Join(target, "bin"), nil
}

// install downloads, checks and unpacks the artifact into the new folder dir.
func (d downloader) install(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	jar, err := os.CreateTemp(d.cache, "postgresql-*.jar")
	if err != nil {
		return fmt.Errorf("make room for the download: %w", err)
	}
	defer func() { _ = jar.Close(); _ = os.Remove(jar.Name()) }()
	begun := time.Now()
	size, err := d.download(ctx, jar)
	if err != nil {
		return err
	}
	d.logger.InfoContext(ctx, "downloaded PostgreSQL", "version", downloadVersion, "bytes", size, "duration", time.Since(begun))
	if err := unpackJar(jar, size, dir); err != nil {
		return fmt.Errorf("unpack %s: %w", d.artifact.url(d.base), err)
	}
	return nil
}

// download writes the artifact to w and checks that its SHA-256 is the pinned one.
func (d downloader) download(ctx context.Context, w io.Writer) (int64, error) {
	url := d.artifact.url(d.base)
	d.logger.InfoContext(ctx, "no PostgreSQL found on this machine; downloading it once", "url", url, "into", d.cache)
	fail := func(err error) (int64, error) {
		return 0, fmt.Errorf("download PostgreSQL from %s: %w; set LEGWORK_PG_MIRROR to a Maven repository that can be reached", url, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fail(err)
	}
	client := &http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
		ForceAttemptHTTP2:     true,
		DisableKeepAlives:     true,
	}}
	resp, err := client.Do(req)
	if err != nil {
		return fail(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fail(fmt.Errorf("the server answered %s", resp.Status))
	}
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(resp.Body, maxJarBytes))
	if err != nil {
		return fail(err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != d.artifact.sha256 {
		return 0, fmt.Errorf("the file at %s is not the PostgreSQL that legwork knows and was not used: its SHA-256 is %s, expected %s. "+
			"Try again; if it stays so, somebody has changed the file: set LEGWORK_PG_MIRROR to another Maven repository, or install PostgreSQL yourself",
			url, got, d.artifact.sha256)
	}
	return size, nil
}
