package testsite

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	client := &http.Client{
		Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("User-Agent", "tester/1")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp, string(body)
}

func TestEveryPageOfTheManualIsLinkedAndServed(t *testing.T) {
	t.Parallel()
	s := Start(t)
	if len(manual) < 10 {
		t.Errorf("the manual has %d pages", len(manual))
	}
	for path, p := range manual {
		resp, body := get(t, s.URL(path))
		if resp.StatusCode != http.StatusOK || !strings.Contains(body, p.title) || !strings.Contains(body, "<nav>") || !strings.Contains(body, "<footer>") {
			t.Errorf("%s: status %d, %d bytes", path, resp.StatusCode, len(body))
		}
	}
	if _, body := get(t, s.URL("/index.html")); !strings.Contains(body, "settings-heating.html") {
		t.Error("the index does not lead to the settings")
	}
	if _, body := get(t, s.URL("/manual/long.html")); len(body) < 10_000 {
		t.Errorf("the long page has %d bytes", len(body))
	}
	if resp, _ := get(t, s.URL("/no/such/page")); resp.StatusCode != http.StatusNotFound {
		t.Errorf("missing page: %d", resp.StatusCode)
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	s := Start(t)
	for _, tt := range []struct {
		path        string
		status      int
		contentType string
		location    string
		body        string
	}{
		{"/robots.txt", 200, "text/plain; charset=utf-8", "", "Disallow: /private/"},
		{"/private/secret.html", 200, "text/html; charset=utf-8", "", "Secret"},
		{"/redirect/2", 302, "", "/redirect/1", ""},
		{"/redirect/1", 301, "", "/index.html", ""},
		{"/redirect-loop", 302, "", "/redirect-loop/back", ""},
		{"/redirect-loop/back", 302, "", "/redirect-loop", ""},
		{"/redirect-private", 302, "", "http://169.254.169.254/latest/meta-data/", ""},
		{"/redirect-file", 302, "", "file:///etc/passwd", ""},
		{"/huge", 200, "text/html; charset=utf-8", "", "boils and boils"},
		{"/status/410", 410, "text/html; charset=utf-8", "", "410"},
		{"/status/204", 204, "", "", ""},
		{"/status/abc", 418, "", "", ""},
		{"/retry-after", 429, "", "", "Slow"},
		{"/retry-after?value=x&status=503", 503, "", "", ""},
		{"/charset/latin1", 200, "text/html; charset=iso-8859-1", "", "Caf\xe9"},
		{"/binary.bin", 200, "application/octet-stream", "", "\x00"},
		{"/untyped", 200, "", "", "Untyped"},
		{"/download.zip", 200, "application/zip", "", "PK"},
		{"/nothing", 200, "text/html", "", ""},
		{"/nul", 200, "", "", "\x00"},
		{"/captcha", 403, "", "", "h-captcha"},
		{"/login-wall", 200, "", "", "password"},
		{"/de/technik.html", 200, "", "", `lang="de"`},
		{"/changes.txt", 200, "text/plain; charset=utf-8", "", "14 May 2024"},
		{"/manual/recipes.md", 200, "text/markdown; charset=utf-8", "", "# Recipes"},
	} {
		resp, body := get(t, s.URL(tt.path))
		if resp.StatusCode != tt.status || resp.Header.Get("Location") != tt.location || !strings.Contains(body, tt.body) ||
			tt.contentType != "" && resp.Header.Get("Content-Type") != tt.contentType {
			t.Errorf("%s: %d %v %.80q", tt.path, resp.StatusCode, resp.Header, body)
		}
	}
}

func TestGzipBombUnpacksToMoreThanItSends(t *testing.T) {
	t.Parallel()
	resp, body := get(t, Start(t).URL("/gzip-bomb"))
	if resp.Header.Get("Content-Encoding") != "gzip" || len(body) >= 1<<20 {
		t.Fatalf("%d bytes, %v", len(body), resp.Header)
	}
	z, err := gzip.NewReader(bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, z); err != nil || n != 64<<20 {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestFlakyFailsPerKey(t *testing.T) {
	t.Parallel()
	s := Start(t)
	for i, want := range []int{503, 503, 200, 200} {
		if resp, _ := get(t, s.URL("/flaky?fail=2&key=a")); resp.StatusCode != want {
			t.Errorf("request %d: %d", i+1, resp.StatusCode)
		}
	}
	if resp, _ := get(t, s.URL("/flaky?fail=2&key=b")); resp.StatusCode != 503 {
		t.Errorf("other key: %d", resp.StatusCode)
	}
}

func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	s := Start(t)
	for _, path := range []string{"/cut", "/reset"} {
		resp, err := http.Get(s.URL(path))
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
		}
		if err == nil {
			t.Errorf("%s: no error", path)
		}
	}
}

func TestSlowTricklesUntilTheClientLeaves(t *testing.T) {
	t.Parallel()
	s := Start(t)
	ctx, leave := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.URL("/slow"), nil)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadFull(resp.Body, make([]byte, 20)); err != nil {
		t.Fatal(err)
	}
	leave()
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, context.Canceled) {
		t.Errorf("after leaving: %v", err)
	}
}

func TestRequestsAreRecordedAndPagesReplaced(t *testing.T) {
	t.Parallel()
	s := Start(t)
	s.Page("/index.html", "<p>new")
	if _, body := get(t, s.URL("/index.html?a=b")); body != "<p>new" {
		t.Errorf("replaced page: %q", body)
	}
	r := s.Requests()
	if len(r) != 1 || r[0].Method != "GET" || r[0].Path != "/index.html" || r[0].Query != "a=b" ||
		r[0].UserAgent != "tester/1" || r[0].Host != s.Host() || time.Since(r[0].At) > time.Minute {
		t.Errorf("%+v", r)
	}
	if s.Count("/index.html") != 1 || s.Count("/") != 0 {
		t.Error("wrong counts")
	}
}

func TestHoldAndWaitFor(t *testing.T) {
	t.Parallel()
	s := Start(t)
	release := s.Hold("/index.html")
	done := make(chan int, 2)
	for range 2 {
		go func() {
			resp, err := http.Get(s.URL("/index.html"))
			if err != nil {
				done <- 0
				return
			}
			_ = resp.Body.Close()
			done <- resp.StatusCode
		}()
	}
	if err := s.WaitFor(t.Context(), "/index.html", 2); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
		t.Fatal("answered although held")
	default:
	}
	release()
	release()
	if a, b := <-done, <-done; a != 200 || b != 200 {
		t.Errorf("after release: %d %d", a, b)
	}
	if resp, _ := get(t, s.URL("/index.html")); resp.StatusCode != 200 {
		t.Error("still held after release")
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Millisecond)
	defer stop()
	if err := s.WaitFor(ctx, "/never", 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting in vain: %v", err)
	}
}

func TestHeldRequestEndsWhenItsClientLeaves(t *testing.T) {
	t.Parallel()
	s := Start(t)
	s.Hold("/index.html") // never released, since the end of the test must not wait for a release
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.URL("/index.html"), nil)
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		done <- err
	}()
	if err := s.WaitFor(t.Context(), "/index.html", 1); err != nil {
		t.Fatal(err)
	}
	leave()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
