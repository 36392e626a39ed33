package dom

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/plaintext"
)

// The browser's reading script adds these attributes to elements, because only the browser knows how the elements are drawn.
const (
	MarkRendered = "data-legwork-rendered" // on <html>: a browser wrote this document after it had run the scripts; the value is the charset of the original
	MarkHidden   = "data-legwork-hidden"   // not shown at the moment, because of the CSS property display or visibility
	MarkNever    = "data-legwork-never"    // drawn in a way that nobody can see
	MarkApart    = "data-legwork-apart"    // its children are laid out as separate items, in a "row" or a "column"
	MarkBlock    = "data-legwork-block"    // an inline element that is drawn as a block
)

// RawText returns the text below n, at most about max code points.
func RawText(n *html.Node, max int) string {
	var b strings.Builder
	left := max
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		switch {
		case left <= 0:
		case n.Type == html.TextNode:
			folded := strings.TrimSpace(n.Data)
			if folded == "" {
				b.WriteByte(' ')
				return
			}
			part := plaintext.Cut(n.Data, left+len(n.Data)-len(folded))
			b.WriteString(part)
			left -= len(part)
		case n.Type == html.ElementNode && Dropped[n.DataAtom] && n.DataAtom != atom.Title:
		default:
			if HoldsText[n.DataAtom] || n.DataAtom == atom.Br {
				b.WriteByte(' ')
			}
			for c := n.FirstChild; c != nil && left > 0; c = c.NextSibling {
				walk(c)
			}
		}
	}
	for c := n.FirstChild; c != nil && left > 0; c = c.NextSibling {
		walk(c)
	}
	return b.String()
}

// ImageText returns the alternative text of the first image below n.
func ImageText(n *html.Node) string {
	for c := range n.Descendants() {
		if c.DataAtom == atom.Img {
			if alt := plaintext.Fold(Attr(c, "alt")); alt != "" {
				return alt
			}
		}
	}
	return ""
}

// OneLine returns the text below n on one line, at most max code points.
func OneLine(n *html.Node, max int) string {
	return strings.Join(strings.Fields(RawText(n, max)), " ")
}

// Letters counts the letters and digits below n.
func Letters(n *html.Node) int {
	count := 0
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			count += CountLetters(n.Data)
			return
		}
		if n.Type == html.ElementNode && Dropped[n.DataAtom] {
			return
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(n)
	return count
}

// LettersUpTo returns the number of letters and digits below n. It stops counting at limit.
func LettersUpTo(n *html.Node, limit int) int {
	sum := 0
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			if sum += CountLetters(c.Data); sum >= limit {
				break
			}
		}
	}
	return sum
}

// FirstHeading returns n if it is a heading, else the first heading among the first elements below n, or nil.
func FirstHeading(n *html.Node) *html.Node {
	if HeadingLevel(n) > 0 {
		return n
	}
	i := 0
	for c := range n.Descendants() {
		if i++; i > 40 {
			return nil
		}
		if c.Type == html.ElementNode && HeadingLevel(c) > 0 {
			return c
		}
	}
	return nil
}

// Contains reports whether n is outer or an element inside it.
func Contains(outer, n *html.Node) bool {
	for p := n; p != nil; p = p.Parent {
		if p == outer {
			return true
		}
	}
	return false
}

// OnlyNumbers reports whether the text below n has digits and no letters.
func OnlyNumbers(n *html.Node) bool {
	for c := range n.Descendants() {
		if c.Type == html.TextNode && strings.Trim(c.Data, "0123456789 \n\t.:|") != "" {
			return false
		}
	}
	return true
}
