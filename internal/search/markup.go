package search

import (
	"bytes"
	"slices"
	"strings"

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

// first is the first element below n, in document order, that is one of the wanted; nil: none.
func first(n *html.Node, wanted func(*html.Node) bool) *html.Node {
	if n == nil {
		return nil
	}
	for c := range n.Descendants() {
		if c.Type == html.ElementNode && wanted(c) {
			return c
		}
	}
	return nil
}

// all are the wanted elements below n in document order.
func all(n *html.Node, wanted func(*html.Node) bool) []*html.Node {
	var out []*html.Node
	for c := range n.Descendants() {
		if c.Type == html.ElementNode && wanted(c) {
			out = append(out, c)
		}
	}
	return out
}

// element selects by tag name and, where one is given, by any of the class names.
func element(tag string, classes ...string) func(*html.Node) bool {
	return func(n *html.Node) bool {
		return (tag == "" || n.Data == tag) && (len(classes) == 0 || slices.ContainsFunc(classes, func(c string) bool { return hasClass(n, c) }))
	}
}

func withID(id string) func(*html.Node) bool {
	return func(n *html.Node) bool { return attribute(n, "id") == id }
}

func hasClass(n *html.Node, class string) bool {
	return slices.Contains(strings.Fields(attribute(n, "class")), class)
}

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
