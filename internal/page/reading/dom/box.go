package dom

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Overlays are words of names of what is no part of the text even when it is shown.
var Overlays = WordSet("modal dialog popup popover tooltip overlay lightbox menu submenu dropdown nav navigation offcanvas cookie consent gdpr newsletter " +
	"banner toast alertbar search loader spinner skeleton placeholder mobile print login signin megamenu drawer")

var mathBoxes = WordSet("katex katex-display mwe-math-element mathjax mjx-chtml mjx-container mathjax_display mathjax_svg mathjax_chtml mathjax_preview")

// IsMathBox reports whether n holds the writings of one formula, of which one is to be read.
func IsMathBox(n *html.Node) bool {
	if n.Data == "mjx-container" {
		return true
	}
	for name := range strings.FieldsSeq(Attr(n, "class")) {
		if mathBoxes[strings.ToLower(name)] {
			return true
		}
	}
	return false
}

// boxes holds class names of notes set apart from the running text.
var boxes = WordSet("note warning tip caution important admonition callout alert")

// maxBox is the size, in letters, up to which an element of such a class is a note. What is larger is an article.
const maxBox = 1500

// IsBox reports whether the headings in n are those of a note: what follows the note does not belong under them.
func IsBox(n *html.Node) bool {
	if n.DataAtom == atom.Aside || n.DataAtom == atom.Blockquote {
		return LettersUpTo(n, maxBox) < maxBox
	}
	if Attr(n, "class") == "" || n.DataAtom == atom.Article || n.DataAtom == atom.Main || n.DataAtom == atom.Body {
		return false
	}
	for name := range strings.FieldsSeq(Attr(n, "class")) {
		if boxes[strings.ToLower(name)] {
			return LettersUpTo(n, maxBox) < maxBox && !Has(n, Of(atom.H1)) && len(elementsOf(n, 2)) < 2
		}
	}
	return false
}

// elementsOf lists headings below n, at most limit of them.
func elementsOf(n *html.Node, limit int) []*html.Node {
	var out []*html.Node
	for c := range n.Descendants() {
		if c.Type == html.ElementNode && HeadingLevel(c) > 0 {
			if out = append(out, c); len(out) == limit {
				break
			}
		}
	}
	return out
}

// InBox reports whether a heading is that of a note.
func InBox(h *html.Node) bool {
	for p, i := h.Parent, 0; p != nil && i < 8; p, i = p.Parent, i+1 {
		if IsBox(p) {
			return true
		}
	}
	return false
}
