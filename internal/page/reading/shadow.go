package reading

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/reading/dom"
)

// attachShadow finds elements that have a declarative shadow root (<template shadowrootmode>, HTML § 4.12.3). It replaces their content by
// the shadow root, as browsers do. Each slot gets the children that name the slot. If no children name it, the slot keeps its own content.
func attachShadow(root *html.Node) {
	var templates []*html.Node
	for n := range root.Descendants() {
		if n.DataAtom == atom.Template && n.Parent != nil && (dom.Attr(n, "shadowrootmode") != "" || dom.Attr(n, "shadowroot") != "") {
			templates = append(templates, n)
		}
	}
	seen := map[*html.Node]bool{}
	for i := len(templates) - 1; i >= 0; i-- { // inner ones first
		if host := templates[i].Parent; host != nil && !seen[host] {
			seen[host] = true
			attachOne(host, firstShadow(host))
		}
	}
}

// maxFrames is the greatest number of frames whose content is read as a part of the document.
const maxFrames = 20

// openFrames replaces frames by the content of their srcdoc attribute.
func openFrames(root *html.Node) {
	var frames []*html.Node
	for n := range root.Descendants() {
		if n.DataAtom == atom.Iframe && dom.Attr(n, "srcdoc") != "" && !dom.HasAttr(n, "hidden") && len(frames) < maxFrames {
			frames = append(frames, n)
		}
	}
	for _, f := range frames {
		if f.Parent == nil {
			continue
		}
		inner, err := html.Parse(strings.NewReader(dom.Attr(f, "srcdoc")))
		if err != nil {
			continue
		}
		box := &html.Node{Type: html.ElementNode, DataAtom: atom.Div, Data: "div"}
		for n := range inner.Descendants() {
			if n.DataAtom == atom.Body {
				for n.FirstChild != nil {
					c := n.FirstChild
					n.RemoveChild(c)
					box.AppendChild(c)
				}
				break
			}
		}
		f.Parent.InsertBefore(box, f)
		f.Parent.RemoveChild(f)
	}
}

func firstShadow(host *html.Node) *html.Node {
	for c := host.FirstChild; c != nil; c = c.NextSibling {
		if c.DataAtom == atom.Template && (dom.Attr(c, "shadowrootmode") != "" || dom.Attr(c, "shadowroot") != "") {
			return c
		}
	}
	return nil
}

func attachOne(host, template *html.Node) {
	given := map[string][]*html.Node{} // children by the slot they name
	for c := host.FirstChild; c != nil; {
		next := c.NextSibling
		host.RemoveChild(c)
		if c.DataAtom != atom.Template {
			given[dom.Attr(c, "slot")] = append(given[dom.Attr(c, "slot")], c)
		}
		c = next
	}
	var slots []*html.Node
	for n := range template.Descendants() {
		if n.DataAtom == atom.Slot {
			slots = append(slots, n)
		}
	}
	for _, s := range slots {
		children := given[dom.Attr(s, "name")]
		if len(children) == 0 {
			continue
		}
		given[dom.Attr(s, "name")] = nil // only the first slot with this name gets the children
		for s.FirstChild != nil {
			s.RemoveChild(s.FirstChild)
		}
		for _, c := range children {
			s.AppendChild(c)
		}
	}
	for template.FirstChild != nil {
		c := template.FirstChild
		template.RemoveChild(c)
		host.AppendChild(c)
	}
}
