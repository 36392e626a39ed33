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
	if err != nil { // nested deeper than the parser allows, which no real result page is
		return &html.Node{Type: html.DocumentNode}
	}
	return root
}

// first returns the first element below n, in document order, that a selector matches. nil: none matches, or n
// is nil.
func first(n *html.Node, selector cascadia.Matcher) *html.Node {
	if n == nil {
		return nil
	}
	return cascadia.Query(n, selector)
}

// has reports whether a selector matches an element below n.
func has(n *html.Node, selector cascadia.Matcher) bool { return first(n, selector) != nil }

// attribute returns the value of an attribute of n. Empty: n does not have it, or is nil.
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

// words returns the text below n, with one space for any white space.
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
