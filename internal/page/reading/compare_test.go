package reading

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode"

	"legwork/internal/page/reading/dom"

	readability "codeberg.org/readeck/go-readability/v2"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/testsite"
)

// manuals names folders with further HTML pages for the comparison: go test ./internal/page/reading -run TestComparedWithReadability -v
// -args -manuals /usr/share/doc/postgresql-doc-15,/usr/share/doc/python3.11-doc
var manuals = flag.String("manuals", "", "folders with HTML, separated by commas, that extraction is compared on as well")

// parted has the words of a page in three groups, with the number of times that each word occurs: the words of its content, the words of
// the content in tables, listings and definitions, and the words around the content, which are on every page of the site.
type parted struct{ content, structured, surround map[string]int }

// part counts the words of a page. main selects the elements with content. out selects elements inside them that are not content.
func part(root *html.Node, main, out func(*html.Node) bool) parted {
	p := parted{map[string]int{}, map[string]int{}, map[string]int{}}
	var walk func(n *html.Node, in, structured bool)
	walk = func(n *html.Node, in, structured bool) {
		if n.Type == html.TextNode {
			to := p.surround
			if in {
				to = p.content
			}
			count(to, n.Data)
			if in && structured {
				count(p.structured, n.Data)
			}
			return
		}
		if n.Type == html.ElementNode {
			if n.DataAtom == atom.Script || n.DataAtom == atom.Style || n.DataAtom == atom.Head || n.DataAtom == atom.Noscript || dom.HasAttr(n, "hidden") || strings.Contains(dom.Attr(n, "style"), "none") || dom.Attr(n, "aria-hidden") == "true" {
				return
			}
			in = (in || main(n)) && !out(n)
			structured = structured || n.DataAtom == atom.Pre || n.DataAtom == atom.Table || n.DataAtom == atom.Dl
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, in, structured)
		}
	}
	walk(root, false, false)
	return p
}

func count(m map[string]int, text string) {
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		m[w]++
	}
}

// score has totals, in words: how much content and structured content the pages have and how much of each an extraction kept (kept,
// keptStructured), and how many words surround the content and how many of these the extraction wrongly kept (let).
type score struct{ content, kept, structured, keptStructured, surround, let int }

func (s *score) add(p parted, got map[string]int) {
	for w, n := range p.content {
		s.content, s.kept = s.content+n, s.kept+min(n, got[w])
	}
	for w, n := range p.structured {
		s.structured, s.keptStructured = s.structured+n, s.keptStructured+min(n, got[w])
	}
	for w, n := range p.surround {
		s.surround, s.let = s.surround+n, s.let+min(n, max(got[w]-p.content[w], 0))
	}
}

func share(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

func (s *score) String() string {
	return fmt.Sprintf("%5.1f %% | %5.1f %% | %5.1f %%", 100*share(s.kept, s.content), 100*share(s.keptStructured, s.structured), 100*(1-share(s.let, s.surround)))
}

// compared has the scores of this package, and of readability alone, for the same pages.
type compared struct {
	pages       int
	own, plain  score
	unread, bad int // pages for which an extraction returned no text: unread by this package, bad by readability
}

func (c *compared) page(base *url.URL, body []byte, main, out func(*html.Node) bool) error {
	root, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		return err
	}
	known := part(root, main, out)
	if len(known.content) == 0 {
		return nil
	}
	c.pages++
	own, plain := map[string]int{}, map[string]int{}
	if p, _, err := read(base, "", string(body)); err == nil {
		count(own, p.Text)
	} else {
		c.unread++
	}
	if found, err := readability.FromReader(bytes.NewReader(body), base); err == nil && found.Node != nil {
		count(plain, found.Title())
		for n := range found.Node.Descendants() {
			if n.Type == html.TextNode {
				count(plain, n.Data)
			}
		}
	} else {
		c.bad++
	}
	c.own.add(known, own)
	c.plain.add(known, plain)
	return nil
}

func (c *compared) row(name string) string {
	return fmt.Sprintf("| %s | %d | legwork | %s |\n| | | readability alone | %s |\n", name, c.pages, &c.own, &c.plain)
}

func classed(names ...string) func(*html.Node) bool {
	return func(n *html.Node) bool {
		return slices.ContainsFunc(strings.Fields(dom.Attr(n, "class")), func(c string) bool { return slices.Contains(names, c) })
	}
}

// TestComparedWithReadability compares this package with readability alone, on the test site and on the given manuals. This package must
// keep at least as much content, keep tables, listings and definitions whole, and drop nearly all text around the content.
func TestComparedWithReadability(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	var c compared
	for _, p := range []string{"/index.html", "/about.html", "/manual/start.html", "/manual/settings.html", "/manual/settings-heating.html",
		"/manual/settings-network.html", "/manual/care.html", "/manual/descaling.html", "/manual/errors.html", "/manual/specifications.html",
		"/manual/hidden.html", "/manual/a-z.html", "/manual/long.html", "/de/technik.html"} {
		body := fetched(t, site.URL(p))
		base, _ := url.Parse(site.URL(p))
		isMain := func(n *html.Node) bool { return classed("content")(n) || n.DataAtom == atom.Main }
		letters := func(n *html.Node) bool { return n.DataAtom == atom.A && len(dom.Attr(n, "href")) == 2 } // the links A to Z point to places in the same page
		if err := c.page(base, body, isMain, letters); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("corpus | pages | reader | content kept | of it tables, listings, definitions | surroundings dropped\n%s", c.row("test site"))
	own, plain := share(c.own.kept, c.own.content), share(c.plain.kept, c.plain.content)
	if c.pages != 14 || own < 0.99 || own < plain || share(c.own.keptStructured, c.own.structured) < 0.99 || share(c.own.let, c.own.surround) > 0.02 {
		t.Errorf("worse than it was: %s", c.row("test site"))
	}
	for folder := range strings.SplitSeq(*manuals, ",") {
		if folder != "" {
			t.Logf("\n%s", manual(t, folder).row(folder))
		}
	}
}

// manual compares every third page of an installed manual. The content is found by the class names of DocBook or Sphinx.
func manual(t *testing.T, folder string) *compared {
	t.Helper()
	var c compared
	root, i := os.DirFS(folder), 0
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || path.Ext(name) != ".html" {
			return err
		}
		if i++; i%3 != 0 {
			return nil
		}
		body, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		isMain := func(n *html.Node) bool { return n.DataAtom == atom.Body }
		if bytes.Contains(body, []byte("sphinxsidebar")) {
			isMain = func(n *html.Node) bool { return classed("body")(n) && dom.Attr(n, "role") == "main" }
		}
		return c.page(&url.URL{Scheme: "https", Host: "manual.example", Path: "/" + name}, body, isMain, classed("navheader", "navfooter", "headerlink"))
	})
	if err != nil {
		t.Fatal(err)
	}
	return &c
}

func fetched(t *testing.T, from string) []byte {
	t.Helper()
	resp, err := http.Get(from)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
