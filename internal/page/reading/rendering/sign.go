package rendering

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/plaintext"
	"legwork/internal/page/reading/dom"
)

// sign writes what an element without text says, and reports whether it has written anything: a check box of a list of tasks as [x] or [ ],
// and the name of an icon in the cell of a table, where the icon is often all that the cell says.
func (r *renderer) sign(n *html.Node) bool {
	switch {
	case n.DataAtom == atom.Input:
		if !strings.EqualFold(dom.Attr(n, "type"), "checkbox") || !dom.HasAttr(n, "disabled") || !dom.Within(n, atom.Li) {
			return false
		}
		box := "[ ]"
		if dom.HasAttr(n, "checked") {
			box = "[x]"
		}
		r.line.text(box)
		r.line.space = true
		return true
	case !r.inCell || !dom.Inline[n.DataAtom] && n.DataAtom != atom.Svg || n.DataAtom == atom.Img:
		return false
	}
	name := iconName(n)
	if name == "" || n.DataAtom != atom.Svg && !isEmpty(n) {
		return false
	}
	r.stands(name, n)
	return true
}

// isEmpty reports whether n has no elements and no text.
func isEmpty(n *html.Node) bool {
	for c := range n.ChildNodes() {
		if c.Type == html.ElementNode || c.Type == html.TextNode && strings.TrimSpace(c.Data) != "" {
			return false
		}
	}
	return true
}

// maxIconName is the greatest length of the name of an icon, in bytes. A longer title is an explanation.
const maxIconName = 60

// iconName returns the name of an icon, or an empty string.
func iconName(n *html.Node) string {
	name := ""
	switch {
	case n.DataAtom == atom.Svg:
		name = dom.Attr(n, "aria-label")
		if t := dom.Child(n, atom.Title); name == "" && t != nil && t.FirstChild != nil {
			name = t.FirstChild.Data
		}
	case dom.Attr(n, "role") == "img":
		name = dom.Attr(n, "aria-label")
	case n.DataAtom == atom.I || n.DataAtom == atom.Span:
		name = plaintext.FirstOf(dom.Attr(n, "title"), dom.Attr(n, "aria-label"))
	}
	if name = plaintext.Fold(name); len(name) > maxIconName {
		return ""
	}
	return name
}
