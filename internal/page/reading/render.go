package reading

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/plaintext"
)

// maxIndent is the deepest indentation of a definition.
const maxIndent = 3

// renderer writes a tree as blocks of text.
type renderer struct {
	out  []plaintext.Block
	line line
	skip map[*html.Node]bool

	indent int
	marker string // of a list item whose first block is yet to come
	at     int    // where the marker stands
	tight  bool   // the next block stands right below the last one
	boxed  bool   // in a box: headings are plain lines
	inCell bool
	nested bool // the blocks will be joined into one line
	alts   bool // images that stand alone are read too

	afterStruck bool
	pictures    []string // alternative texts of images that stand alone
}

// render writes what was chosen of a page. Where a page is made of pictures, their alternative texts are its text.
func render(c choice) []plaintext.Block {
	r := renderer{skip: c.skip, alts: !c.article}
	r.node(c.root)
	out := r.finish()
	sum := 0
	for _, alt := range r.pictures {
		sum += countLetters(alt)
	}
	if sum > 0 && lettersOf(out) < 2*sum {
		r = renderer{skip: c.skip, alts: true}
		r.node(c.root)
		out = r.finish()
	}
	return out
}

func (r *renderer) finish() []plaintext.Block {
	r.flush()
	return r.out
}

// flush ends the line that is being written as a paragraph, or as several where two line breaks follow each other.
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
	apart := attr(n, markApart)
	var last *html.Node
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode {
			switch {
			case apart == "row":
				r.line.space = true
			case apart == "column" && !isBlock(c):
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

// between puts a space between two elements in a line that stand side by side without one, where no word goes from one
// into the other: two links, a label and its value.
func (r *renderer) between(a, b *html.Node) {
	if r.line.space || r.line.empty() || !inline[a.DataAtom] || !inline[b.DataAtom] {
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
	if !hasAttr(a, "class") && !hasAttr(b, "class") || within(b, atom.Code, atom.Pre) {
		return
	}
	switch b.DataAtom {
	case atom.Span, atom.Strong, atom.B, atom.Em, atom.Small, atom.Time, atom.Label, atom.Output, atom.Data:
	default:
		return
	}
	next := strings.TrimSpace(rawText(b, 8))
	if next == "" {
		return
	}
	before, after := r.line.lastRune(), []rune(next)[0]
	if before == ':' || unicode.IsLower(before) && (unicode.IsUpper(after) || unicode.IsDigit(after)) || unicode.IsDigit(before) && unicode.IsUpper(after) && len(next) > 2 {
		r.line.space = true
	}
}

// node writes a node. Text went through plaintext.Clean when it was parsed; what character references spell goes through it in Build.
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
	if dropped[n.DataAtom] && n.DataAtom != 0 {
		return
	}
	if n.DataAtom == atom.Br {
		r.line.br()
		return
	}
	if level := headingLevel(n); level > 0 {
		r.heading(n, level)
		return
	}
	if n.Type == html.ElementNode && !isBlock(n) {
		r.inline(n)
		return
	}
	r.block(n)
}

func (r *renderer) formula(n *html.Node, text string) {
	if text == "" {
		return
	}
	display := attr(n, "display") == "block" || attr(n, "display") == "true" || strings.Contains(attr(n, "class"), "display")
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
		if role := attr(n, "role"); role == "tabpanel" || role == "region" {
			r.label(n)
		}
		boxed := r.boxed
		r.boxed = boxed || isBox(n)
		r.children(n)
		r.flush()
		r.boxed = boxed
	}
}

// label writes the name of a tab before its panel, where the panel has it in none of its headings.
func (r *renderer) label(n *html.Node) {
	if attr(n, "role") != "tabpanel" {
		return
	}
	if name := plaintext.Fold(attr(n, "aria-label")); name != "" && firstHeading(n) == nil {
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
	if r.boxed || countLetters(text) > 400 {
		r.line.text(text)
		r.flush()
		return
	}
	r.add(plaintext.Block{Kind: plaintext.Heading, Level: level, Text: plaintext.Cut(text, 2*plaintext.MaxHeading)})
}

// joined puts blocks on one line.
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

// list writes the items of a list, one below the other. An item that has a heading is a section and no item.
func (r *renderer) list(n *html.Node) {
	number, step := 1, 1
	if v, err := strconv.Atoi(attr(n, "start")); err == nil && v > -1000 && v < 1e6 {
		number = v
	}
	if hasAttr(n, "reversed") {
		step = -1
	}
	nestedIn := r.at
	first, begin := true, len(r.out)
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.DataAtom != atom.Li {
			r.node(c) // not allowed there, but its text is still text
			continue
		}
		if r.skip[c] {
			continue
		}
		r.flush()
		if v, err := strconv.Atoi(attr(c, "value")); err == nil && n.DataAtom == atom.Ol && v > -1000 && v < 1e6 {
			number = v
		}
		if has(c, func(h *html.Node) bool { return headingLevel(h) > 0 && !r.skip[h] }) && !r.boxed {
			r.children(c)
			r.flush()
			first, begin = true, len(r.out)
			continue
		}
		marker := "- "
		if n.DataAtom == atom.Ol {
			marker = ordinal(attr(n, "type"), number) + ". "
			number += step
		}
		from := len(r.out)
		afterItem := from > 0 && r.out[from-1].Kind == plaintext.Item
		r.tight = afterItem && (!first && from > begin || first && r.indent > 0 && r.out[from-1].Indent < r.indent)
		r.marker, r.at = marker, r.indent
		r.indent += len(marker)
		r.children(c)
		r.flush()
		r.indent -= len(marker)
		if r.marker != "" { // nothing in it
			r.marker = ""
			if len(r.out) == from && first {
				r.tight = false
				continue
			}
		}
		first = false
	}
	r.flush()
	r.tight, r.at = false, nestedIn
}

// ordinal is the number of an item as its list shows it.
func ordinal(kind string, n int) string {
	if n > 0 && n <= 26 {
		switch kind {
		case "a":
			return string(rune('a' + n - 1))
		case "A":
			return string(rune('A' + n - 1))
		}
	}
	if n > 0 && n < 40 && (kind == "i" || kind == "I") {
		s := strings.Repeat("x", n/10) + []string{"", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"}[n%10]
		if kind == "I" {
			return strings.ToUpper(s)
		}
		return s
	}
	return strconv.Itoa(n)
}

// definitions writes a definition list: each term a line of its own, what it means below it, indented by one space. A list
// without any definitions (a table of contents, an index) is a plain list.
func (r *renderer) definitions(n *html.Node) {
	entries := definitionParts(n, 0)
	defines := false
	for _, e := range entries {
		defines = defines || e.DataAtom != atom.Dt && hasProse(e)
	}
	if !defines {
		r.contents(entries)
		return
	}
	term, indent := "", r.indent
	flushTerm := func() {
		if term != "" {
			r.add(plaintext.Block{Kind: plaintext.Term, Text: term})
			term = ""
		}
	}
	for _, e := range entries {
		if r.skip[e] {
			continue
		}
		if e.DataAtom == atom.Dt {
			var inner renderer
			inner.skip, inner.boxed, inner.nested, inner.alts = r.skip, true, true, true
			inner.children(e)
			for _, b := range inner.finish() {
				for l := range strings.SplitSeq(b.Text, "\n") {
					if l = strings.TrimSpace(l); l != "" {
						if term != "" {
							term += "\n"
						}
						term += l
					}
				}
			}
			continue
		}
		flushTerm()
		if r.indent = indent + 1; indent >= maxIndent {
			r.indent = indent
		}
		r.children(e)
		r.flush()
		r.indent = indent
	}
	flushTerm()
}

func (r *renderer) contents(entries []*html.Node) {
	for _, e := range entries {
		if e.DataAtom == atom.Dt {
			r.marker, r.at = "- ", r.indent
			r.tight = len(r.out) > 0 && r.out[len(r.out)-1].Kind == plaintext.Item
		}
		r.indent += 2
		r.children(e)
		r.flush()
		r.indent -= 2
		r.marker = ""
	}
	r.tight = false
}

// definitionParts lists the dt and dd elements of a dl, looking through the div wrappers that HTML allows there.
func definitionParts(n *html.Node, depth int) []*html.Node {
	var parts []*html.Node
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode && c.DataAtom == atom.Div && depth < 10 {
			parts = append(parts, definitionParts(c, depth+1)...)
		} else if c.Type == html.ElementNode && !dropped[c.DataAtom] {
			parts = append(parts, c)
		}
	}
	return parts
}

// hasProse reports whether n holds text of its own, outside nested definition lists.
func hasProse(n *html.Node) bool {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		switch {
		case c.Type == html.TextNode && strings.TrimSpace(c.Data) != "":
			return true
		case c.Type == html.ElementNode && c.DataAtom != atom.Dl && !dropped[c.DataAtom] && hasProse(c):
			return true
		}
	}
	return false
}

// boxes holds class names of notes set apart from the running text.
var boxes = wordSet("note warning tip caution important admonition callout alert")

// maxBox is the size, in letters, up to which an element of such a class is a note. What is larger is an article.
const maxBox = 1500

// isBox reports whether the headings in n are those of a note: what follows the note does not belong under them.
func isBox(n *html.Node) bool {
	if n.DataAtom == atom.Aside || n.DataAtom == atom.Blockquote {
		return lettersUpTo(n, maxBox) < maxBox
	}
	if attr(n, "class") == "" || n.DataAtom == atom.Article || n.DataAtom == atom.Main || n.DataAtom == atom.Body {
		return false
	}
	for name := range strings.FieldsSeq(attr(n, "class")) {
		if boxes[strings.ToLower(name)] {
			return lettersUpTo(n, maxBox) < maxBox && !has(n, of(atom.H1)) && len(elementsOf(n, 2)) < 2
		}
	}
	return false
}

// elementsOf lists headings below n, at most limit of them.
func elementsOf(n *html.Node, limit int) []*html.Node {
	var out []*html.Node
	for c := range n.Descendants() {
		if c.Type == html.ElementNode && headingLevel(c) > 0 {
			if out = append(out, c); len(out) == limit {
				break
			}
		}
	}
	return out
}

// inBox reports whether a heading is that of a note.
func inBox(h *html.Node) bool {
	for p, i := h.Parent, 0; p != nil && i < 8; p, i = p.Parent, i+1 {
		if isBox(p) {
			return true
		}
	}
	return false
}
