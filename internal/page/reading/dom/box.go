package dom

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Overlays are words in class names and ids of elements that do not belong to the text even if they are shown.
var Overlays = WordSet("modal dialog popup popover tooltip overlay lightbox menu submenu dropdown nav navigation offcanvas cookie consent gdpr newsletter " +
	"banner toast alertbar search loader spinner skeleton placeholder mobile print login signin megamenu drawer")

var mathBoxes = WordSet("katex katex-display mwe-math-element mathjax mjx-chtml mjx-container mathjax_display mathjax_svg mathjax_chtml mathjax_preview")

// IsMathBox reports whether n contains the same formula in several notations, of which only one is to be read.
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

// boxes are class names of notes: boxes that are set apart from the running text.
var boxes = WordSet("note warning tip caution important admonition callout alert")

// maxBox is the greatest size of a note, in letters. A larger element with one of these class names is ordinary content.
const maxBox = 1500

// IsBox reports whether n is a note. A heading inside a note does not apply to the text after the note.
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

// elementsOf returns the headings below n, at most limit.
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

// InBox reports whether a heading belongs to a note.
func InBox(h *html.Node) bool {
	for p, i := h.Parent, 0; p != nil && i < 8; p, i = p.Parent, i+1 {
		if IsBox(p) {
			return true
		}
	}
	return false
}
