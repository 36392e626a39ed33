package search

import (
	"bytes"
	"strings"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"
)

// parsePage reads a result page. Broken HTML is no error.
func parsePage(body []byte) *html.Node {
	root, err := html.Parse(bytes.NewReader(body))
	if err != nil { // nested deeper than the parser allows: nobody's result page
		return &html.Node{Type: html.DocumentNode}
	}
	return root
}

// first is the first element below n, in document order, that a selector matches; nil: none, or n is nil.
func first(n *html.Node, selector cascadia.Matcher) *html.Node {
	if n == nil {
		return nil
	}
	return cascadia.Query(n, selector)
}

// has reports whether a selector matches an element below n.
func has(n *html.Node, selector cascadia.Matcher) bool { return first(n, selector) != nil }

// attribute is the value of an attribute of n; empty: it has none, or n is nil.
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

// words is the text below n with white space folded.
func words(n *html.Node) string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		switch {
		case n.Type == html.TextNode:
			b.WriteString(n.Data)
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
	return fold(b.String())
}
