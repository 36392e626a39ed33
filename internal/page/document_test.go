package page

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"legwork/internal/research"
)

// readAs reads a document of a type at an address below pageURL.
func readAs(t *testing.T, contentType, name, body string) Reading {
	t.Helper()
	u, err := pageURL.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	reader := NewInProcess("")
	defer reader.Close()
	r, err := reader.Read(t.Context(), u, http.Header{"Content-Type": {contentType}}, []byte(body))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return r
}

// TestReadKinds: each kind of document is read as text with links, without the markup of its format.
func TestReadKinds(t *testing.T) {
	t.Parallel()
	const rss = `<?xml version="1.0" encoding="ISO-8859-1"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Orchard &amp; news</title><link>https://a.example/</link>
<item><title>Frost</title><link>frost.html</link><description><![CDATA[<p>Cold air &amp; fans <b>will run</b>.</p><script>x()</script></div>]]></description><pubDate>Tue, 06 May 2031 08:00:00 GMT</pubDate></item>
<item><guid>https://a.example/press</guid><description>Größe &lt; 5.</description><content:encoded><![CDATA[The press has <a href="/m">a manual</a>.]]></content:encoded></item></channel></rss>`
	for name, tt := range map[string]struct {
		contentType, path, body string
		has, lacks              []string // parts that the text must have, and parts that it must not have
		links                   []string // the ends of the link addresses
		title                   string
	}{
		"RSS": {"application/rss+xml", "feed", rss, []string{"Orchard & news", "Frost", "Cold air & fans will run.", "2031-05-06", "Größe < 5.", "The press has a manual."},
			[]string{"CDATA", "<p>", "&amp;", "x()"}, []string{"/manual/frost.html", "a.example/press", "/m"}, "Orchard & news"},
		"Atom": {"text/xml", "feed", `<feed xmlns="http://www.w3.org/2005/Atom"><title>Tides</title><entry><title type="html">High &lt;b&gt;water&lt;/b&gt;</title><link rel="alternate" href="/high"/>
<updated>2031-05-06T08:00:00Z</updated><author><name>Ann</name></author><summary>At the pier.</summary><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>At <em>04:12</em>.</p></div></content></entry></feed>`,
			[]string{"Tides", "High water", "2031-05-06, Ann", "At the pier.", "At 04:12."}, []string{"<", "xmlns"}, []string{"/high"}, "Tides"},
		"JSON Feed": {"application/json", "feed.json", `{"version":"https://jsonfeed.org/version/1.1","title":"Notes","items":[{"id":"1","url":"https://a.example/1","title":"One","content_html":"<p>First &amp; only</p>"},{"id":"2","content_text":"No title."}]}`,
			[]string{"Notes", "One", "First & only", "No title."}, []string{"{", "<p>", "content_html"}, []string{"a.example/1"}, "Notes"},
		"OPML": {"text/x-opml", "x", `<opml version="2.0"><head><title>Blogs</title></head><body><outline text="Water"><outline text="Tides &amp; ice" htmlUrl="https://t.example/" xmlUrl="https://t.example/feed"/></outline></body></opml>`,
			[]string{"Blogs", "Water", "Tides & ice"}, []string{"outline", "xmlUrl"}, []string{"t.example/", "t.example/feed"}, "Blogs"},
		"Markdown": {"text/plain", "README.md", "---\ntitle: Front\nlayout: x\n---\n\n## Settings\n\n| a | b |\n|---|---|\n| `poll` | 15 s |\n\nSee [the guide](guide.md).\n",
			[]string{"Settings", "15 s", "See the guide."}, []string{"](", "layout", "|---|---|\n|---"}, []string{"/manual/guide.md"}, "Front"},
		"CSV": {"text/csv", "stations.csv", "name;height\r\n\"Weir; old\";\"4,5\"\r\nDam;31\r\n", []string{"name", "Weir; old", "4,5", "31"}, []string{`"`}, nil, "stations.csv"},
		"TSV": {"text/tab-separated-values", "x.tsv", "name\theight\nDam\t31\n", []string{"name", "Dam", "31"}, []string{"\t"}, nil, "x.tsv"},
		"JSON": {"application/json", "x", `{"name":"M\u00fchle","gates":[{"width":5.20,"open":true},null],"page":"https:\/\/a.example\/x","html":"<p>Two<br>lines<\/p>"}`,
			[]string{"name: Mühle", "width: 5.20", "open: true", "- null", "Two\n", "lines"}, []string{"{", "\\u00fc", `\/`, "<p>"}, []string{"a.example/x"}, "x"},
		"lines of JSON": {"application/x-ndjson", "x", "{\"a\":1}\n{\"a\":2}\n", []string{"a: 1", "a: 2"}, []string{"{"}, nil, "x"},
		"XML": {"application/xml", "x", `<?xml version="1.0" encoding="windows-1251"?><stations xmlns="urn:x"><station id="7"><name>Dam &amp; <![CDATA[weir]]></name><note>It is <em>old</em> &mdash; very.</note></station><see>https://a.example/s</see></stations>`,
			[]string{"name: Dam & weir", "id: 7", "note: It is old — very."}, []string{"<", "CDATA", "urn:x"}, []string{"a.example/s"}, "x"},
		"XHTML": {"application/xhtml+xml", "x", `<?xml version="1.0"?><!DOCTYPE html><h:html xmlns:h="http://www.w3.org/1999/xhtml" xml:lang="en"><h:head><h:title>Tides</h:title><h:script src="x"/></h:head><h:body><h:p>High<h:br/> &amp; <h:a id="x"/>low &#x2014; <![CDATA[a<b]]></h:p><h:div/><h:p>End</h:p></h:body></h:html>`,
			[]string{"High", "low — a<b", "End"}, []string{"CDATA", "&amp;"}, nil, "Tides"},
		"XHTML that is not well formed": {"application/xhtml+xml", "x", `<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Tides</title></head><body><p>High<p>low</body></html>`, []string{"High", "low"}, nil, nil, "Tides"},
		"a page as text":                {"text/plain", "x", "<!doctype html><title>T</title><p>Words <a href=y>there</a>", []string{"Words there"}, []string{"<p>"}, []string{"/manual/y"}, "T"},
		"text with addresses":           {"text/plain", "x.txt", "See https://a.example/x_(y), http://b.example. And <https://c.example/?q=1>!", []string{"See https://a.example/x_(y), "}, nil, []string{"/x_(y)", "b.example/", "c.example/?q=1"}, "x.txt"},
		"broken JSON":                   {"application/json", "x", `not json`, []string{"not json"}, nil, nil, "x"},
		"broken feed":                   {"application/rss+xml", "x", `<rss`, []string{"<rss"}, nil, nil, "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := readAs(t, tt.contentType, tt.path, tt.body)
			for _, want := range tt.has {
				if !strings.Contains(r.Page.Text, want) {
					t.Errorf("without %q", want)
				}
			}
			for _, not := range tt.lacks {
				if strings.Contains(r.Page.Text, not) {
					t.Errorf("with %q", not)
				}
			}
			for _, end := range tt.links {
				if !slices.ContainsFunc(r.Links, func(l research.Link) bool { return strings.HasSuffix(l.URL, end) }) {
					t.Errorf("no link to %q", end)
				}
			}
			if r.Page.Title != tt.title {
				t.Errorf("title %q", r.Page.Title)
			}
			if t.Failed() {
				t.Logf("text:\n%s\nlinks: %+v", r.Page.Text, r.Links)
			}
		})
	}
}

func TestReadText(t *testing.T) {
	t.Parallel()
	p, links, err := Read(pageURL, http.Header{"Content-Type": {"text/plain"}, "Content-Language": {"en"}}, []byte("\n a <b>  \r\n\r\n"))
	if err != nil || p.Text != " a <b>" || p.Title != "page.html" || p.Language != "en" || links != nil {
		t.Errorf("%+v %v %v", p, links, err)
	}
	if _, _, err := Read(pageURL, http.Header{"Content-Type": {"text/plain"}}, []byte(" \n")); !errors.Is(err, ErrEmpty) {
		t.Error(err)
	}
	if _, _, err := Read(pageURL, http.Header{"Content-Type": {"image/png"}}, []byte("x")); !errors.Is(err, ErrType) {
		t.Error(err)
	}
	if err := guarded(func() error { panic("hostile") }); !errors.Is(err, ErrType) {
		t.Error(err)
	}
}

func TestMarkdownKeepsLinksAndHeadings(t *testing.T) {
	t.Parallel()
	r := readAs(t, "text/markdown", "page.html", "# T\nText with [a link](x.html).\n\nTerm\n: Meaning\n")
	if r.Page.Text != "# T\n\nText with a link.\n\nTerm\n\n Meaning" || r.Page.Title != "T" {
		t.Errorf("%q %q", r.Page.Title, r.Page.Text)
	}
	if len(r.Links) != 1 || r.Links[0].URL != "https://docs.example.com/manual/x.html" || r.Links[0].Heading != "T" {
		t.Errorf("%+v", r.Links)
	}
}

// pdfFile writes a minimal PDF (ISO 32000-1 §7.5) whose pages show these lines.
func pdfFile(lines ...string) []byte {
	var b bytes.Buffer
	var offsets []int
	object := func(format string, args ...any) {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n"+format+"\nendobj\n", append([]any{len(offsets)}, args...)...)
	}
	b.WriteString("%PDF-1.4\n")
	var kids []string
	for i := range lines {
		kids = append(kids, fmt.Sprintf("%d 0 R", 5+2*i))
	}
	object("<< /Type /Catalog /Pages 2 0 R /Lang (en-GB) >>")
	object("<< /Type /Pages /Kids [%s] /Count %d >>", strings.Join(kids, " "), len(lines))
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
	object("<< /Title (Data sheet) /CreationDate (D:20240514093000+02'00') /ModDate (D:20240601000000Z) >>")
	for i, line := range lines {
		object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>", 6+2*i)
		stream := fmt.Sprintf("BT /F1 12 Tf 72 700 Td (%s) Tj ET", line)
		object("<< /Length %d >>\nstream\n%s\nendstream", len(stream), stream)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R /Info 4 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, xref)
	return b.Bytes()
}

func TestPDF(t *testing.T) {
	t.Parallel()
	reader := NewInProcess("")
	defer reader.Close()
	read := func(body []byte) (Reading, error) {
		return reader.Read(t.Context(), pageURL, http.Header{"Content-Type": {"application/pdf"}}, body)
	}
	r, err := read(pdfFile("The kettle holds 1.7 litres.", "Second page."))
	p := r.Page
	if err != nil || p.Text != "# Data sheet\n\n## Page 1\n\nThe kettle holds 1.7 litres.\n\n## Page 2\n\nSecond page." || p.Title != "Data sheet" {
		t.Errorf("%q %q %v", p.Title, p.Text, err)
	}
	for i, want := range []string{"Data sheet › Page 1", "Data sheet › Page 2"} {
		if len(p.Passages) != 2 || p.Passages[i].Heading != want {
			t.Errorf("passages %+v, want heading %q", p.Passages, want)
		}
	}
	day, change := time.Date(2024, 5, 14, 7, 30, 0, 0, time.UTC), time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)
	if p.PublishedAt == nil || !p.PublishedAt.Equal(day) || p.ModifiedAt == nil || !p.ModifiedAt.Equal(change) || p.Language != "en" {
		t.Errorf("published %v, modified %v, language %q", p.PublishedAt, p.ModifiedAt, p.Language)
	}
	// Pages without text still count in the page numbers. A line of the document that looks like a heading does not become a heading.
	r, err = read(pdfFile("", "# Page 7", "Third."))
	if p = r.Page; err != nil || len(p.Passages) != 2 || p.Passages[0].Heading != "Data sheet › Page 2" || p.Passages[1].Heading != "Data sheet › Page 3" {
		t.Errorf("%q %+v %v", p.Text, p.Passages, err)
	}
	if _, err := read(pdfFile("")); !errors.Is(err, ErrEmpty) {
		t.Errorf("no text: %v", err)
	}
	whole := pdfFile("The kettle holds 1.7 litres.")
	for n := 0; n < len(whole); n += 97 {
		if r, err := read(whole[:n]); err == nil && r.Page.Text == "" {
			t.Errorf("cut at %d: neither text nor error", n)
		}
	}
}

// TestQueriesOfLinksAreInTheCharsetOfThePage: a link gets the address that a browser would request. A page that a browser has rendered is
// in UTF-8; a mark in it names the charset of the original.
func TestQueriesOfLinksAreInTheCharsetOfThePage(t *testing.T) {
	t.Parallel()
	const cyrillic = "<title>\xcf\xee\xe8\xf1\xea</title><base href='/a/'><p>\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0. <a href='\xef?q=\xff#\xff'>\xef\xee\xe8\xf1\xea</a>"
	const shown = "<html data-legwork-rendered='windows-1251'><base href='/a/'><p>Привет, мир. <a href='п?q=я'>поиск</a>"
	for name, tt := range map[string]struct{ contentType, body, want string }{
		"by the header":  {"text/html; charset=windows-1251", cyrillic, "/a/%D0%BF?q=%FF"},
		"by a meta":      {"text/html", "<meta charset=windows-1251>" + cyrillic, "/a/%D0%BF?q=%FF"},
		"UTF-8":          {"text/html; charset=utf-8", "<base href='/a/'><p>Привет. <a href='п?q=я'>x</a>", "/a/%D0%BF?q=%D1%8F"},
		"in the browser": {"text/html; charset=utf-8", shown, "/a/%D0%BF?q=%FF"},
		"made of a feed": {"application/rss+xml", "<?xml version='1.0' encoding='windows-1251'?><rss><channel><title>x</title><item><title>y</title><link>/a/\xef?q=\xff</link></item></channel></rss>", "/a/%D0%BF?q=%D1%8F"},
	} {
		r := readAs(t, tt.contentType, "x", tt.body)
		if len(r.Links) != 1 || !strings.HasSuffix(r.Links[0].URL, tt.want) {
			t.Errorf("%s: %+v, want %s", name, r.Links, tt.want)
		}
	}
}
