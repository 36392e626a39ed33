// Package structured converts documents that are not pages: feeds, outlines, tables and XHTML to HTML; JSON and XML to plain
// lines. It also finds the addresses in plain text.
//
// Invariants:
//
//   - The input is UTF-8 text. What a document says about its charset is ignored.
//   - HTML output is well formed for any input, because markup in feeds is parsed and written again.
//   - The number of items, cells and elements, the depth and the size of the output are limited. If something is left out, note is a
//     sentence that says so. Otherwise note is empty.
//   - Recursion is at most maxDepth deep, and time is linear in the input.
package structured

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Limits for reading one document.
const (
	maxDepth    = 100     // nested elements, objects and lists
	maxItems    = 2_000   // items of a feed or an outline
	maxCells    = 200_000 // cells of a table
	maxElements = 200_000 // elements of XML, values of JSON
)

// ErrSyntax means that the document is not of the expected kind. It may still be read as plain text.
var ErrSyntax = errors.New("the document is not well formed")

// newDecoder returns a tolerant XML decoder. It expands only HTML's own entities, so that no document can grow when it is read.
func newDecoder(ctx context.Context, text string) *xml.Decoder {
	d := xml.NewDecoder(newSource(ctx, withoutDeclaration(text)))
	d.Strict = false
	d.Entity = xml.HTMLEntity
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	return d
}

// withoutDeclaration removes an XML declaration and anything before it. The charset in the declaration is wrong, since the text is now
// UTF-8.
func withoutDeclaration(text string) string {
	text = strings.TrimLeft(text, "\uFEFF \t\r\n\x00")
	if strings.HasPrefix(text, "<?xml ") {
		if _, after, found := strings.Cut(text, "?>"); found {
			return strings.TrimLeft(after, " \t\r\n")
		}
	}
	return text
}

// escape escapes text for HTML.
func escape(s string) string { return html.EscapeString(s) }

// balanced returns a piece of HTML from a feed with all elements closed and without scripts. Plain text is not changed.
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

// words returns the text of a piece of HTML, one line per block.
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

// looksLikeHTML reports whether a text contains markup.
func looksLikeHTML(s string) bool {
	i := strings.Index(s, "</")
	return i >= 0 && strings.IndexByte(s[i:], '>') > 0 || strings.Contains(s, "<br") || strings.Contains(s, "<p>")
}
