package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"legwork/internal/page"
	"legwork/internal/research"
)

func newRun() *run {
	return &run{seen: map[string]bool{}, sum: Summary{Reasons: map[string]int{}}}
}

func packed(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return b.String()
}

const pages = `<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>https://a.example/1</loc></url>` +
	`<url><loc> HTTPS://A.example:443/2#part
</loc><lastmod>2026-01-01</lastmod></url></urlset>`

// web serves site maps from memory.
type web map[string]string

func (w web) Fetch(_ context.Context, raw string, _ page.Policy) (research.Visit, []byte, error) {
	if body, ok := w[raw]; ok {
		return research.Visit{URL: raw, FinalURL: raw, Outcome: research.OutcomeOK}, []byte(body), nil
	}
	return research.Visit{URL: raw, Outcome: research.OutcomeNotFound, Message: "There is no such page."}, nil, nil
}

func (w web) Load(_ context.Context, raw string, _ page.Policy) (research.Visit, error) {
	return research.Visit{URL: raw, Outcome: research.OutcomeOK}, nil
}

// TestIndex: each site map that an index names on its own site is read once, and so are nested ones. A site map that
// cannot be read is counted as a failure.
func TestIndex(t *testing.T) {
	t.Parallel()
	index := func(locs ...string) string {
		return "<sitemapindex><sitemap><loc>" + strings.Join(locs, "</loc></sitemap><sitemap><loc>") + "</loc></sitemap></sitemapindex>"
	}
	one := func(loc string) string { return "<urlset><url><loc>" + loc + "</loc></url></urlset>" }
	site := web{
		"http://a.example/map.xml":  index("/1.xml.gz", "http://a.example/gone.xml", "http://a.example/html.xml", "http://b.example/1.xml", "http://a.example/deep.xml", "http://[", "1.xml.gz"),
		"http://a.example/1.xml.gz": packed(pages), "http://a.example/html.xml": "<html>", "http://b.example/1.xml": one("http://a.example/named-by-b"),
		"http://a.example/deep.xml": index("http://a.example/deeper.xml", "http://a.example/deep.xml"), "http://a.example/deeper.xml": index("http://a.example/2.xml"),
		"http://a.example/2.xml": one("/two"), "http://a.example/sitemap": "a.example", "http://a.example/sitemap.txt": "\xEF\xBB\xBFhttp://a.example/x\n/y\n", "http://a.example/notes.txt": "Some words.",
	}
	for target, want := range map[string]string{
		"http://a.example/map.xml":     "https://a.example/1 https://a.example/2 http://a.example/two",
		"http://a.example/sitemap.txt": "http://a.example/x http://a.example/y",
		"http://a.example/notes.txt":   "http://a.example/notes.txt",
		"http://a.example/sitemap":     "http://a.example/sitemap",
	} {
		var read []string
		store := func(_ context.Context, v research.Visit) (bool, error) { read = append(read, v.URL); return true, nil }
		sum, err := Run(t.Context(), site, store, Options{Target: target, MaxPages: 100})
		if err != nil || strings.Join(read, " ") != want {
			t.Errorf("%s: read %v, %v", target, read, err)
		}
		if reasons := map[string]int{string(research.OutcomeNotFound): 1, string(research.OutcomeType): 1}; strings.HasSuffix(target, "map.xml") && !maps.Equal(sum.Reasons, reasons) {
			t.Errorf("%+v", sum)
		}
	}
	store := func(context.Context, research.Visit) (bool, error) { return true, nil }
	for target, want := range map[string]string{"http://a.example/gone.xml": "cannot be read", "http://a.example/html.xml": "no site map"} {
		if _, err := Run(t.Context(), site, store, Options{Target: target, MaxPages: 1}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", target, err)
		}
	}
}

// TestBase checks which addresses the files of a folder get.
func TestBase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for folder, want := range map[string]string{
		"Kettle Manual": "https://kettle-manual.invalid/a%20b/c%23d.html", "käse!": "https://k-se.invalid/a%20b/c%23d.html", "...": "https://folder.invalid/a%20b/c%23d.html",
		strings.Repeat("x", 100): "https://" + strings.Repeat("x", 60) + ".invalid/a%20b/c%23d.html",
	} {
		base, err := newRun().base(filepath.Join(dir, folder))
		if err != nil || base.JoinPath("a b/c#d.html").String() != want {
			t.Errorf("%s: %v, %v", folder, base, err)
		}
	}
	r := newRun()
	for raw, want := range map[string]string{"https://Docs.example/v2/?q=1#x": "https://docs.example/v2/a.html", "https://docs.example/v2": "https://docs.example/v2/a.html"} {
		r.BaseURL = raw
		if base, err := r.base(dir); err != nil || base.JoinPath("a.html").String() != want {
			t.Errorf("%s: %v, %v", raw, base, err)
		}
	}
	if r.BaseURL = "file:///x"; true {
		if _, err := r.base(dir); err == nil {
			t.Error("a base that is not of the web was taken")
		}
	}
}

func TestReadable(t *testing.T) {
	t.Parallel()
	var got []string
	for _, p := range []string{"/", "/a.html", "/a.PDF", "/v1.2/intro", "/a.tar.gz", "/i.PNG", "/x.zip/", "/app.js", "/a.php"} {
		if readable(&url.URL{Path: p}) {
			got = append(got, p)
		}
	}
	if want := []string{"/", "/a.html", "/a.PDF", "/v1.2/intro", "/x.zip/", "/a.php"}; !slices.Equal(got, want) {
		t.Errorf("readable: %v", got)
	}
}

// TestStoreFails checks that an ingest goes on after a page that could not be stored in time, and that it ends after any other error and tells
// how many pages were not read.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	lost := errors.New("lost")
	folder := t.TempDir()
	for _, name := range []string{"a.txt", "b.txt", "c.txt"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("The words of "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	site := web{"http://a.example/map.txt": "http://a.example/a.txt\n/b.txt\n/c.txt\n"}
	for _, target := range []string{folder, "http://a.example/map.txt"} {
		for _, tt := range []struct {
			err  error
			want Summary
			end  error
		}{
			{fmt.Errorf("%w: it took long", research.ErrTooSlow), Summary{New: 2, Failed: 1, Unstored: 1, Reasons: map[string]int{"too_large": 1}}, nil},
			{lost, Summary{New: 1, Left: 2, Reasons: map[string]int{}}, lost},
		} {
			var items []Item
			store := func(_ context.Context, v research.Visit) (bool, error) {
				if strings.HasSuffix(v.URL, "/b.txt") {
					return false, tt.err
				}
				return true, nil
			}
			sum, err := Run(t.Context(), site, store, Options{Target: target, MaxPages: 100, MaxBytes: 1000, Report: func(i Item) { items = append(items, i) }})
			if !errors.Is(err, tt.end) || !reflect.DeepEqual(sum, tt.want) {
				t.Errorf("%s, %v: %+v, %v", target, tt.err, sum, err)
			}
			if tt.end == nil && (len(items) != 3 || items[1].State != Failed || items[1].Reason == "" || items[2].State != Added) {
				t.Errorf("%s: %+v", target, items)
			}
		}
	}
}
