package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	readability "codeberg.org/readeck/go-readability/v2"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/research"
)

// Bounds of what is looked at twice.
const (
	maxReadable = 2 << 20 // bytes of HTML above which no main content is looked for; the whole body is taken
	maxHeading  = 200     // code points of a title or a heading in a path
)

// FromHTML reads an HTML document that was found at base: its main content as Markdown, its title, its language, what it
// says of its address and its dates, and all its links. header gives charset and language where the document does not; it may be nil. The error is ErrEmpty when
// there is no text (the links are given all the same); broken HTML is no error.
func FromHTML(base *url.URL, header http.Header, body []byte) (research.Page, []research.Link, error) {
	d := parseHTML(base, header, body)
	p, err := d.page()
	return p, d.links, err
}

// document is a parsed HTML page.
type document struct {
	base     *url.URL
	root     *html.Node
	size     int // bytes of HTML
	title    string
	heading  string // text of the first h1
	language string
	refresh  string // absolute target of an immediate meta refresh; empty: none
	wall     string // what stands in front of the content: "captcha", "login" or ""
	links    []research.Link
	facts    facts
	header   http.Header
}

func parseHTML(base *url.URL, header http.Header, body []byte) *document {
	text := Clean(decode(body, header.Get("Content-Type")))
	root, err := html.Parse(strings.NewReader(text))
	if err != nil { // nested deeper than the parser allows: keep the words
		root = wordsOnly(text)
	}
	d := &document{base: base, root: root, size: len(text), header: header}
	scan := scanner{doc: d, contexts: map[*html.Node]string{}, seen: map[string]bool{}}
	scan.prepare(root)
	scan.walk(root)
	d.links = scan.links
	d.title = cut(firstOf(scan.title, d.heading, scan.ogTitle), maxHeading)
	d.language = language(firstOf(scan.lang, header.Get("Content-Language"), scan.locale))
	d.wall = scan.wall()
	return d
}

// page renders the main content. It uses up the tree.
func (d *document) page() (research.Page, error) {
	text, err := markdown(d.content())
	if err != nil {
		return research.Page{}, err
	}
	if strings.TrimSpace(text) == "" {
		return research.Page{Title: d.title, Language: d.language}, ErrEmpty
	}
	if h := firstOf(d.heading, d.title); h != "" && !startsWithHeading(text) {
		text = "# " + cut(h, maxHeading) + "\n\n" + text
	}
	p := newPage(d.title, d.language, text)
	d.describe(&p, d.header)
	return p, nil
}

// newPage completes a page whose text is clean.
func newPage(title, language, text string) research.Page {
	sum := sha256.Sum256([]byte(text))
	return research.Page{ID: hex.EncodeToString(sum[:]), Title: title, Language: language, Text: text, Passages: Passages(text)}
}

// content picks the part of the page to keep. Readability is made for articles: it is believed where it keeps most of the
// text and nearly all of the definitions, tables and listings, which it drops on manuals, often with their headings.
// Otherwise, and where a quarter of the text stands in such structures, the page is taken whole, without its navigation.
func (d *document) content() *html.Node {
	prune(d.root)
	body := landmark(d.root)
	all := measure(body)
	if d.size > maxReadable || all.structured*4 >= all.text {
		return body // a manual, or nothing in it at all
	}
	parser := readability.NewParser()
	parser.DisableJSONLD = true
	parser.KeepClasses = true // name the language of code
	found, err := parser.ParseDocument(d.root, d.base)
	if err != nil || found.Node == nil {
		return body
	}
	kept := measure(found.Node)
	if kept.text*2 < all.text || kept.structured*10 < all.structured*9 {
		return body
	}
	restore(found.Node)
	return found.Node
}

// restore undoes what readability did to tags: it makes all h1 to h2, and renames elements by Data alone.
func restore(n *html.Node) {
	for c := range n.Descendants() {
		if c.Type != html.ElementNode {
			continue
		}
		if c.DataAtom == atom.H1 && c.Data == "h2" {
			c.Data = "h1"
		}
		c.DataAtom = atom.Lookup([]byte(c.Data))
	}
}

// landmark is the element that the page itself calls its main content, if there is exactly one; else the whole page.
func landmark(root *html.Node) *html.Node {
	for _, is := range []func(*html.Node) bool{
		func(n *html.Node) bool { return n.DataAtom == atom.Main || attr(n, "role") == "main" },
		func(n *html.Node) bool { return n.DataAtom == atom.Article },
	} {
		var found []*html.Node
		for n := range root.Descendants() {
			if n.Type == html.ElementNode && is(n) {
				found = append(found, n)
			}
		}
		if len(found) == 1 && measure(found[0]).text > 0 {
			return found[0]
		}
	}
	return root
}

// extent counts letters and digits.
type extent struct {
	text       int // all
	structured int // those in definitions, table cells and listings
}

func measure(n *html.Node) extent {
	var e extent
	var walk func(n *html.Node, structured bool)
	walk = func(n *html.Node, structured bool) {
		if n.Type == html.TextNode {
			c := 0
			for _, r := range n.Data {
				if unicode.IsLetter(r) || unicode.IsDigit(r) {
					c++
				}
			}
			e.text += c
			if structured {
				e.structured += c
			}
			return
		}
		if n.Type == html.ElementNode && (dropped[n.DataAtom] || hidden(n)) {
			return
		}
		structured = structured || n.DataAtom == atom.Dd || n.DataAtom == atom.Td || n.DataAtom == atom.Pre
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, structured)
		}
	}
	walk(n, false)
	return e
}

// prune removes what surrounds the content on every page of a site, and turns the headings of boxes (notes, warnings)
// into plain lines: what follows the box does not belong under them.
func prune(n *html.Node) {
	for c := n.FirstChild; c != nil; {
		next := c.NextSibling
		if c.Type == html.ElementNode {
			if surrounding(c) || hidden(c) {
				n.RemoveChild(c)
			} else {
				prune(c)
			}
		}
		c = next
	}
}

// surrounding reports whether n is navigation, by its element, its role or the words of its class.
func surrounding(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Nav, atom.Footer, atom.Aside:
		return true
	case atom.Header:
		return !within(n, atom.Main, atom.Article, atom.Section)
	case atom.Html, atom.Body, atom.Main, atom.Article:
		return false
	}
	switch attr(n, "role") {
	case "navigation", "banner", "contentinfo", "search", "menu", "menubar":
		return true
	}
	for _, word := range strings.FieldsFunc(strings.ToLower(attr(n, "class")+" "+attr(n, "id")), unicode.IsSpace) {
		if navigation[word] {
			return true
		}
	}
	return false
}

// navigation holds class names and ids that mean navigation wherever they are used.
var navigation = map[string]bool{"navheader": true, "navfooter": true, "navbar": true, "nav": true, "navigation": true,
	"site-nav": true, "sitenav": true, "breadcrumb": true, "breadcrumbs": true, "sidebar": true, "site-header": true,
	"site-footer": true, "footer": true, "sphinxsidebar": true, "related": true, "headerlink": true, "skip-link": true,
	"cookie-banner": true, "cookie-consent": true}

// boxes holds class names of notes set apart from the running text.
var boxes = map[string]bool{"note": true, "warning": true, "tip": true, "caution": true, "important": true,
	"admonition": true, "callout": true, "alert": true}

func inBox(n *html.Node) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.DataAtom == atom.Aside || p.DataAtom == atom.Blockquote {
			return true
		}
		for _, word := range strings.Fields(attr(p, "class")) {
			if boxes[strings.ToLower(word)] {
				return true
			}
		}
	}
	return false
}

func within(n *html.Node, atoms ...atom.Atom) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		for _, a := range atoms {
			if p.DataAtom == a {
				return true
			}
		}
	}
	return false
}

// wordsOnly is the tree of a document whose tags make no sense: its text in one element.
func wordsOnly(text string) *html.Node {
	pre := &html.Node{Type: html.ElementNode, DataAtom: atom.Div, Data: "div"}
	z := html.NewTokenizer(strings.NewReader(text))
	var b bytes.Buffer
	skip := false
	for {
		switch z.Next() {
		case html.ErrorToken:
			pre.AppendChild(&html.Node{Type: html.TextNode, Data: b.String()})
			return pre
		case html.StartTagToken:
			name, _ := z.TagName()
			skip = string(name) == "script" || string(name) == "style"
			b.WriteByte(' ')
		case html.TextToken:
			if !skip {
				b.Write(z.Text())
			}
		default:
			skip = false
			b.WriteByte(' ')
		}
	}
}

// language is the primary subtag of the first of a list of BCP 47 tags, in lower case; empty if it is none.
func language(tag string) string {
	tag, _, _ = strings.Cut(tag, ",")
	tag, _, _ = strings.Cut(strings.TrimSpace(tag), "-")
	tag, _, _ = strings.Cut(tag, "_")
	tag = strings.ToLower(tag)
	if len(tag) < 2 || len(tag) > 3 || strings.Trim(tag, "abcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	return tag
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v = strings.TrimSpace(v); v != "" {
			return v
		}
	}
	return ""
}

func startsWithHeading(text string) bool {
	level, _ := headingLine(strings.TrimLeft(strings.SplitN(text, "\n", 2)[0], " "))
	return level > 0
}
