package reading

import (
	"bytes"
	"errors"
	"net/url"
	"strings"
	"unicode"

	readability "codeberg.org/readeck/go-readability/v2"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/plaintext"
	"legwork/internal/research"
	"legwork/internal/weburl"
)

// Bounds of what is looked at twice.
const maxReadable = 2 << 20 // bytes of HTML above which no main content is looked for; the whole body is taken

// ErrEmpty: the document holds no text.
var ErrEmpty = errors.New("the document holds no text")

// Input is an HTML document to be read.
type Input struct {
	Text     string   // in UTF-8
	URL      *url.URL // where it was found
	Language string   // Content-Language of the answer; the document's own statement goes before it
	// SameSite reports whether two addresses belong to one registrable domain.
	SameSite func(a, b *url.URL) bool
}

// Document is a parsed HTML page.
type Document struct {
	Links   []research.Link
	Refresh string // absolute target of an immediate meta refresh; empty: none
	Wall    string // what stands in front of the content: "captcha", "login" or ""

	in       Input
	base     *weburl.Base // what references are resolved against
	root     *html.Node
	size     int // bytes of HTML
	title    string
	heading  string // text of the first h1
	language string
	facts    facts
}

// Parse parses a document and reads from it everything but the text. Broken HTML is no error.
func Parse(in Input) *Document {
	in.Text = plaintext.Clean(in.Text)
	root, err := html.Parse(strings.NewReader(in.Text))
	if err != nil { // nested deeper than the parser allows: keep the words
		root = wordsOnly(in.Text)
	}
	d := &Document{in: in, base: weburl.NewBase(in.URL), root: root, size: len(in.Text)}
	scan := scanner{doc: d, contexts: map[*html.Node]string{}, seen: map[string]bool{}}
	scan.prepare(root)
	scan.walk(root)
	d.Links = scan.links
	d.title = plaintext.Cut(plaintext.FirstOf(scan.title, d.heading, scan.ogTitle), plaintext.MaxHeading)
	d.language = plaintext.Language(plaintext.FirstOf(scan.lang, in.Language, scan.locale))
	d.Wall = scan.wall()
	return d
}

// Page gives the main content as text, with title, language, passages and what the document says of its address and dates.
// It uses up the tree and can be called once. The error is ErrEmpty when there is no text.
func (d *Document) Page() (research.Page, error) {
	text, err := markdown(d.content())
	if err != nil {
		return research.Page{}, err
	}
	if strings.TrimSpace(text) == "" {
		return research.Page{Title: d.title, Language: d.language}, ErrEmpty
	}
	if h := plaintext.FirstOf(d.heading, d.title); h != "" && !startsWithHeading(text) {
		text = "# " + plaintext.Cut(h, plaintext.MaxHeading) + "\n\n" + text
	}
	p := plaintext.NewPage(d.title, d.language, text)
	d.describe(&p)
	return p, nil
}

// content picks the part of the page to keep. Readability is made for articles: it is believed where it keeps most of the
// text and nearly all of the definitions, tables and listings, which it drops on manuals, often with their headings.
// Otherwise, and where a quarter of the text stands in such structures, the page is taken whole, without its navigation.
func (d *Document) content() *html.Node {
	prune(d.root)
	body := landmark(d.root)
	all := measure(body)
	if d.size > maxReadable || all.structured*4 >= all.text {
		return body // a manual, or nothing in it at all
	}
	parser := readability.NewParser()
	parser.DisableJSONLD = true
	parser.KeepClasses = true // name the language of code
	found, err := parser.ParseDocument(d.root, d.base.URL())
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

func startsWithHeading(text string) bool {
	level, _ := plaintext.HeadingLine(strings.TrimLeft(strings.SplitN(text, "\n", 2)[0], " "))
	return level > 0
}
