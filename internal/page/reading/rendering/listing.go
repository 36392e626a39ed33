package rendering

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/plaintext"
	"legwork/internal/page/reading/dom"
)

// listing writes code with its lines and spaces, but without line numbers.
func (r *renderer) listing(n *html.Node) {
	r.flush()
	var c code
	c.skip = r.skip
	c.lineSpans = linesInSpans(n)
	c.walk(n)
	text := trimLines(c.b.String())
	if r.nested {
		r.line.text(text)
		return
	}
	r.add(plaintext.Block{Kind: plaintext.Code, Text: text})
}

// code collects the text of a code block.
type code struct {
	b         strings.Builder
	skip      map[*html.Node]bool
	lineSpans bool // each line is an element of its own, without line ends between them
}

func (c *code) walk(n *html.Node) {
	for k := n.FirstChild; k != nil; k = k.NextSibling {
		switch {
		case k.Type == html.TextNode:
			c.b.WriteString(k.Data)
		case k.Type != html.ElementNode, c.skip[k], dom.Dropped[k.DataAtom], k.DataAtom == atom.Button, isLineNumber(k):
		case k.DataAtom == atom.Br:
			c.b.WriteByte('\n')
		case dom.IsBlock(k), c.lineSpans && isLineSpan(k), dom.HasAttr(k, dom.MarkBlock):
			c.newline()
			c.walk(k)
			c.newline()
		default:
			c.walk(k)
		}
	}
}

func (c *code) newline() {
	if s := c.b.String(); s != "" && s[len(s)-1] != '\n' {
		c.b.WriteByte('\n')
	}
}

var lineNames = dom.WordSet("line code-line cl view-line token-line row ln-line hljs-ln-line")

func isLineSpan(n *html.Node) bool {
	for name := range strings.FieldsSeq(dom.Attr(n, "class")) {
		if lineNames[strings.ToLower(name)] {
			return true
		}
	}
	return dom.HasAttr(n, "data-line")
}

// linesInSpans reports whether the lines of a code block are elements without line ends between them.
func linesInSpans(n *html.Node) bool {
	spans := 0
	for c := range n.Descendants() {
		if c.Type == html.TextNode && strings.Contains(strings.Trim(c.Data, "\n "), "\n") {
			return false
		}
		if c.Type == html.TextNode && c.Data == "\n" && spans > 0 && c.Parent == n {
			return false
		}
		if c.Type == html.ElementNode && isLineSpan(c) {
			spans++
		}
	}
	return spans > 1
}

var numberNames = dom.WordSet("lineno linenos line-number line-numbers linenumber linenumbers gutter blob-num rouge-gutter hljs-ln-numbers hljs-ln-n lnum ln lnt lno " +
	"linenodiv linenums line-num line-numbers-rows code-line-number react-syntax-highlighter-line-number prettyprint-line crayon-nums")

// isLineNumber reports whether an element contains line numbers.
func isLineNumber(n *html.Node) bool {
	unselectable := strings.Contains(strings.ReplaceAll(dom.Attr(n, "style"), " ", ""), "user-select:none") || dom.HasAttr(n, "data-unselectable") || dom.HasAttr(n, "unselectable")
	named := unselectable
	for name := range strings.FieldsSeq(dom.Attr(n, "class")) {
		named = named || numberNames[strings.ToLower(name)]
	}
	return named && dom.OnlyNumbers(n)
}

// isListing reports whether a <code> element is a block of code: it has several lines, as elements or separated by <br>.
func isListing(n *html.Node) bool {
	if dom.Within(n, atom.Pre) {
		return false
	}
	if dom.HasAttr(n, dom.MarkBlock) && dom.Has(n, func(c *html.Node) bool { return dom.IsBlock(c) || c.DataAtom == atom.Br }) {
		return true
	}
	lines := 0
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode && (dom.IsBlock(c) || c.DataAtom == atom.Br || isLineSpan(c)) {
			lines++
		}
	}
	return lines > 0
}

// codeTable returns the code in a table that has line numbers in one column and code in the other. For other tables, it returns false.
func (r *renderer) codeTable(n *html.Node, rows []tableRow) (string, bool) {
	if len(rows) == 0 || len(rows[0].cells) < 2 || len(rows[0].cells) > 3 {
		return "", false
	}
	words, _ := dom.Names(n)
	coded := dom.AnyOf(words, dom.WordSet("highlight highlighttable code listing blob hljs rouge gist codehilite crayon"))
	var b strings.Builder
	last := 0
	for i, row := range rows {
		if len(row.cells) < 2 {
			return "", false
		}
		number := row.cells[0]
		cell := row.cells[len(row.cells)-1]
		text := strings.TrimSpace(dom.RawText(number, 20))
		if !dom.OnlyNumbers(number) || text == "" && !dom.HasAttr(number, "data-line-number") && !coded {
			return "", false
		}
		coded = coded || dom.Has(cell, dom.Of(atom.Pre, atom.Code)) || isLineNumber(number)
		if len(rows) > 1 && text != "" {
			v, err := strconv.Atoi(text)
			if err != nil || i > 0 && v != last+1 {
				return "", false
			}
			last = v
		}
		c := code{skip: r.skip, lineSpans: linesInSpans(cell)}
		c.walk(cell)
		b.WriteString(strings.Trim(c.b.String(), "\n"))
		b.WriteByte('\n')
	}
	return trimLines(b.String()), coded
}

// trimLines removes empty lines before and after code, and white space at the ends of lines.
func trimLines(s string) string {
	lines := strings.Split(plaintext.Clean(s), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \t")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}
