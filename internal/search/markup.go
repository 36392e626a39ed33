package search

import (
	"bytes"
	"strings"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Bounds of a result page. Real pages have some thousand nodes and less than 60 levels.
const (
	maxNodes = 100_000 // the rest of the page is ignored
	maxDepth = 200     // deeper elements become children of the element at this depth instead
	maxWords = 4000    // greatest length of a title or a snippet, in bytes (approximately)
)

// parsePage builds a tree from the tags and texts of a result page. Broken HTML is no error. It does not use html.Parse: the HTML
// standard's repair of open formatting elements can make 1 GB of nodes from 134 KB.
func parsePage(body []byte) *html.Node {
	root := &html.Node{Type: html.DocumentNode}
	open := []*html.Node{root} // the elements that are open, outermost first
	tooDeep := 0               // number of open elements that are deeper than maxDepth
	z := html.NewTokenizer(bytes.NewReader(body))
	for nodes := 0; nodes < maxNodes; nodes++ {
		parent := open[len(open)-1]
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			return root
		case html.TextToken:
			parent.AppendChild(&html.Node{Type: html.TextNode, Data: string(z.Text())})
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			n := &html.Node{Type: html.ElementNode, Data: token.Data, DataAtom: token.DataAtom, Attr: token.Attr}
			if noSelfNesting(n.DataAtom) && parent.DataAtom == n.DataAtom {
				open = open[:len(open)-1] // the end tag of the previous element is missing
				parent = open[len(open)-1]
			}
			parent.AppendChild(n)
			switch {
			case kind == html.SelfClosingTagToken, isVoid(n.DataAtom):
			case len(open) < maxDepth:
				open = append(open, n)
			default:
				tooDeep++
			}
		case html.EndTagToken:
			if tooDeep > 0 {
				tooDeep--
				continue
			}
			name, _ := z.TagName()
			for i := len(open) - 1; i > 0; i-- {
				if open[i].Data == string(name) {
					open = open[:i]
					break
				}
			}
		}
	}
	return root
}

// isVoid reports whether elements of a kind have no content and no end tag (HTML standard, section 13.1.2).
func isVoid(a atom.Atom) bool {
	switch a {
	case atom.Area, atom.Base, atom.Br, atom.Col, atom.Embed, atom.Hr, atom.Img, atom.Input, atom.Link, atom.Meta, atom.Source, atom.Track, atom.Wbr:
		return true
	}
	return false
}

// noSelfNesting reports whether an element of a kind ends where the next one of the same kind begins.
func noSelfNesting(a atom.Atom) bool {
	switch a {
	case atom.Li, atom.P, atom.A, atom.Option, atom.Tr, atom.Td, atom.Dt, atom.Dd:
		return true
	}
	return false
}

// all returns the elements below n that a selector matches, in document order. It does not look for matches inside a
// match. So the texts of all matches together are not longer than the page.
func all(n *html.Node, selector cascadia.Matcher) (matches []*html.Node) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode && selector.Match(c) {
			matches = append(matches, c)
		} else {
			matches = append(matches, all(c, selector)...)
		}
	}
	return matches
}

// first returns the first element below n, in document order, that a selector matches. It returns nil when none matches or n is nil.
func first(n *html.Node, selector cascadia.Matcher) *html.Node {
	if n == nil {
		return nil
	}
	return cascadia.Query(n, selector)
}

// has reports whether a selector matches an element below n.
func has(n *html.Node, selector cascadia.Matcher) bool { return first(n, selector) != nil }

// attribute returns the value of an attribute of n. It is empty when n does not have the attribute or is nil.
func attribute(n *html.Node, key string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// words returns the text below n, at most about maxWords bytes, with one space for any white space.
func words(n *html.Node) string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		switch {
		case b.Len() >= maxWords:
			return
		case n.Type == html.TextNode:
			b.WriteString(n.Data[:min(len(n.Data), maxWords)])
		case n.Type == html.ElementNode && (n.Data == "script" || n.Data == "style"):
			return
		case n.Type == html.ElementNode && n.Data == "br":
			b.WriteByte(' ')
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(n)
	return fold(strings.ToValidUTF8(b.String(), ""))
}
