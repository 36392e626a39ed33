// Package structured turns documents that are no pages into something that is read like one: feeds, outlines, tables and
// XHTML into HTML, JSON and XML into plain lines. It also finds the addresses in plain text.
//
// Invariants:
//
//   - Input is UTF-8 text. What it says of its own charset is ignored.
//   - HTML that is given is well formed, whatever stood in the document: markup of feeds is parsed and written anew.
//   - Items, cells, elements, depth and output are bounded. What is left out is told in a note, a sentence; an empty note
//     says that all is there.
//   - Nothing recurses deeper than maxDepth, and time is linear in the input.
package structured

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Bounds of what is read of one document.
const (
	maxDepth    = 100     // of nested elements, objects and lists
	maxItems    = 2_000   // of a feed or an outline
	maxCells    = 200_000 // of a table
	maxElements = 200_000 // of XML and JSON
)

// ErrSyntax is a document that is not of the kind that it was taken for. It may still be read as plain text.
var ErrSyntax = errors.New("the document is not well formed")

// newDecoder gives a tolerant decoder of XML text. References to HTML's entities are known; no others are expanded, so that
// no document can grow.
func newDecoder(text string) *xml.Decoder {
	d := xml.NewDecoder(strings.NewReader(withoutDeclaration(text)))
	d.Strict = false
	d.Entity = xml.HTMLEntity
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	return d
}

// withoutDeclaration cuts off an XML declaration, whose charset no longer holds, and what wrongly stands before it.
func withoutDeclaration(text string) string {
	text = strings.TrimLeft(text, "\uFEFF \t\r\n\x00")
	if strings.HasPrefix(text, "<?xml ") {
		if _, after, found := strings.Cut(text, "?>"); found {
			return strings.TrimLeft(after, " \t\r\n")
		}
	}
	return text
}

// escape makes text safe to stand in HTML.
func escape(s string) string { return html.EscapeString(s) }

// balanced gives a piece of HTML, as feeds carry it, with each element closed and without scripts. Text that is no HTML
// stays what it is.
func balanced(piece string) string {
	context := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	nodes, err := html.ParseFragment(strings.NewReader(piece), context)
	if err != nil {
		return escape(piece)
	}
	var b strings.Builder
	for _, n := range nodes {
		if err := html.Render(&b, n); err != nil {
			return escape(piece)
		}
	}
	return b.String()
}

// words is the text of a piece of HTML, with a line for each block.
func words(piece string) string {
	z := html.NewTokenizer(strings.NewReader(piece))
	var b strings.Builder
	for skip := false; ; {
		switch z.Next() {
		case html.ErrorToken:
			return strings.TrimSpace(b.String())
		case html.TextToken:
			if !skip {
				b.Write(z.Text())
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			switch string(name) {
			case "script", "style":
				skip = !skip
			case "p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote":
				b.WriteByte('\n')
			}
		}
	}
}

// looksLikeHTML reports whether a text holds markup.
func looksLikeHTML(s string) bool {
	i := strings.Index(s, "</")
	return i >= 0 && strings.IndexByte(s[i:], '>') > 0 || strings.Contains(s, "<br") || strings.Contains(s, "<p>")
}
