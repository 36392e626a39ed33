package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"legwork/internal/page"
	"legwork/internal/research"
)

func newRun() *run {
	return &run{seen: map[string]bool{}, sum: Summary{Reasons: map[string]int{}}}
}

func (r *run) urls() []string {
	var out []string
	for _, a := range r.queue {
		out = append(out, a.url)
	}
	return out
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

func TestEntries(t *testing.T) {
	t.Parallel()
	bomb := `<!DOCTYPE urlset [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]>`
	for name, tt := range map[string]struct {
		body   string
		policy page.Policy
		urls   string // queued
		maps   string
		err    string
	}{
		"pages":      {body: pages, urls: "https://a.example/1 https://a.example/2"},
		"packed":     {body: packed(pages), urls: "https://a.example/1 https://a.example/2"},
		"an index":   {body: `<sitemapindex><sitemap><loc>https://a.example/s1.xml</loc></sitemap><sitemap><loc>x</loc></sitemap></sitemapindex>`, maps: "https://a.example/s1.xml x"},
		"twice":      {body: `<urlset><url><loc>http://a.example/</loc></url><url><loc>http://A.EXAMPLE</loc></url></urlset>`, urls: "http://a.example/"},
		"an image":   {body: `<urlset xmlns:i="http://www.google.com/schemas/sitemap-image/1.1"><url><loc>http://a.example/</loc><i:image><i:loc>http://a.example/i.png</i:loc></i:image></url></urlset>`, urls: "http://a.example/"},
		"elsewhere":  {body: pages, policy: page.Policy{StayOn: "b.example"}},
		"no web":     {body: `<urlset><url><loc>file:///etc/passwd</loc></url><url><loc>javascript:1</loc></url><url><loc>http://u:p@a.example/</loc></url><url><loc></loc></url></urlset>`},
		"latin":      {body: `<?xml version="1.0" encoding="ISO-8859-1"?><urlset><url><loc>http://a.example/</loc></url></urlset>`, urls: "http://a.example/"},
		"entities":   {body: bomb + `<urlset><url><loc>http://a.example/&b;</loc></url><url><loc>&x;</loc></url></urlset>`, urls: "http://a.example/&b;"},
		"empty":      {err: "empty"},
		"text":       {body: "no XML", err: "empty"},
		"HTML":       {body: "<html><p>Not found</html>", err: "begins with <html>"},
		"a feed":     {body: "<rss><loc>http://a.example/</loc></rss>", err: "begins with <rss>"},
		"cut":        {body: pages[:len(pages)-30], err: "EOF", urls: "https://a.example/1 https://a.example/2"},
		"cut packed": {body: packed(pages)[:40], err: "EOF"},
		"bad gzip":   {body: "\x1f\x8bnot gzip", err: "gzip"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRun()
			found, err := r.entries([]byte(tt.body), tt.policy)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v", err)
			}
			if got := strings.Join(r.urls(), " "); got != tt.urls || strings.Join(found, " ") != tt.maps {
				t.Errorf("pages %q, site maps %q", got, found)
			}
		})
	}
}

// TestEntriesAreBounded: more addresses than the protocol allows are not queued.
func TestEntriesAreBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("<urlset>")
	for i := range maxEntries + 10 {
		fmt.Fprintf(&b, "<url><loc>http://a.example/%d</loc></url>", i)
	}
	b.WriteString("</urlset>")
	r := newRun()
	if _, err := r.entries([]byte(packed(b.String())), page.Policy{}); err != nil || len(r.queue) != maxEntries {
		t.Errorf("%d queued, %v", len(r.queue), err)
	}
}

func FuzzEntries(f *testing.F) {
	f.Add([]byte(pages))
	f.Add([]byte(packed(pages)))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><sitemapindex><sitemap><loc>&x;</loc>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := newRun()
		_, _ = r.entries(body, page.Policy{StayOn: "a.example"})
		for _, raw := range r.urls() {
			if u, err := page.ParseURL(raw); err != nil || page.Domain(u.Host) != "a.example" || u.String() != raw {
				t.Errorf("%q was queued: %v", raw, err)
			}
		}
	})
}

// web serves site maps from memory.
type web map[string]string

func (w web) Fetch(_ context.Context, raw string, _ page.Policy) (research.Visit, []byte, error) {
	if body, ok := w[raw]; ok {
		return research.Visit{URL: raw, Outcome: research.OutcomeOK}, []byte(body), nil
	}
	return research.Visit{URL: raw, Outcome: research.OutcomeNotFound, Message: "There is no such page."}, nil, nil
}

func (w web) Load(_ context.Context, raw string, _ page.Policy) (research.Visit, error) {
	return research.Visit{URL: raw, Outcome: research.OutcomeOK}, nil
}

// TestIndex: the site maps of an index are read, once and on its own site only; what cannot be read is counted.
func TestIndex(t *testing.T) {
	t.Parallel()
	index := func(locs ...string) string {
		return "<sitemapindex><sitemap><loc>" + strings.Join(locs, "</loc></sitemap><sitemap><loc>") + "</loc></sitemap></sitemapindex>"
	}
	site := web{
		"http://a.example/map.xml":  index("http://a.example/1.xml.gz", "http://a.example/gone.xml", "http://a.example/html.xml", "http://b.example/1.xml", "http://a.example/deep.xml", "::"),
		"http://a.example/1.xml.gz": packed(pages), "http://a.example/html.xml": "<html>", "http://b.example/1.xml": "<urlset><url><loc>http://a.example/named-by-b</loc></url></urlset>",
		"http://a.example/deep.xml": index("http://a.example/2.xml"), "http://a.example/2.xml": "<urlset><url><loc>http://a.example/deep</loc></url></urlset>",
	}
	var read []string
	shelve := func(_ context.Context, v research.Visit) (bool, error) { read = append(read, v.URL); return true, nil }
	sum, err := Run(t.Context(), site, shelve, Options{Target: "http://a.example/map.xml", MaxPages: 100})
	if err != nil || strings.Join(read, " ") != "https://a.example/1 https://a.example/2" {
		t.Errorf("read %v, %v", read, err)
	}
	if want := map[string]int{string(research.OutcomeNotFound): 1, string(research.OutcomeType): 1}; !maps.Equal(sum.Reasons, want) || sum.New != 2 || sum.Failed != 2 {
		t.Errorf("%+v", sum)
	}
	for target, want := range map[string]string{"http://a.example/gone.xml": "cannot be read", "http://a.example/html.xml": "no site map"} {
		if _, err := Run(t.Context(), site, shelve, Options{Target: target, MaxPages: 1}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", target, err)
		}
	}
}

// TestBase: what addresses the files of a folder get.
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
