package rendering

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/plaintext"
	"legwork/internal/page/reading/dom"
)

// list writes the items of a list, one below the other. An item that contains a heading is written as a section.
func (r *renderer) list(n *html.Node) {
	number, step := 1, 1
	if v, err := strconv.Atoi(dom.Attr(n, "start")); err == nil && v > -1000 && v < 1e6 {
		number = v
	}
	if dom.HasAttr(n, "reversed") {
		step = -1
		if !dom.HasAttr(n, "start") {
			number = items(n)
		}
	}
	nestedIn := r.at
	first, begin := true, len(r.out)
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.DataAtom != atom.Li {
			r.node(c) // HTML does not allow this element in a list, but its text is written too
			continue
		}
		if r.skip[c] {
			continue
		}
		r.flush()
		if v, err := strconv.Atoi(dom.Attr(c, "value")); err == nil && n.DataAtom == atom.Ol && v > -1000 && v < 1e6 {
			number = v
		}
		if dom.Has(c, func(h *html.Node) bool { return dom.HeadingLevel(h) > 0 && !r.skip[h] }) && !r.boxed {
			r.children(c)
			r.flush()
			first, begin = true, len(r.out)
			continue
		}
		marker := "- "
		if n.DataAtom == atom.Ol {
			marker = ordinal(dom.Attr(n, "type"), number) + ". "
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
		if r.marker != "" { // the item was empty, so its marker was not written
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

// items returns the number of items of a list.
func items(n *html.Node) int {
	count := 0
	for c := range n.ChildNodes() {
		if c.DataAtom == atom.Li {
			count++
		}
	}
	return count
}

// ordinal returns the number of an item in the numbering style of its list.
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

// definitions writes a definition list: each term on a line of its own, then its definition, indented by one space. A list without
// definitions, such as a table of contents, is written as a plain list.
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

// definitionParts returns the dt and dd elements of a dl, including those in div elements, which HTML allows there.
func definitionParts(n *html.Node, depth int) []*html.Node {
	var parts []*html.Node
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode && c.DataAtom == atom.Div && depth < 10 {
			parts = append(parts, definitionParts(c, depth+1)...)
		} else if c.Type == html.ElementNode && !dom.Dropped[c.DataAtom] {
			parts = append(parts, c)
		}
	}
	return parts
}

// hasProse reports whether n has text outside nested definition lists.
func hasProse(n *html.Node) bool {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		switch {
		case c.Type == html.TextNode && strings.TrimSpace(c.Data) != "":
			return true
		case c.Type == html.ElementNode && c.DataAtom != atom.Dl && !dom.Dropped[c.DataAtom] && hasProse(c):
			return true
		}
	}
	return false
}
