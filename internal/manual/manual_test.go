package manual

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/net/html"
)

// site renders the documentation, and serves it.
func site(t *testing.T) (*Site, *httptest.Server) {
	t.Helper()
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.StripPrefix("/docs", s.Handler()))
	t.Cleanup(server.Close)
	return s, server
}

func get(t *testing.T, url string) (status int, header http.Header, body string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(b)
}

// TestSite checks each page as a browser gets it: one main heading, a title of its own, ids that occur once, no script, nothing loaded from
// other hosts, and links that lead to a page.
func TestSite(t *testing.T) {
	t.Parallel()
	s, server := site(t)
	titles := map[string]string{}
	known := map[string]bool{"style.css": true, "search": true}
	for _, p := range s.pages {
		known[p.address] = true
	}
	for name := range s.pictures {
		known[name] = true
	}
	for _, p := range s.pages {
		status, header, body := get(t, server.URL+"/docs/"+p.address)
		if status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "text/html") || header.Get("Content-Security-Policy") != policy {
			t.Errorf("%s: %d %v", p.address, status, header)
		}
		doc, err := html.Parse(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		ids, headings := map[string]bool{}, 0
		for n := range doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			switch n.Data {
			case "script", "iframe":
				t.Errorf("%s has a %s", p.address, n.Data)
			case "h1":
				headings++
			}
			for _, a := range n.Attr {
				switch {
				case a.Key == "id" && ids[a.Val]:
					t.Errorf("%s: the id %q occurs twice", p.address, a.Val)
				case a.Key == "id":
					ids[a.Val] = true
				case a.Key == "src" && strings.Contains(a.Val, "//"), n.Data == "link" && strings.Contains(a.Val, "//"):
					t.Errorf("%s loads %s", p.address, a.Val)
				case a.Key == "href" || a.Key == "src" || a.Key == "action":
					file, _, _ := strings.Cut(a.Val, "#")
					if to := path.Join(path.Dir(p.address), file); file != "" && !strings.Contains(file, "://") && !known[to] {
						t.Errorf("%s leads to %s, which is not there", p.address, a.Val)
					}
				}
			}
		}
		if headings != 1 {
			t.Errorf("%s has %d main headings", p.address, headings)
		}
		if other := titles[p.title]; other != "" {
			t.Errorf("%s and %s share the title %q", p.address, other, p.title)
		}
		titles[p.title] = p.address
	}
	if len(s.pages) < 30 {
		t.Errorf("only %d pages", len(s.pages))
	}
	if status, _, body := get(t, server.URL+"/docs/"); status != http.StatusOK || !strings.Contains(body, "<h1>legwork</h1>") {
		t.Errorf("the index: %d", status)
	}
	if status, _, body := get(t, server.URL+"/docs/howto/nothing.html"); status != http.StatusNotFound || !strings.Contains(body, `href="../index.html"`) {
		t.Errorf("a page that is not there: %d %s", status, body)
	}
}

// TestRefusesBadPages checks that a link without a target, a page outside the index, and raw HTML are errors.
func TestRefusesBadPages(t *testing.T) {
	t.Parallel()
	good := "# Title\n\nSummary with a [page](a.md#two-words).\n\n- [A](a.md)\n"
	for name, c := range map[string]struct {
		a, b, want string
	}{
		"good":          {"# A\n\nText.\n\n## Two words\n", "", ""},
		"no heading":    {"# A\n\nText.\n", "", "no such heading"},
		"no page":       {"# A\n\nText with a [link](c.md).\n\n## Two words\n", "", "c.md, which is not there"},
		"not listed":    {"# A\n\nText.\n\n## Two words\n", "# B\n\nText.\n", "docs/b.md is not in the list"},
		"raw HTML":      {"# A\n\nText <b>bold</b>.\n\n## Two words\n", "", "raw HTML"},
		"no summary":    {"# A\n", "", "begins with a heading"},
		"no picture":    {"# A\n\nText ![picture](p.svg).\n\n## Two words\n", "", "p.svg, which is not there"},
		"outside files": {"# A\n\nSee the [source](../main.go).\n\n## Two words\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := fstest.MapFS{"README.md": {Data: []byte(good)}, "a.md": {Data: []byte(c.a)}}
			if c.b != "" {
				files["b.md"] = &fstest.MapFile{Data: []byte(c.b)}
			}
			s, err := render(files)
			if err == nil {
				err = s.check()
			}
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %q", err, c.want)
			}
			if name == "outside files" && (strings.Contains(string(s.pages["a.md"].body), "main.go") || !strings.Contains(string(s.pages["a.md"].body), "See the source.")) {
				t.Errorf("the link outside is shown: %s", s.pages["a.md"].body)
			}
		})
	}
}

// TestSearch checks that questions lead to the sections that answer them.
func TestSearch(t *testing.T) {
	t.Parallel()
	s, server := site(t)
	for query, want := range map[string]string{
		"How do I make an API key?":                       "howto/give-access.html#api-keys",
		"restore a backup":                                "howto/back-up.html",
		"Does legwork obey robots.txt?":                   "explanation/politeness.html",
		"PgBouncer":                                       "howto/connect-postgresql.html#poolers",
		"MAX_CONCURRENT_TASKS":                            "reference/configuration.html",
		"resume a stream after a broken connection":       "reference/streaming.html",
		"How does legwork verify that a quote is correct": "explanation/citations.html",
	} {
		results := s.Search(query)
		found := false
		for _, r := range results[:min(3, len(results))] {
			found = found || strings.HasPrefix(r.Address, want)
		}
		if !found {
			t.Errorf("%s: %+v", query, results[:min(3, len(results))])
		}
	}
	if r := s.Search("xylophone quarks"); len(r) != 0 {
		t.Errorf("words that are nowhere: %+v", r)
	}
	for query, want := range map[string]string{"": "Write a question", "xylophone": "No section has", "backup+%3Cscript%3E": "backup &lt;script&gt;"} {
		if status, _, body := get(t, server.URL+"/docs/search?q="+query); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%q: %d, want %q in %s", query, status, want, body)
		}
	}
}

// BenchmarkSearch shows what a search costs.
func BenchmarkSearch(b *testing.B) {
	s, err := New()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s.Search("How do I restore a backup of the database?")
	}
}
