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

// XHTML converts an XHTML document to HTML syntax, so that an HTML parser reads the same tree. For example, "<script/>" is a complete
// element in XML, but an opening tag in HTML. If the document is not well formed, ok is false. Then the caller should read the document as
// HTML, which keeps most of the text.
func XHTML(ctx context.Context, text string) (page string, ok bool) {
	d := newDecoder(ctx, text)
	d.Strict = true
	var b strings.Builder
	b.Grow(len(text) + len(text)/8)
	b.WriteString("<!doctype html>")
	var raw []bool // for each open element: true if HTML does not escape the element's text
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return b.String(), len(raw) == 0
		}
		if err != nil {
			return "", false
		}
		switch t := t.(type) {
		case xml.StartElement:
			writeStart(&b, t)
			a := atom.Lookup([]byte(t.Name.Local))
			raw = append(raw, a == atom.Script || a == atom.Style)
			if len(raw) > 10*maxDepth {
				return "", false
			}
		case xml.EndElement:
			raw = raw[:len(raw)-1]
			if !void[atom.Lookup([]byte(t.Name.Local))] {
				b.WriteString("</" + t.Name.Local + ">")
			}
		case xml.CharData:
			if len(raw) > 0 && raw[len(raw)-1] {
				b.WriteString(strings.ReplaceAll(string(t), "</", `<\/`)) // so that the text cannot close the element
			} else {
				b.WriteString(html.EscapeString(string(t)))
			}
		}
	}
}

func writeStart(b *strings.Builder, t xml.StartElement) {
	b.WriteString("<" + t.Name.Local)
	for _, a := range t.Attr {
		name := a.Name.Local
		switch {
		case name == "xmlns" || a.Name.Space == "xmlns":
			continue
		case a.Name.Space != "" && name != "lang": // xml:lang becomes HTML's lang; other prefixed attributes mean nothing in HTML
			continue
		}
		b.WriteString(" " + name + `="` + html.EscapeString(a.Value) + `"`)
	}
	b.WriteString(">")
}

// void are the elements that have no closing tag in HTML.
var void = map[atom.Atom]bool{atom.Area: true, atom.Base: true, atom.Br: true, atom.Col: true, atom.Embed: true, atom.Hr: true, atom.Img: true,
	atom.Input: true, atom.Link: true, atom.Meta: true, atom.Param: true, atom.Source: true, atom.Track: true, atom.Wbr: true}
