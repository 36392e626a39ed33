package reading

import (
	"bytes"
	"errors"
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/plaintext"
	"legwork/internal/page/reading/dom"
	"legwork/internal/page/reading/maincontent"
	"legwork/internal/page/reading/rendering"
	"legwork/internal/page/reading/visibility"
	"legwork/internal/research"
	"legwork/internal/weburl"
)

// ErrEmpty means that the document has no text.
var ErrEmpty = errors.New("the document holds no text")

// Input is an HTML document to read.
type Input struct {
	Text     string   // in UTF-8
	URL      *url.URL // the document's address
	Language string   // from the Content-Language header; used only if the document names no language
	Charset  string   // charset of the original document, by its name in the WHATWG Encoding standard; it encodes the queries of links. Empty means UTF-8
	Whole    bool     // keep everything, for documents converted from another format
	// SameSite reports whether two addresses have the same registrable domain.
	SameSite func(a, b *url.URL) bool
}

// Document is a parsed HTML page.
type Document struct {
	Links     []research.Link
	MoreLinks bool   // the limit of links was reached; the document may have more
	Cut       bool   // the limit of elements was reached; what follows was not read
	Refresh   string // absolute target of an immediate meta refresh; empty if there is none
	Wall      string // what replaces the content: "captcha", "login" or ""
	// Kept is the number of letters in the text, divided by the number of visible letters on the page outside links, 0..1. The method Page
	// sets it.
	Kept float64

	in       Input
	base     *weburl.Base // base for relative references
	root     *html.Node
	title    string
	heading  string // text of the first h1
	language string
	facts    facts
	scripted bool // the page has scripts that were not run and may write content
}

// Parse parses a document and reads its links and facts. The method Page reads its text. Broken HTML is not an error.
func Parse(in Input) *Document {
	var left cut
	in.Text, left = bounded(plaintext.Clean(in.Text))
	root, err := html.Parse(strings.NewReader(in.Text))
	if err != nil { // the document has more levels than the parser allows, so use only its words
		root = wordsOnly(in.Text)
	}
	attachShadow(root)
	openFrames(root)
	d := &Document{in: in, base: weburl.NewBaseIn(in.URL, in.Charset), root: root}
	scan := scanner{doc: d, contexts: map[*html.Node]string{}, targets: map[string]target{}, seen: map[string]bool{}}
	scan.prepare(root)
	scan.walk(root)
	d.Links, d.MoreLinks, d.Cut = scan.links, len(scan.links) == maxLinks || left.links, left.elements
	d.title = plaintext.Cut(plaintext.FirstOf(scan.title, d.heading, scan.ogTitle), plaintext.MaxHeading)
	d.language = plaintext.Language(plaintext.FirstOf(scan.lang, in.Language, scan.locale))
	d.Wall = scan.wall()
	return d
}

// titled reports whether the first block is a heading, or one of the first six blocks is a level 1 heading with the title.
func titled(blocks []plaintext.Block, title string) bool {
	for i, b := range blocks[:min(len(blocks), 6)] {
		if b.Kind == plaintext.Heading && (i == 0 || b.Level == 1 && plaintext.Fold(b.Text) == title) {
			return true
		}
	}
	return false
}

// lossy is a percentage. If the chosen part has less than this share of the page's text, the whole page is rendered too.
const lossy = 50

// Page returns the main content as text, with title, language, passages, canonical address and dates. It changes the tree, so it can be
// called only once. The error is ErrEmpty if there is no text.
func (d *Document) Page() (research.Page, error) {
	visibility.RemoveUnseen(d.root)
	c := d.choose()
	blocks := rendering.Blocks(c.Root, c.Skip, c.Article)
	got, body := rendering.Letters(blocks), d.body()
	if c.Root != body && got*100 < c.All*lossy { // much text is left out, so perhaps the whole page has more content
		whole := rendering.Blocks(body, c.Skip, false)
		if n := rendering.Letters(whole); got*100 < n*lossy {
			blocks, got = whole, n
		}
	}
	if got == 0 && c.All > 0 && !d.scripted { // but if scripts write the content, the text around it must not be used in its place
		blocks = rendering.Blocks(body, nil, false)
		got = rendering.Letters(blocks)
	}
	if got == 0 {
		return research.Page{Title: d.title, Language: d.language}, ErrEmpty
	}
	d.Kept = min(1, float64(got)/float64(max(c.Own, 1)))
	if h := plaintext.FirstOf(d.heading, d.title); h != "" && !titled(blocks, h) {
		blocks = append([]plaintext.Block{{Kind: plaintext.Heading, Level: 1, Text: plaintext.Cut(h, plaintext.MaxHeading)}}, blocks...)
	}
	p := plaintext.Build(d.title, d.language, blocks)
	d.describe(&p)
	return p, nil
}

func (d *Document) body() *html.Node {
	for n := range d.root.Descendants() {
		if n.DataAtom == atom.Body {
			return n
		}
	}
	return d.root
}

// choose returns the part of the page to keep.
func (d *Document) choose() maincontent.Choice {
	if d.in.Whole {
		return maincontent.Choice{Root: d.body(), All: dom.Letters(d.body())}
	}
	return maincontent.Choose(maincontent.Page{Body: d.body(), Title: d.title, Path: d.in.URL.Path, Article: d.facts.article, Thread: d.facts.thread, Scripted: d.scripted})
}

// wordsOnly returns a tree of one element that contains the text of a document that could not be parsed.
func wordsOnly(text string) *html.Node {
	div := &html.Node{Type: html.ElementNode, DataAtom: atom.Div, Data: "div"}
	z := html.NewTokenizer(strings.NewReader(text))
	var b bytes.Buffer
	skip := false
	for {
		switch z.Next() {
		case html.ErrorToken:
			div.AppendChild(&html.Node{Type: html.TextNode, Data: b.String()})
			return div
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
