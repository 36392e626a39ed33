package page

import (
	"bytes"
	"context"
	"index/suffixarray"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/representation"
	"legwork/internal/research"
)

// Document is a document as a server sent it, without content coding.
type Document struct {
	URL    *url.URL      // its address, after redirects
	Header http.Header   // headers of the answer
	Body   []byte        // without its Content-Encoding
	Left   time.Duration // time left of Config.Timeout after the load

	reader Reader // reads the HTML that a browser makes of the document; nil means InProcess
}

// ContentType returns the type and charset with which a browser should show the document. All kinds of text are shown unchanged, as plain
// text. The result is empty for documents that browsers do not show.
func (d *Document) ContentType() string {
	declared := d.Header.Get("Content-Type")
	kind := representation.KindOf(declared, d.URL, d.Body)
	if kind == representation.Binary || kind == representation.PDF {
		return ""
	}
	_, charset := representation.Text(d.Body, declared)
	switch {
	case kind == representation.XHTML && strings.HasPrefix(declared, "application/xhtml+xml"):
		return "application/xhtml+xml; charset=" + charset
	case isHTML(kind):
		return "text/html; charset=" + charset
	}
	return "text/plain; charset=" + charset
}

// Converted reports whether the document's text is read from a converted form, while a browser shows the source. This applies to feeds,
// outlines, tables, Markdown, JSON and XML.
func (d *Document) Converted() bool {
	switch representation.KindOf(d.Header.Get("Content-Type"), d.URL, d.Body) {
	case representation.Markdown, representation.Feed, representation.Outline, representation.Table, representation.JSON, representation.XML:
		return true
	}
	return false
}

// isHTML reports whether a kind of document is HTML or XHTML.
func isHTML(k representation.Kind) bool { return k == representation.HTML || k == representation.XHTML }

// Dynamic reports whether a browser may show more of the document than a parser finds: it is HTML with scripts or frames.
func (d *Document) Dynamic() bool {
	declared := d.Header.Get("Content-Type")
	if !isHTML(representation.KindOf(declared, d.URL, d.Body)) {
		return false
	}
	text, _ := representation.Text(d.Body, declared)
	z := html.NewTokenizer(strings.NewReader(text))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return false
		case html.StartTagToken, html.SelfClosingTagToken:
			if changes(z.Token()) {
				return true
			}
		}
	}
}

// changes reports whether an element can change what the page shows.
func changes(t html.Token) bool {
	switch t.DataAtom {
	case atom.Script:
		kind := ""
		for _, a := range t.Attr {
			if a.Key == "type" {
				kind, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(a.Val)), ";")
			}
		}
		return kind == "" || kind == "module" || strings.HasSuffix(kind, "javascript") || strings.HasSuffix(kind, "ecmascript")
	case atom.Iframe, atom.Frame:
		return true
	case atom.Body:
		for _, a := range t.Attr {
			if a.Key == "onload" {
				return true
			}
		}
	}
	return false
}

// Limits, in percent of the letters that the server sent. If the rendered page has fewer letters, scripts may have removed text, and the
// rendered page is not used. thin applies in general, lostLines if whole lines are missing and fewer new lines were added.
const (
	thin      = 70
	lostLines = 95
)

// Rendered reads rendered, the HTML that a browser made of d, and returns v with the text of rendered. If rendered cannot be read or has
// much less text than the server sent, the page in v is not replaced.
func (d *Document) Rendered(ctx context.Context, v research.Visit, rendered []byte) research.Visit {
	reader := d.reader
	if reader == nil {
		reader = NewInProcess("")
	}
	l := (&Fetcher{cfg: Config{Reader: reader}}).newLoad(Policy{})
	l.visit = v
	l.seen[l.key(d.URL)] = true
	l.visit.Outcome, l.visit.Message, l.visit.Page, l.visit.Links, l.visit.Note = "", "", nil, nil, ""
	header := http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Content-Language": d.Header.Values("Content-Language")}
	r, err := l.parse(ctx, d.URL, header, rendered)
	if next, err := l.take(ctx, d.URL, r, err); err != nil || next != "" || l.visit.Outcome != research.OutcomeOK {
		return v
	}
	if v.Page != nil && takesAway(v.Page.Text, l.visit.Page.Text, notShown(rendered)) {
		v.Note = "The scripts of the page take text away, so the page was read as the server sent it."
		return v
	}
	l.visit.Rendered = true
	return l.visit
}

// takesAway reports whether scripts removed text from a page: it became much shorter, or lines are missing and fewer lines were added. A
// line that is still in the page but hidden is not missing, because hidden text is left out on purpose.
func takesAway(served, shown, notShown string) bool {
	all := letters(served)
	if letters(shown)*100 < all*thin {
		return true
	}
	gone, came := letters(without(served, shown, notShown)), letters(without(shown, served, ""))
	return gone > came && (all-gone)*100 < all*lostLines
}

// maxNotShown bounds the text that notShown returns, in bytes.
const maxNotShown = 64 << 10

// notShown returns the text that the browser marked as not shown, with white space folded.
func notShown(rendered []byte) string {
	var out strings.Builder
	depth := 0 // nesting depth inside the outermost hidden element; 0 means outside
	z := html.NewTokenizer(bytes.NewReader(rendered))
	for out.Len() < maxNotShown {
		switch z.Next() {
		case html.ErrorToken:
			return strings.Join(strings.Fields(out.String()), " ")
		case html.StartTagToken:
			t := z.Token()
			if (depth > 0 || marked(t)) && !void[t.DataAtom] {
				depth++
			}
		case html.EndTagToken:
			depth = max(0, depth-1)
			if depth > 0 {
				out.WriteByte(' ')
			}
		case html.TextToken:
			if depth > 0 {
				out.Write(z.Text())
			}
		}
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

// void are the elements without an end tag (HTML standard, section 13.1.2).
var void = map[atom.Atom]bool{atom.Area: true, atom.Base: true, atom.Br: true, atom.Col: true, atom.Embed: true, atom.Hr: true, atom.Img: true,
	atom.Input: true, atom.Link: true, atom.Meta: true, atom.Source: true, atom.Track: true, atom.Wbr: true}

// marked reports whether the browser marked an element as hidden (browser/scripts/read.js).
func marked(t html.Token) bool {
	for _, a := range t.Attr {
		if a.Key == "data-legwork-hidden" || a.Key == "data-legwork-never" {
			return true
		}
	}
	return false
}

// without returns the lines of a that are not lines of b and not part of the text alsoLeftOut.
func without(a, b, alsoLeftOut string) string {
	left := suffixarray.New([]byte(alsoLeftOut)) // so that each look-up takes little time, however many lines there are
	have := map[string]bool{}
	for l := range strings.Lines(b) {
		have[strings.Join(strings.Fields(l), " ")] = true
	}
	var out strings.Builder
	for l := range strings.Lines(a) {
		if l = strings.Join(strings.Fields(l), " "); !have[l] && (l == "" || len(left.Lookup([]byte(l), 1)) == 0) {
			out.WriteString(l + "\n")
		}
	}
	return out.String()
}

func letters(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
		}
	}
	return n
}
