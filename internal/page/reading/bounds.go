package reading

import (
	"strings"

	"golang.org/x/net/html"
)

// Limits of what is parsed. They are applied before the parser makes a tree, which takes some hundred bytes for each element, and
// much time when memory is short.
const (
	maxElements = 250_000 // a book of 9 MB on one page has 150,000
	maxLinkTags = 50_000  // links read; of later ones the text is kept
)

// cut says what bounded has left out.
type cut struct {
	links    bool // the addresses of links after the first maxLinkTags
	elements bool // everything after the first maxElements elements
}

// bounded returns a document that has at most maxElements elements and maxLinkTags links. Of further links only the text is kept, and
// what follows the last element is left out. It reads the tokens of the document once.
func bounded(text string) (string, cut) {
	if strings.Count(text, "<") <= maxLinkTags {
		return text, cut{}
	}
	b := bounder{text: text}
	z := html.NewTokenizer(strings.NewReader(text))
	for kind := z.Next(); kind != html.ErrorToken && !b.left.elements; kind = z.Next() {
		size := len(z.Raw())
		if kind == html.StartTagToken || kind == html.EndTagToken || kind == html.SelfClosingTagToken {
			name, _ := z.TagName()
			b.tag(kind, string(name) == "a", size)
		}
		b.at += size
	}
	return b.end(), b.left
}

// bounder copies a document without some of its tags.
type bounder struct {
	text            string
	at              int // where the present token begins
	from            int // where the text begins that was not copied yet
	out             strings.Builder
	elements, links int
	open            bool // a link that was kept is open
	left            cut
}

// tag handles a tag of size bytes that begins at b.at.
func (b *bounder) tag(kind html.TokenType, link bool, size int) {
	keep := true
	switch {
	case link && kind == html.EndTagToken:
		keep = b.open || !b.left.links
		b.open = false
	case link:
		if b.links++; b.links > maxLinkTags {
			b.left.links, keep = true, false
			break
		}
		b.open = true
	}
	if kind != html.EndTagToken && keep {
		if b.elements++; b.elements > maxElements {
			b.left.elements, keep = true, false
		}
	}
	if !keep {
		b.out.WriteString(b.text[b.from:b.at])
		b.from = b.at + size
	}
}

// end returns the copy.
func (b *bounder) end() string {
	switch {
	case b.left.elements:
		return b.out.String() // tag has copied all that comes before
	case b.from == 0:
		return b.text
	}
	b.out.WriteString(b.text[b.from:])
	return b.out.String()
}
