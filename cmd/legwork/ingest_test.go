package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"legwork/cmd/legwork/commands"
)

// ingest runs the command and returns its output.
func (w *world) ingest(ctx context.Context, want int, args ...string) string {
	w.t.Helper()
	status, out, errs := w.run(ctx, settings(w.url, w.dir, "PAGE_TTL=1h"), append([]string{"ingest"}, args...)...)
	if status != want {
		w.t.Fatalf("ingest %v: status %d\n%s\n%s", args, status, out, errs)
	}
	return out
}

// rows returns the number of rows in each table to which an ingest writes.
func (w *world) rows() string {
	w.t.Helper()
	return fmt.Sprint(w.count(`SELECT count(*) FROM visits`), w.count(`SELECT count(*) FROM pages`), w.count(`SELECT count(*) FROM passages`))
}

// TestIngestSite checks that only pages of the site's domain are read, that the library finds them, and that tasks
// then read them without a request. A second ingest must write only pages that have changed, and replace their old
// texts.
func TestIngestSite(t *testing.T) {
	w := newWorld(t)
	w.site.Page("/index.html", `<html lang="en"><title>Kettle</title><body><h1>Kettle</h1><p>All about the kettle.</p>
<a href="/manual/settings-heating.html">Heating</a> <a href="/private/secret.html">Secret</a> <a href="/logo.png">Logo</a>
<a href="http://elsewhere.example/">Elsewhere</a> <a href="/gone.html">Gone</a></body></html>`)
	w.site.Handle("/robots.txt", func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = rw.Write([]byte("User-agent: *\nDisallow: /private/\n"))
	})
	out := w.ingest(w.ctx(), 0, "--depth", "1", w.site.URL("/index.html"))
	for _, want := range []string{"new        " + w.site.URL("/manual/settings-heating.html"), "Read 2 pages: 2 new, 0 unchanged. 2 failed (not_found 1, robots 1).", "The robots.txt of"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	if w.site.Count("/logo.png") != 0 || w.site.Count("/private/secret.html") != 0 {
		t.Error("an image or a forbidden page was requested")
	}
	before := w.rows()
	if out = w.ingest(w.ctx(), 0, "--depth", "1", w.site.URL("/index.html")); !strings.Contains(out, "0 new, 2 unchanged") || w.rows() != before {
		t.Errorf("unchanged content was written: %s, before %s\n%s", w.rows(), before, out)
	}

	c := w.serve(roleAll, "PAGE_TTL=1h")
	requests := len(w.site.Requests())
	task := w.await(c, w.ask(c, map[string]any{"seedUrl": nil, "searchEngine": "library", "maxDepth": 1, "maxPages": 2}).TaskID)
	if task.Answer == nil || !strings.Contains(*task.Answer, "25 minutes") || len(w.site.Requests()) != requests {
		t.Errorf("%d requests, answer %v", len(w.site.Requests())-requests, task.Answer)
	}

	w.site.Page("/manual/settings-heating.html", `<html><title>Heating</title><body><h1>Heating</h1><p>The default of keep_warm_minutes is 40 minutes now.</p></body></html>`)
	if out = w.ingest(w.ctx(), 0, "--depth", "1", w.site.URL("/index.html")); !strings.Contains(out, "1 new, 1 unchanged") {
		t.Errorf("a changed page: %s", out)
	}
	if n := w.count(`SELECT count(*) FROM visits WHERE task_id IS NULL`); n != 2 {
		t.Errorf("the library holds %d pages", n)
	}
	deny := filepath.Join(t.TempDir(), "disallowed.txt")
	if err := os.WriteFile(deny, []byte("127.0.0.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	requests = len(w.site.Requests())
	status, out, _ := w.run(w.ctx(), settings(w.url, w.dir, "DISALLOWED_DOMAINS_FILE="+deny), "ingest", w.site.URL("/index.html"))
	if status != commands.ExitFailed || !strings.Contains(out, "policy 1") || len(w.site.Requests()) != requests {
		t.Errorf("a site that the operator's list names: status %d, %s", status, out)
	}
	if out = w.ingest(w.ctx(), 0, "--max-pages", "1", w.site.URL("/index.html")); !strings.Contains(out, "3 more pages are known") {
		t.Errorf("--max-pages: %s", out)
	}
}

// TestIngestFolder checks that files get URLs that exist only in the library, and that a task reads such a page from
// the library and follows its links.
func TestIngestFolder(t *testing.T) {
	w := newWorld(t)
	folder := filepath.Join(t.TempDir(), "Kettle Manual")
	for name, content := range map[string]string{
		"index.html":    `<html lang="en"><title>Kettle manual</title><h1>Kettle manual</h1><p>Contents of the manual:</p><ul><li><a href="sub/care.md">Descaling the kettle</a></li></ul></html>`,
		"sub/care.md":   "# Care\n\nDescaling the kettle takes 20 grams of citric acid and half an hour.\n",
		"notes.txt":     "The lid of the kettle is made of steel.\n",
		"broken.pdf":    "%PDF-1.4 nonsense",
		".hidden.html":  "<p>Never read.</p>",
		".git/x.html":   "<p>Never read.</p>",
		"picture.png":   "no document",
		"too_large.txt": strings.Repeat("x", 3000),
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	status, out, errs := w.run(w.ctx(), settings(w.url, w.dir, "FETCH_MAX_BYTES=2KiB"), "ingest", folder)
	if status != 0 || !strings.Contains(out, "Read 3 pages: 3 new, 0 unchanged. 2 failed (too_large 1, unreadable_type 1).") ||
		!strings.Contains(out, "https://kettle-manual.invalid/sub/care.md") {
		t.Fatalf("status %d\n%s\n%s", status, out, errs)
	}
	before := w.rows()
	if out = w.ingest(w.ctx(), 0, filepath.Join(folder, "notes.txt")); !strings.Contains(out, "0 new, 1 unchanged") || w.rows() != before {
		t.Errorf("a single file: %s", out)
	}
	c := w.serve(roleAll) // with PAGE_TTL=0, which does not matter for pages that exist only in the library
	task := w.await(c, w.ask(c, map[string]any{"seedUrl": "https://kettle-manual.invalid/index.html", "question": "How much citric acid does descaling the kettle take?"}).TaskID)
	if task.Answer == nil || !strings.Contains(*task.Answer, "20 grams") || len(task.Citations) == 0 || task.Citations[0].URL != "https://kettle-manual.invalid/sub/care.md" {
		t.Errorf("%+v", task)
	}
	if out = w.ingest(w.ctx(), 0, "--base-url", "https://docs.example.com/kettle", folder); !strings.Contains(out, "https://docs.example.com/kettle/sub/care.md") {
		t.Errorf("--base-url: %s", out)
	}
	for _, args := range [][]string{{}, {"/no/such/folder"}, {"--depth", "-1", folder}, {filepath.Join(folder, "picture.png")}, {"--base-url", "ftp://x", folder}, {t.TempDir()}} {
		if status, _, errs := w.run(w.ctx(), settings(w.url, w.dir), append([]string{"ingest"}, args...)...); status == 0 || errs == "" {
			t.Errorf("ingest %v: status %d, %q", args, status, errs)
		}
	}
}

// TestIngestSiteMap ingests an index of site maps, one of which is compressed. URLs of other sites must be left out.
func TestIngestSiteMap(t *testing.T) {
	w := newWorld(t)
	xmlns := `xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"`
	w.site.Handle("/sitemap.xml", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/xml")
		_, _ = fmt.Fprintf(rw, `<?xml version="1.0" encoding="UTF-8"?><sitemapindex %s><sitemap><loc>%s</loc></sitemap><sitemap><loc> %s </loc><lastmod>2024-05-14</lastmod></sitemap>
<sitemap><loc>https://elsewhere.example/sitemap.xml</loc></sitemap><sitemap><loc>%s</loc></sitemap></sitemapindex>`, xmlns, w.site.URL("/a.xml"), w.site.URL("/b.xml.gz"), w.site.URL("/missing.xml"))
	})
	w.site.Handle("/a.xml", func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(rw, `<urlset %s><url><loc>%s</loc></url><url><loc>https://elsewhere.example/x</loc></url></urlset>`, xmlns, w.site.URL("/manual/care.html"))
	})
	w.site.Handle("/b.xml.gz", func(rw http.ResponseWriter, _ *http.Request) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = fmt.Fprintf(z, `<urlset %s><url><loc>%s</loc><priority>0.5</priority></url><url><loc>%s</loc></url></urlset>`, xmlns, w.site.URL("/manual/errors.html"), w.site.URL("/manual/care.html"))
		_ = z.Close()
		rw.Header().Set("Content-Type", "application/x-gzip")
		_, _ = rw.Write(b.Bytes())
	})
	out := w.ingest(w.ctx(), 0, w.site.URL("/sitemap.xml"))
	if !strings.Contains(out, "Read 2 pages: 2 new, 0 unchanged. 1 failed (not_found 1).") || strings.Contains(out, "elsewhere") {
		t.Errorf("%s", out)
	}
	file := filepath.Join(t.TempDir(), "pages.xml")
	if err := os.WriteFile(file, fmt.Appendf(nil, `<urlset %s><url><loc>%s</loc></url></urlset>`, xmlns, w.site.URL("/manual/care.html")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out = w.ingest(w.ctx(), 0, file); !strings.Contains(out, "0 new, 1 unchanged") {
		t.Errorf("a site map on disk: %s", out)
	}
	w.site.Page("/page.xml", "<html><body>No site map.</body></html>")
	if status, _, errs := w.run(w.ctx(), settings(w.url, w.dir), "ingest", w.site.URL("/page.xml")); status != 1 || !strings.Contains(errs, "no site map") {
		t.Errorf("status %d: %s", status, errs)
	}
}

// TestIngestInterrupted checks that pages that were read before Ctrl-C stay in the library, and that running the same
// command again reads the remaining ones.
func TestIngestInterrupted(t *testing.T) {
	w := newWorld(t)
	release := w.site.Hold("/manual/settings-heating.html")
	defer release()
	ctx, interrupt := context.WithCancel(w.ctx())
	go func() {
		_ = w.site.WaitFor(w.ctx(), "/manual/settings-heating.html", 1)
		interrupt()
	}()
	status, out, errs := w.run(ctx, settings(w.url, w.dir), "ingest", "--max-pages", "12", w.site.URL("/index.html"))
	if status != 1 || !strings.Contains(errs, "the same command continues") || !strings.Contains(out, "Read ") {
		t.Fatalf("status %d\n%s\n%s", status, out, errs)
	}
	held := w.count(`SELECT count(*) FROM visits WHERE task_id IS NULL`)
	if held == 0 || w.count(`SELECT count(*) FROM pages p WHERE NOT EXISTS (SELECT 1 FROM visits v WHERE v.page_id = p.id)`) != 0 {
		t.Errorf("%d pages are held, or some without a visit", held)
	}
	release()
	if out = w.ingest(w.ctx(), 0, "--max-pages", "12", w.site.URL("/index.html")); !strings.Contains(out, fmt.Sprintf("%d unchanged", held)) {
		t.Errorf("after %d pages: %s", held, out)
	}
}

// TestIngestWithoutStoring checks that an ingest goes on after each page that the database does not store in time, names it, and tells so by its
// exit status. After that the same command stores these pages.
func TestIngestWithoutStoring(t *testing.T) {
	w := newWorld(t)
	w.ingest(w.ctx(), 0, "--depth", "0", w.site.URL("/index.html")) // makes the tables
	w.exec(`CREATE FUNCTION too_long() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF new.content LIKE '%keep_warm_minutes%' THEN RAISE 'canceling statement due to statement timeout' USING ERRCODE = '57014'; END IF; RETURN new; END $$;
		CREATE TRIGGER too_long BEFORE INSERT ON pages FOR EACH ROW EXECUTE FUNCTION too_long()`)
	out := w.ingest(w.ctx(), commands.ExitFailed, "--max-pages", "12", w.site.URL("/index.html"))
	if !strings.Contains(out, "could not be stored in time") || !strings.Contains(out, "3 failed (too_large 3)") {
		t.Errorf("%s", out)
	}
	w.exec(`DROP TRIGGER too_long ON pages`)
	if out = w.ingest(w.ctx(), 0, "--max-pages", "12", w.site.URL("/index.html")); !strings.Contains(out, "3 new, 9 unchanged") {
		t.Errorf("afterwards: %s", out)
	}
}
