package dom

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Attr returns the value of an attribute; empty if n does not have it.
func Attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}

// HasAttr reports whether n has an attribute, even an empty one.
func HasAttr(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			return true
		}
	}
	return false
}

// Within reports whether n is inside an element of one of the given kinds.
func Within(n *html.Node, atoms ...atom.Atom) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		for _, a := range atoms {
			if p.DataAtom == a {
				return true
			}
		}
	}
	return false
}

// Child returns the first child of n of the given kind, or nil.
func Child(n *html.Node, a atom.Atom) *html.Node {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.DataAtom == a {
			return c
		}
	}
	return nil
}

// Elements returns the child elements of n.
func Elements(n *html.Node) []*html.Node {
	var out []*html.Node
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode {
			out = append(out, c)
		}
	}
	return out
}

// Has reports whether n has at least one element below it for which the function is returns true.
func Has(n *html.Node, is func(*html.Node) bool) bool {
	for c := range n.Descendants() {
		if c.Type == html.ElementNode && is(c) {
			return true
		}
	}
	return false
}

// Of returns a function that reports whether an element is of one of the given kinds.
func Of(atoms ...atom.Atom) func(*html.Node) bool {
	return func(n *html.Node) bool { return slices.Contains(atoms, n.DataAtom) }
}

func set(atoms ...atom.Atom) map[atom.Atom]bool {
	m := make(map[atom.Atom]bool, len(atoms))
	for _, a := range atoms {
		m[a] = true
	}
	return m
}

// WordSet returns the set of the words in list.
func WordSet(list string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		m[w] = true
	}
	return m
}

// CountLetters counts the letters and digits in s.
func CountLetters(s string) int {
	n := 0
	for _, r := range s {
		if r < utf8.RuneSelf {
			if c := r | 0x20; c >= 'a' && c <= 'z' || r >= '0' && r <= '9' {
				n++
			}
		} else if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

// MaxNameBytes is the number of bytes of an element's class and id that are read.
const MaxNameBytes = 400

// Names splits the class and id of n into words, in lower case: "relatedPosts post-list" becomes related, posts, post and list. whole has
// the class names and the id as they are, not split.
func Names(n *html.Node) (words, whole []string) {
	for _, key := range [2]string{"class", "id"} {
		v := Attr(n, key)
		for name := range strings.FieldsSeq(v[:min(len(v), MaxNameBytes)]) {
			whole = append(whole, strings.ToLower(name))
			words = AppendWords(words, name)
		}
	}
	return words, whole
}

// AppendWords splits a name at punctuation, at digits, and between a lower-case and an upper-case letter. It appends the parts to words.
func AppendWords(words []string, name string) []string {
	start, lower := -1, false
	add := func(end int) {
		if start >= 0 && end > start {
			words = append(words, strings.ToLower(name[start:end]))
		}
		start = -1
	}
	for i, r := range name {
		switch {
		case !unicode.IsLetter(r):
			add(i)
		case unicode.IsUpper(r) && lower:
			add(i)
			start = i
		case start < 0:
			start = i
		}
		lower = unicode.IsLower(r)
	}
	add(len(name))
	return words
}

// AnyOf reports whether at least one of the words is in a set.
func AnyOf(words []string, in map[string]bool) bool {
	for _, w := range words {
		if in[w] {
			return true
		}
	}
	return false
}

// Dropped are elements whose content is not text of the page.
var Dropped = set(atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Svg, atom.Iframe, atom.Object,
	atom.Embed, atom.Canvas, atom.Video, atom.Audio, atom.Map, atom.Link, atom.Meta, atom.Head, atom.Title, atom.Input,
	atom.Textarea, atom.Select, atom.Datalist, atom.Progress, atom.Meter)

// Inline are elements that are parts of a line of text.
var Inline = set(atom.A, atom.Abbr, atom.Acronym, atom.B, atom.Bdi, atom.Bdo, atom.Big, atom.Button, atom.Cite, atom.Code, atom.Data,
	atom.Del, atom.Dfn, atom.Em, atom.Font, atom.I, atom.Img, atom.Ins, atom.Kbd, atom.Label, atom.Mark, atom.Math, atom.Nobr, atom.Output, atom.Picture,
	atom.Q, atom.Ruby, atom.Rb, atom.Rt, atom.Rp, atom.Rtc, atom.S, atom.Samp, atom.Small, atom.Source, atom.Span, atom.Strike, atom.Strong, atom.Sub,
	atom.Sup, atom.Time, atom.Tt, atom.U, atom.Var, atom.Wbr, atom.Slot)

// IsBlock reports whether n begins a new line. For an unknown element this is true if it is a custom element that contains blocks.
func IsBlock(n *html.Node) bool {
	if n.Type != html.ElementNode || Inline[n.DataAtom] {
		return false
	}
	if n.DataAtom == 0 {
		return strings.Contains(n.Data, "-") && Has(n, func(c *html.Node) bool { return c.DataAtom != 0 && !Inline[c.DataAtom] && !Dropped[c.DataAtom] })
	}
	return true
}

// HoldsText are elements whose text serves as the context of a link.
var HoldsText = set(atom.Li, atom.Dt, atom.Dd, atom.P, atom.Td, atom.Th, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6,
	atom.Blockquote, atom.Figcaption, atom.Caption, atom.Div, atom.Section, atom.Nav, atom.Body)

var headings = set(atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6)

// HeadingLevel returns 1 to 6 for a heading, else 0.
func HeadingLevel(n *html.Node) int {
	if headings[n.DataAtom] {
		return int(n.Data[1] - '0')
	}
	if Attr(n, "role") == "heading" {
		if l := Attr(n, "aria-level"); len(l) == 1 && l[0] >= '1' && l[0] <= '6' {
			return int(l[0] - '0')
		}
		return 2
	}
	return 0
}
