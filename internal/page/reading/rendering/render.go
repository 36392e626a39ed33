package rendering

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/plaintext"
	"legwork/internal/page/reading/dom"
)

// maxIndent is the deepest indentation of a definition, in spaces.
const maxIndent = 3

// renderer writes a tree as blocks of text.
type renderer struct {
	out  []plaintext.Block
	line line
	skip map[*html.Node]bool

	indent int
	marker string // marker of a list item whose first block was not written yet
	at     int    // indentation of the marker
	tight  bool   // the next block has no empty line before it
	boxed  bool   // inside a note: headings are written as plain lines
	inCell bool
	nested bool // the blocks will be joined to one line
	alts   bool // also write the alternative texts of images that are alone in their block

	afterStruck bool
	pictures    []string // alternative texts of images that are alone in their block
}

// Blocks writes the content of root, without the elements in skip. In an article, images that are alone in their block are left out. But if
// a page consists mainly of images, their alternative texts are always written.
func Blocks(root *html.Node, skip map[*html.Node]bool, article bool) []plaintext.Block {
	r := renderer{skip: skip, alts: !article}
	r.node(root)
	out := r.finish()
	sum := 0
	for _, alt := range r.pictures {
		sum += dom.CountLetters(alt)
	}
	if sum > 0 && Letters(out) < 2*sum {
		r = renderer{skip: skip, alts: true}
		r.node(root)
		out = r.finish()
	}
	return out
}

// Letters counts the letters and digits of blocks.
func Letters(blocks []plaintext.Block) int {
	n := 0
	for _, b := range blocks {
		n += dom.CountLetters(b.Text)
	}
	return n
}

func (r *renderer) finish() []plaintext.Block {
	r.flush()
	return r.out
}

// flush ends the current line and adds it as a paragraph. Two line breaks in a row separate paragraphs.
func (r *renderer) flush() {
	text := r.line.take()
	r.afterStruck = false
	if text == "" {
		return
	}
	for part := range strings.SplitSeq(text, "\n\n") {
		var lines []string
		for l := range strings.SplitSeq(part, "\n") {
			if l = strings.TrimSpace(l); l != "" {
				lines = append(lines, l)
			}
		}
		r.add(plaintext.Block{Kind: plaintext.Paragraph, Text: strings.Join(lines, "\n")})
	}
}

func (r *renderer) add(b plaintext.Block) {
	if b.Text == "" {
		return
	}
	b.Indent += r.indent
	b.Tight = b.Tight || r.tight
	r.tight = false
	if r.marker != "" {
		if b.Kind == plaintext.Paragraph {
			b.Kind, b.Indent = plaintext.Item, r.at
			b.Text = r.marker + strings.ReplaceAll(b.Text, "\n", "\n"+strings.Repeat(" ", len(r.marker)))
		}
		r.marker = ""
	}
	r.out = append(r.out, b)
}

func (r *renderer) children(n *html.Node) {
	apart := dom.Attr(n, dom.MarkApart)
	var last *html.Node
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode {
			switch {
			case apart == "row":
				r.line.space = true
			case apart == "column" && !dom.IsBlock(c):
				r.line.br()
			case last != nil && last.NextSibling == c:
				r.between(last, c)
			}
			last = c
		} else if c.Type == html.TextNode && r.afterStruck {
			r.afterStruck = false
			if c.Data != "" && isWord(rune(c.Data[0])) {
				r.line.space = true
			}
		}
		r.node(c)
	}
}

// between adds a space between two inline elements that have no space between them, such as two links, or a label and its value. It adds no
// space if the elements are parts of one word.
func (r *renderer) between(a, b *html.Node) {
	if r.line.space || r.line.empty() || !dom.Inline[a.DataAtom] || !dom.Inline[b.DataAtom] {
		return
	}
	if r.afterStruck {
		r.line.space = true
		return
	}
	if a.DataAtom == atom.A && b.DataAtom == atom.A {
		r.line.space = true
		return
	}
	if !dom.HasAttr(a, "class") && !dom.HasAttr(b, "class") || dom.Within(b, atom.Code, atom.Pre) {
		return
	}
	switch b.DataAtom {
	case atom.Span, atom.Strong, atom.B, atom.Em, atom.Small, atom.Time, atom.Label, atom.Output, atom.Data:
	default:
		return
	}
	next := strings.TrimSpace(dom.RawText(b, 8))
	if next == "" {
		return
	}
	before, after := r.line.lastRune(), []rune(next)[0]
	if before == ':' || unicode.IsLower(before) && (unicode.IsUpper(after) || unicode.IsDigit(after)) || unicode.IsDigit(before) && unicode.IsUpper(after) && len(next) > 2 {
		r.line.space = true
	}
}

// node writes a node. plaintext.Clean was applied to the document before it was parsed. Characters that come from character references are
// cleaned later, by plaintext.Build.
func (r *renderer) node(n *html.Node) {
	switch n.Type {
	case html.TextNode:
		r.line.text(n.Data)
		return
	case html.ElementNode, html.DocumentNode:
	default:
		return
	}
	if r.skip[n] {
		return
	}
	if text, ok := formula(n); ok {
		r.formula(n, text)
		return
	}
	if r.sign(n) || dom.Dropped[n.DataAtom] && n.DataAtom != 0 {
		return
	}
	if n.DataAtom == atom.Br {
		r.line.br()
		return
	}
	if level := dom.HeadingLevel(n); level > 0 {
		r.heading(n, level)
		return
	}
	if n.Type == html.ElementNode && !dom.IsBlock(n) {
		r.inline(n)
		return
	}
	r.block(n)
}

func (r *renderer) formula(n *html.Node, text string) {
	if text == "" {
		return
	}
	display := dom.Attr(n, "display") == "block" || dom.Attr(n, "display") == "true" || strings.Contains(dom.Attr(n, "class"), "display")
	if display && !r.nested {
		r.flush()
		r.line.text(text)
		r.flush()
		return
	}
	r.line.text(text)
}

func (r *renderer) block(n *html.Node) {
	r.flush()
	switch n.DataAtom {
	case atom.Ul, atom.Ol, atom.Menu, atom.Dir:
		r.list(n)
	case atom.Dl:
		r.definitions(n)
	case atom.Table:
		r.table(n)
	case atom.Pre, atom.Listing, atom.Xmp:
		r.listing(n)
	default:
		if role := dom.Attr(n, "role"); role == "tabpanel" || role == "region" {
			r.label(n)
		}
		boxed := r.boxed
		r.boxed = boxed || dom.IsBox(n)
		r.children(n)
		r.flush()
		r.boxed = boxed
	}
}

// label writes the name of a tab before the tab's panel, unless a heading in the panel has the same text.
func (r *renderer) label(n *html.Node) {
	if dom.Attr(n, "role") != "tabpanel" {
		return
	}
	if name := plaintext.Fold(dom.Attr(n, "aria-label")); name != "" && dom.FirstHeading(n) == nil {
		r.line.text(name)
		r.flush()
	}
}

func (r *renderer) heading(n *html.Node, level int) {
	r.flush()
	var inner renderer
	inner.skip, inner.boxed, inner.nested, inner.alts = r.skip, true, true, true
	inner.children(n)
	text := joined(inner.finish(), " ")
	if r.boxed || dom.CountLetters(text) > 400 {
		r.line.text(text)
		r.flush()
		return
	}
	r.add(plaintext.Block{Kind: plaintext.Heading, Level: level, Text: plaintext.Cut(text, 2*plaintext.MaxHeading)})
}

// joined returns the texts of blocks as one line.
func joined(blocks []plaintext.Block, separator string) string {
	var parts []string
	for i, b := range blocks {
		text := strings.Join(strings.Fields(b.Text), " ")
		if b.Kind == plaintext.Item {
			text = strings.TrimPrefix(text, "- ")
			if i > 0 && blocks[i-1].Kind == plaintext.Item {
				parts[len(parts)-1] += ";"
			}
		}
		if text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, separator)
}
