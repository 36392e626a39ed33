package maincontent

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/reading/dom"
)

// edges marks noise before the first and after the last paragraph of the chosen part. The noise before consists of labels above the title,
// and of lines with author and date except one. The noise after consists of rows of links, and of lines that end every page of the site.
// The search goes from the outside in and stops at the first block with content, so nothing in the middle of a text is ever removed.
type edges struct {
	*noiser
	leaves []leaf
}

// leaf is a block that contains no other block.
type leaf struct {
	node      *html.Node
	level     int // level of a heading; 0 if the block is not a heading
	letters   int
	linked    int
	sentences int
	held      bool // inside a table, a listing, a definition list, a figure or a quotation
}

// maxLeaves is the greatest number of blocks that are examined. In a page with more blocks, no noise is marked at the edges.
const maxLeaves = 20_000

// prose reports whether a block is a paragraph: it has sentences, at least 60 letters, and few links.
func (l leaf) prose() bool { return l.sentences > 0 && l.letters >= 60 && l.linked*2 < l.letters }

func (z *noiser) markEdges(root *html.Node) {
	e := edges{noiser: z}
	e.collect(root, false)
	if len(e.leaves) > maxLeaves {
		return
	}
	first := slices.IndexFunc(e.leaves, leaf.text)
	if first < 0 {
		return
	}
	last := len(e.leaves) - 1
	for !e.leaves[last].text() {
		last--
	}
	e.above(first)
	e.below(last)
}

// text reports whether a block is a paragraph of the page's own text, and not a line that the site repeats below each text.
func (l leaf) text() bool {
	return l.prose() && !l.held && !(l.letters < 300 && endLine.MatchString(dom.OneLine(l.node, 320)))
}

// held are elements with data or quoted text. A short line in such an element is not a label.
var held = map[atom.Atom]bool{atom.Table: true, atom.Pre: true, atom.Dl: true, atom.Figure: true, atom.Blockquote: true, atom.Details: true, atom.Math: true}

// collect lists the blocks below n that directly contain text. Text beside blocks is listed as a leaf without a node, so it is never
// marked.
func (e *edges) collect(n *html.Node, in bool) {
	if len(e.leaves) > maxLeaves {
		return
	}
	in = in || held[n.DataAtom]
	blocks := false
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		blocks = blocks || dom.IsBlock(c) && !dom.Dropped[c.DataAtom] && !e.skip[c]
	}
	if !blocks {
		s := e.stats[n]
		if s != nil && s.letters > 0 {
			e.leaves = append(e.leaves, leaf{n, dom.HeadingLevel(n), s.letters, s.linked, s.sentences, in})
		}
		return
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		switch {
		case c.Type == html.TextNode && dom.CountLetters(c.Data) > 0:
			e.leaves = append(e.leaves, leaf{letters: dom.CountLetters(c.Data), sentences: sentenceEnds(c.Data), held: true})
		case c.Type != html.ElementNode || e.skip[c] || dom.Dropped[c.DataAtom]:
		case dom.IsBlock(c):
			e.collect(c, in)
		case e.stats[c] != nil && e.stats[c].letters > 0:
			s := e.stats[c]
			e.leaves = append(e.leaves, leaf{c, 0, s.letters, s.linked, s.sentences, in || s.letters > 40})
		}
	}
}

// above marks the labels before the title. It also marks lines with author and date before the first paragraph, except the first line with
// a date.
func (e *edges) above(first int) {
	title := -1
	for i := range e.leaves[:first] {
		if e.leaves[i].level == 1 {
			title = i
			break
		}
	}
	if title < 0 || title > 12 {
		return
	}
	dated := false
	for i, l := range e.leaves[:first] {
		if i == title || l.node == nil || l.held || l.level > 0 || l.letters >= 80 || l.sentences > 0 {
			continue
		}
		text := dom.OneLine(l.node, 120)
		if !dated && (tellsWhen(text) || bylineStart.MatchString(text)) {
			dated = true
			continue
		}
		switch {
		case i < title && (l.linked*2 > l.letters || l.letters < 40), i > title && e.isByline(l):
			e.skip[l.node] = true
		}
	}
}

// tellsWhen reports whether a line contains a year or a time of day.
func tellsWhen(text string) bool {
	digits := 0
	for _, r := range text + " " {
		if unicode.IsDigit(r) {
			digits++
			continue
		}
		if digits == 4 || digits > 0 && digits < 3 && r == ':' {
			return true
		}
		digits = 0
	}
	return false
}

// bylineWords are words in class names of bylines. A byline is a line about a text: who wrote it, when, how long it is, and in which
// category.
var bylineWords = dom.WordSet("byline author authors avatar meta postmeta date dateline datetime timestamp time posted published updated reading readtime category categories " +
	"kicker tag tags label labels eyebrow section views viewcount comments count counter share social badge autora auteur fecha datum")

// isByline reports whether a short line below the title is a byline.
func (e *edges) isByline(l leaf) bool {
	if l.letters >= 60 || l.linked == 0 && !e.article && l.letters > 30 {
		return false
	}
	if l.linked*10 > l.letters*7 && (e.article || l.node.DataAtom != atom.Li) {
		return true
	}
	for p, i := l.node, 0; p != nil && i < 3 && p.DataAtom != atom.Body && p.DataAtom != atom.Article && p.DataAtom != atom.Main; p, i = p.Parent, i+1 {
		if words, _ := dom.Names(p); dom.AnyOf(words, bylineWords) {
			return true
		}
	}
	return false
}

// below marks noise after the last paragraph: rows of links, lines that end every page, and their headings. It begins with the last block.
func (e *edges) below(last int) {
	sum, kept := 0, 0
	for i, l := range e.leaves {
		if i <= last {
			kept += l.letters
		} else {
			sum += l.letters
		}
	}
	if kept < 200 || sum > kept {
		return // too much text follows to be the end of a page
	}
	marked := false
	for i := len(e.leaves) - 1; i > last; i-- {
		l := e.leaves[i]
		if l.node == nil || l.held || !e.standing(i, marked) {
			break
		}
		e.skip[l.node] = true
		marked = true
	}
}

// standing reports whether block i is a line that ends every page of a site. The blocks after block i must already be marked; marked is
// false if there are none.
func (e *edges) standing(i int, marked bool) bool {
	l := e.leaves[i]
	if l.level > 0 {
		return marked && l.level > 1 && !sourcesHeading.MatchString(dom.OneLine(l.node, 80))
	}
	text := dom.OneLine(l.node, 320)
	if l.letters < 300 && endLine.MatchString(text) {
		return true
	}
	if l.sentences > 0 || l.letters > 200 {
		return false
	}
	above := ""
	listed := false // true if the block is under a heading with no paragraph between them
	for j := i - 1; j >= 0 && above == ""; j-- {
		if e.leaves[j].level > 0 {
			above = dom.OneLine(e.leaves[j].node, 80)
			listed = true
		} else if e.leaves[j].prose() {
			break
		}
	}
	switch {
	case sourcesHeading.MatchString(above), strings.ContainsAny(text, "@") || strings.Contains(text, "://"), e.leadsIn(i):
		return false
	case l.linked*10 >= l.letters*7:
		return e.article || !listed
	}
	return marked && e.article && l.letters < 30 && !strings.ContainsAny(text, "0123456789@")
}

// leadsIn reports whether the block before i ends with a colon, so that block i belongs to it.
func (e *edges) leadsIn(i int) bool {
	before := e.leaves[i-1].node
	if before == nil {
		return false
	}
	text := strings.TrimSpace(dom.OneLine(before, 4000))
	return strings.HasSuffix(text, ":") || strings.HasSuffix(text, "：")
}

// tableOfContents reports whether n has only links to places in the same page.
func (z *noiser) tableOfContents(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Ul, atom.Ol, atom.Div, atom.Section, atom.Table, atom.Details, atom.P:
	default:
		return false
	}
	s := z.stats[n]
	if s.links < 3 || s.linked*10 < s.letters*7 || s.sentences > 1 || z.share(n) >= large || hasFootnotes(n) || dom.Within(n, atom.Pre, atom.Dl, atom.Table) {
		return false
	}
	return leadsWithin(n)
}

// leadsWithin reports whether all links below n point to places in the same page. A fragment with "/" or "!" names a page that scripts
// show, so it does not point to a place in the same page.
func leadsWithin(n *html.Node) bool {
	return !dom.Has(n, func(c *html.Node) bool {
		to := dom.Attr(c, "href")
		return c.DataAtom == atom.A && dom.HasAttr(c, "href") && (len(to) < 2 || to[0] != '#' || to[1] == '/' || to[1] == '!')
	})
}

// contents marks a heading such as "In this article" together with the list of links after it.
func (z *noiser) contents(h *html.Node) bool {
	next := h.NextSibling
	for next != nil && next.Type != html.ElementNode {
		next = next.NextSibling
	}
	if next == nil || z.stats[next] == nil {
		return false
	}
	s := z.stats[next]
	if s.links < 2 || s.linked*10 < s.letters*7 || s.letters*2 > z.all.letters || z.all.sentences < 4 || z.share(next) >= large ||
		!contentsHeading.MatchString(dom.OneLine(h, 60)) || !leadsWithin(next) {
		return false
	}
	z.skip[h], z.skip[next] = true, true
	return true
}

// cards reports whether n is a row of previews of other articles: at least three similar elements, each with a link and with a picture or a
// heading.
func (z *noiser) cards(n *html.Node) bool {
	if !z.article || n.DataAtom != atom.Div && n.DataAtom != atom.Ul && n.DataAtom != atom.Section || dom.Within(n, atom.Table, atom.Figure) || z.share(n) >= 25 {
		return false
	}
	children := dom.Elements(n)
	if len(children) < 3 || len(children) > 60 {
		return false
	}
	first := children[0]
	alike := 0
	for _, c := range children {
		s := z.stats[c]
		if c.DataAtom != first.DataAtom || dom.Attr(c, "class") != dom.Attr(first, "class") || s == nil {
			continue
		}
		if s.links == 0 || s.sentences > 3 || s.letters > 400 {
			return false
		}
		if dom.Has(c, func(d *html.Node) bool { return dom.HeadingLevel(d) > 0 || d.DataAtom == atom.Img }) && s.linked*4 >= s.letters {
			alike++
		}
	}
	return alike >= 3 && alike*10 >= len(children)*8
}
