package reading

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/plaintext"
)

// flatten rewrites the tree below n, in one pass, to what a reader of the page reads: hidden elements, scripts and
// controls go, inline elements give way to their children, images to their alternative text.
func flatten(n *html.Node) {
	defer mergeText(n)
	for c := n.FirstChild; c != nil; {
		next := c.NextSibling
		switch {
		case c.Type == html.CommentNode, c.Type == html.ElementNode && (dropped[c.DataAtom] || hidden(c)):
			n.RemoveChild(c)
		case c.Type == html.TextNode:
			c.Data = plaintext.Clean(c.Data) // character references may spell what the source could not
		case c.Type != html.ElementNode:
		case c.DataAtom == atom.Pre: // its text is kept as it stands
			flattenPre(c)
		case c.DataAtom == atom.Img:
			replace(c, alternative(c))
		case c.DataAtom == atom.Wbr:
			n.RemoveChild(c)
		default:
			flatten(c)
			if inline[c.DataAtom] || c.DataAtom == 0 && !strings.Contains(c.Data, "-") {
				unwrap(c)
			}
		}
		c = next
	}
}

// mergeText joins neighbouring text nodes below n, which unwrapping leaves behind by the thousands.
func mergeText(n *html.Node) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type != html.TextNode || c.NextSibling == nil || c.NextSibling.Type != html.TextNode {
			continue
		}
		var b strings.Builder
		b.WriteString(c.Data)
		for next := c.NextSibling; next != nil && next.Type == html.TextNode; next = c.NextSibling {
			b.WriteString(next.Data)
			n.RemoveChild(next)
		}
		c.Data = b.String()
	}
}

func flattenPre(pre *html.Node) {
	for c := pre.FirstChild; c != nil; {
		next := c.NextSibling
		if c.Type == html.CommentNode || c.Type == html.ElementNode && (dropped[c.DataAtom] || hidden(c)) {
			pre.RemoveChild(c)
		} else if c.Type == html.TextNode {
			c.Data = plaintext.Clean(c.Data)
		} else {
			flattenPre(c)
		}
		c = next
	}
}

// unwrap puts the children of n in its place, with the signs that browsers draw around some elements.
func unwrap(n *html.Node) {
	switch n.DataAtom {
	case atom.Q:
		n.InsertBefore(text("“"), n.FirstChild)
		n.AppendChild(text("”"))
	case atom.Sup:
		if c := n.FirstChild; c != nil && c == n.LastChild && c.Type == html.TextNode {
			c.Data = superscript(c.Data)
		}
	}
	for c := n.FirstChild; c != nil; c = n.FirstChild {
		n.RemoveChild(c)
		n.Parent.InsertBefore(c, n)
	}
	n.Parent.RemoveChild(n)
}

// superscript raises a number, so that ten to the sixth does not read as a hundred and six.
func superscript(s string) string {
	trimmed := strings.TrimSpace(s)
	if trimmed == "" || strings.Trim(trimmed, "0123456789-−+") != "" {
		return s
	}
	return superscripts.Replace(trimmed)
}

var superscripts = strings.NewReplacer("0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶",
	"7", "⁷", "8", "⁸", "9", "⁹", "-", "⁻", "−", "⁻", "+", "⁺")

func text(s string) *html.Node { return &html.Node{Type: html.TextNode, Data: s} }

func replace(n *html.Node, s string) {
	if s != "" {
		n.Parent.InsertBefore(text(s), n)
	}
	n.Parent.RemoveChild(n)
}

// alternative is the text that stands for an image; decorative images have none.
func alternative(img *html.Node) string { return plaintext.Fold(attr(img, "alt")) }

// hidden reports whether n says of itself that it is not shown (or, for aria-hidden, not meant to be read).
func hidden(n *html.Node) bool {
	for _, a := range n.Attr {
		switch a.Key {
		case "hidden":
			return a.Val != "until-found"
		case "aria-hidden":
			if strings.EqualFold(a.Val, "true") {
				return true
			}
		case "style":
			style := strings.ToLower(strings.ReplaceAll(a.Val, " ", ""))
			if strings.Contains(style, "display:none") || strings.Contains(style, "visibility:hidden") {
				return true
			}
		}
	}
	return false
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}

var dropped = set(atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Svg, atom.Math, atom.Iframe, atom.Object,
	atom.Embed, atom.Canvas, atom.Video, atom.Audio, atom.Map, atom.Link, atom.Meta, atom.Head, atom.Title, atom.Input,
	atom.Textarea, atom.Select, atom.Datalist, atom.Button, atom.Progress, atom.Meter, atom.Dialog)

var inline = set(atom.A, atom.Abbr, atom.Acronym, atom.B, atom.Bdi, atom.Bdo, atom.Big, atom.Cite, atom.Code, atom.Data,
	atom.Del, atom.Dfn, atom.Em, atom.Font, atom.I, atom.Ins, atom.Kbd, atom.Label, atom.Mark, atom.Nobr, atom.Picture,
	atom.Q, atom.Ruby, atom.Rb, atom.S, atom.Samp, atom.Small, atom.Source, atom.Span, atom.Strike, atom.Strong, atom.Sub,
	atom.Sup, atom.Time, atom.Tt, atom.U, atom.Var)

func set(atoms ...atom.Atom) map[atom.Atom]bool {
	m := make(map[atom.Atom]bool, len(atoms))
	for _, a := range atoms {
		m[a] = true
	}
	return m
}
