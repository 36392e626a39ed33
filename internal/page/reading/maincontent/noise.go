package maincontent

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/reading/dom"
)

// noiser marks the noise of a page: elements that surround its content.
type noiser struct {
	stats   map[*html.Node]*stat
	skip    map[*html.Node]bool
	body    *html.Node
	all     *stat
	article bool // the page is an article
	thread  bool // comments are the content
	shell   bool // scripts will write the content; the elements in the page may all be noise, even if they have a large share of its text
}

// mark walks the tree below n and marks noise.
func (z *noiser) mark(n *html.Node) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type != html.ElementNode || z.skip[c] || dom.Dropped[c.DataAtom] || z.stats[c] == nil {
			continue
		}
		if z.noise(c) {
			z.skip[c] = true
			continue
		}
		if letters := z.stats[c].letters; letters > 0 && letters < 80 && !z.contents(c) {
			if level := dom.HeadingLevel(c); level > 0 {
				z.section(c, level)
			}
		}
		if !z.skip[c] {
			z.mark(c)
		}
	}
}

// share returns the percentage of the page's text that is below n. It is the smaller of two values: the share of all letters, and the share
// of the letters outside links.
func (z *noiser) share(n *html.Node) int {
	if z.shell {
		return 0
	}
	s := z.stats[n]
	return min(s.own()*100/max(z.all.own(), 1), s.letters*100/max(z.all.letters, 1))
}

// large is a percentage. An element with at least this share of the page's text is not treated as noise because of its name.
const large = 40

func (z *noiser) noise(n *html.Node) bool {
	s := z.stats[n]
	switch n.DataAtom {
	case atom.Html, atom.Body, atom.Main, atom.Article:
		return n.DataAtom == atom.Article && z.article && s.teaser(z.all)
	case atom.Nav:
		return z.share(n) < 2*large
	case atom.Footer:
		return z.share(n) < large && !dom.Within(n, atom.Blockquote, atom.Figure) && !hasFootnotes(n)
	case atom.Header:
		return !dom.Within(n, atom.Main, atom.Article, atom.Section) && z.share(n) < large
	case atom.Aside:
		return z.asideNoise(n)
	case atom.Form:
		return z.formNoise(n)
	case atom.P, atom.Li, atom.Div, atom.Span, atom.Section:
		if s.letters < 200 && z.lineNoise(n) {
			return true
		}
	}
	switch dom.Attr(n, "role") {
	case "navigation", "banner", "contentinfo", "search", "menu", "menubar":
		return z.share(n) < large
	case "dialog", "alertdialog":
		return z.before(n)
	case "complementary":
		return z.asideNoise(n)
	}
	return dom.Attr(n, "aria-modal") == "true" && z.before(n) || z.named(n) || z.box(n) || z.controls(n) || z.tableOfContents(n) || z.cards(n)
}

// before reports whether the page has other text than a dialog.
func (z *noiser) before(dialog *html.Node) bool {
	return z.all.own()-z.stats[dialog].own() >= 10
}

// named reports whether n is noise according to its class names and id, and its content does not contradict this.
func (z *noiser) named(n *html.Node) bool {
	words, whole := dom.Names(n)
	if len(words) == 0 || dom.HeadingLevel(n) > 0 && !dom.AnyOf(whole, noiseNames) {
		return false
	}
	s, share := z.stats[n], z.share(n)
	if dom.AnyOf(words, commentWords) && !z.thread && z.comments(n, words) {
		return true
	}
	if share >= large {
		return false
	}
	if dom.Inline[n.DataAtom] && n.DataAtom != atom.A && n.DataAtom != atom.Button && !dom.AnyOf(whole, noiseNames) {
		return dom.AnyOf(words, noiseWords) && s.letters < 40 && s.own() == 0
	}
	if dom.AnyOf(whole, surroundNames) {
		return true
	}
	prose := s.sentences >= 2 && s.linked*3 < s.letters && (s.paragraphs > 0 || s.own() > 150)
	if dom.AnyOf(whole, noiseNames) {
		return !prose || !dom.Within(n, atom.Main, atom.Article) || z.article
	}
	if dom.AnyOf(words, noiseWords) {
		return !prose || z.article || s.fields > 0
	}
	if dom.AnyOf(words, controlWords) || dom.AnyOf(joinedNames(whole), controlWords) {
		plain := s.letters < 300 && s.sentences < 2 && !dom.Within(n, atom.Table, atom.Pre) && n.DataAtom != atom.Td && n.DataAtom != atom.Th
		titled := dom.Has(n, dom.Of(atom.H1, atom.H2, atom.P)) && dom.AnyOf(words, titledWords)
		return plain && !titled && !hasFootnotes(n) || s.linked*2 > s.letters && s.sentences < 2
	}
	if dom.AnyOf(words, sideWords) && !dom.Within(n, atom.Main, atom.Article) && s.sentences < 6 && s.paragraphs == 0 && s.structured*2 < s.letters {
		return true
	}
	if dom.AnyOf(words, weakWords) && !dom.Within(n, atom.Table, atom.Pre, atom.Dl) && n.DataAtom != atom.Tr && n.DataAtom != atom.Td {
		if z.article {
			return s.links > 1 && s.linked*2 > s.letters && s.sentences < 3
		}
		return s.links > 2 && s.linked*5 > s.letters*4 && !dom.Within(n, atom.Main, atom.Article) || outerSidebar(words) && s.linked*2 > s.letters
	}
	return false
}

var nameSigns = strings.NewReplacer("-", "", "_", "")

// joinedNames removes hyphens and underscores from names: post-menu becomes postmenu.
func joinedNames(whole []string) []string {
	out := make([]string, len(whole))
	for i, name := range whole {
		out[i] = nameSigns.Replace(name)
	}
	return out
}

// controls reports whether n is a row of controls on a page that has prose. Such a row has only links, or is the number beside a vote
// button.
func (z *noiser) controls(n *html.Node) bool {
	s := z.stats[n]
	if z.all.sentences < 4 || z.all.linked*2 > z.all.letters || s.letters == 0 || s.letters > 250 || s.sentences > 0 ||
		dom.FirstHeading(n) != nil || dom.Within(n, atom.Table, atom.Pre, atom.Dl, atom.Li, atom.P, atom.Figure, atom.H1, atom.H2, atom.H3) {
		return false
	}
	switch n.DataAtom {
	case atom.Div, atom.Section:
	case atom.Ul, atom.Ol:
		if !z.article && !z.thread || underSources(n) {
			return false
		}
	default:
		return false
	}
	if s.links == 0 {
		return z.thread && s.letters < 6 && dom.OnlyNumbers(n)
	}
	return s.linked*10 >= s.letters*7
}

// underSources reports whether the element directly before n is a heading such as "References".
func underSources(n *html.Node) bool {
	for p := n.PrevSibling; p != nil; p = p.PrevSibling {
		if p.Type == html.ElementNode {
			return dom.HeadingLevel(p) > 0 && sourcesHeading.MatchString(dom.OneLine(p, 80))
		}
	}
	return false
}

func outerSidebar(words []string) bool {
	for _, w := range words {
		if w == "sidebar" || w == "rail" {
			return true
		}
	}
	return false
}

// comments reports whether n contains readers' comments on an article.
func (z *noiser) comments(n *html.Node, words []string) bool {
	if n.DataAtom == atom.Body || z.share(n) >= 60 {
		return false
	}
	if z.article || slices.Contains(words, "respond") {
		return true
	}
	s := z.stats[n]
	return s.fields > 0 && s.letters < 1500 || s.letters < 80
}

// asideNoise reports whether an <aside> is a side bar, and not a note that belongs to the text.
func (z *noiser) asideNoise(n *html.Node) bool {
	s := z.stats[n]
	words, whole := dom.Names(n)
	switch {
	case dom.AnyOf(whole, noiseNames), dom.AnyOf(words, noiseWords):
		return true
	case z.share(n) >= large:
		return false
	case s.linked*2 > s.letters, s.letters < 12:
		return true
	case s.fields > 0 && s.letters < 600:
		return true
	case dom.AnyOf(words, calloutWords), dom.Attr(n, "role") == "note", dom.Attr(n, "role") == "doc-footnote", dom.Attr(n, "role") == "doc-tip", dom.Attr(n, "role") == "doc-notice":
		return false
	}
	if h := dom.FirstHeading(n); h != nil && noiseHeading.MatchString(dom.OneLine(h, 100)) {
		return true
	}
	if z.article {
		return s.links > 0 || s.letters < 60 || s.paragraphs < 1
	}
	return !dom.Within(n, atom.Main, atom.Article) && dom.Has(z.body, func(c *html.Node) bool {
		return (c.DataAtom == atom.Main || c.DataAtom == atom.Article) && !dom.Contains(n, c) && z.share(c) > 20
	})
}

// formNoise reports whether a form is meant to be filled in. On some sites a form contains the whole page; it is not noise.
func (z *noiser) formNoise(n *html.Node) bool {
	s := z.stats[n]
	if s.fields == 0 {
		return s.letters < 80 && s.sentences == 0
	}
	if dom.Has(n, dom.Of(atom.H1, atom.Article, atom.Main)) || z.share(n) >= 60 && !outerForm(n) {
		return false
	}
	if dom.Has(n, func(c *html.Node) bool { return c.DataAtom == atom.Table }) && s.structured*2 > s.letters {
		return false
	}
	return true
}

// outerForm reports whether the name of a form, or of an element around it, says that the form is for comments.
func outerForm(n *html.Node) bool {
	for p := n; p != nil && p.DataAtom != atom.Body; p = p.Parent {
		if words, _ := dom.Names(p); dom.AnyOf(words, commentWords) {
			return true
		}
	}
	return false
}

// box reports whether n is a cookie notice or a newsletter form: it has little text, and a button, a link or a field.
func (z *noiser) box(n *html.Node) bool {
	s := z.stats[n]
	if s.letters == 0 || s.letters > 700 || z.share(n) >= large || dom.Inline[n.DataAtom] || s.fields+s.buttons+s.links == 0 {
		return false
	}
	switch n.DataAtom {
	case atom.Div, atom.Section, atom.P:
	default:
		return false
	}
	if s.fields > 0 && s.letters < 500 {
		return newsletterText.MatchString(dom.RawText(n, 800))
	}
	text := ""
	if s.buttons > 0 || s.links > 0 && s.letters < 400 {
		text = dom.RawText(n, 1000)
	}
	return strings.Contains(strings.ToLower(text), "cookie") && cookieText.MatchString(text) && dom.Has(n, func(c *html.Node) bool {
		return (c.DataAtom == atom.Button || c.DataAtom == atom.A) && acceptText.MatchString(dom.OneLine(c, 60))
	})
}

// lineNoise reports whether n is a short line that is on every page of a site, such as "Share" or "Print". A word in a sentence or heading,
// or in code, is not such a line, because it may be the name of a module.
func (z *noiser) lineNoise(n *html.Node) bool {
	s := z.stats[n]
	if s.letters == 0 || s.blocks > 3 || dom.Within(n, atom.Table, atom.Pre, atom.Code, atom.Kbd, atom.Samp, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6) {
		return false
	}
	if !dom.IsBlock(n) && besideText(n) || dom.Has(n, dom.Of(atom.Code, atom.Kbd, atom.Samp)) {
		return false
	}
	line := dom.OneLine(n, 240)
	if !noiseLine.MatchString(line) {
		return false
	}
	return z.article || s.linked*2 > s.letters || s.letters < 60 && s.sentences == 0
}

// besideText reports whether an inline element has text directly before or after it in its line.
func besideText(n *html.Node) bool {
	for ; n != nil && !dom.IsBlock(n); n = n.Parent {
		for _, c := range []*html.Node{n.PrevSibling, n.NextSibling} {
			if c != nil && c.Type == html.TextNode && dom.CountLetters(c.Data) > 0 {
				return true
			}
		}
	}
	return false
}

// section handles a heading such as "Related pages" or "Comments". It marks the heading and the text after it as noise, up to the next
// heading of the same or a higher level. It does so only if the section is not a large part of the page and its content also looks like
// noise.
func (z *noiser) section(h *html.Node, level int) {
	text := dom.OneLine(h, 100)
	isComments := commentHeading.MatchString(text) && !z.thread
	if !isComments && !noiseHeading.MatchString(text) {
		return
	}
	var part []*html.Node
	sum := stat{}
	for c := h; c != nil; c = c.NextSibling {
		if c.Type != html.ElementNode {
			continue
		}
		if c != h {
			if l := dom.HeadingLevel(c); l > 0 && l <= level {
				break
			}
			if f := dom.FirstHeading(c); f != nil && dom.HeadingLevel(f) < level {
				break
			}
		}
		part = append(part, c)
		sum.add(z.stats[c])
	}
	if sum.own()*100 >= z.all.own()*large {
		return
	}
	links := sum.linked*2 > sum.letters || sum.links >= 3 && sum.linked*4 > sum.letters
	switch {
	case strongHeading.MatchString(text) && sum.letters < 500 && level > 1:
	case isComments && (z.article || sum.fields > 0 || sum.letters < 100):
	case links && (z.article || !strings.EqualFold(text, "topics") && !strings.EqualFold(text, "categories")):
	case z.article && (sum.sentences < 4 || sum.links > 2):
	case sum.fields > 0:
	default:
		return
	}
	for _, c := range part {
		z.skip[c] = true
	}
}

// hasFootnotes reports whether n contains footnotes of the text.
func hasFootnotes(n *html.Node) bool {
	return dom.Has(n, func(c *html.Node) bool {
		id := dom.Attr(c, "id")
		return strings.HasPrefix(id, "fn") || strings.HasPrefix(id, "footnote") || strings.HasPrefix(id, "cite_note") ||
			strings.HasPrefix(dom.Attr(c, "role"), "doc-endnote") || strings.HasPrefix(dom.Attr(c, "role"), "doc-footnote")
	})
}
