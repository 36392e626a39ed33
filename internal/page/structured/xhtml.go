package structured

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// XHTML gives an XHTML document in the syntax of HTML, so that a parser of HTML reads the same tree: in XML "<script/>" is a
// whole element, in HTML it begins one that never ends. ok is false when the document is not well formed; browsers show an
// error then, and reading it as HTML gives the most.
func XHTML(text string) (page string, ok bool) {
	d := newDecoder(text)
	d.Strict = true
	var b strings.Builder
	b.Grow(len(text) + len(text)/8)
	b.WriteString("<!doctype html>")
	var raw []bool // of the open elements: its text is not escaped in HTML
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
				b.WriteString(strings.ReplaceAll(string(t), "</", `<\/`)) // nothing in it may end the element
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
		case a.Name.Space != "" && name != "lang": // xml:lang is HTML's lang; others mean nothing to HTML
			continue
		}
		b.WriteString(" " + name + `="` + html.EscapeString(a.Value) + `"`)
	}
	b.WriteString(">")
}

// void are the elements that HTML never closes.
var void = map[atom.Atom]bool{atom.Area: true, atom.Base: true, atom.Br: true, atom.Col: true, atom.Embed: true, atom.Hr: true, atom.Img: true,
	atom.Input: true, atom.Link: true, atom.Meta: true, atom.Param: true, atom.Source: true, atom.Track: true, atom.Wbr: true}
