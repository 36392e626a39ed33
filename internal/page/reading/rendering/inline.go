package rendering

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/plaintext"
	"legwork/internal/page/reading/dom"
)

// inline writes an inline element, with marks for meanings that plain letters would lose.
func (r *renderer) inline(n *html.Node) {
	switch n.DataAtom {
	case atom.Rt, atom.Rp, atom.Rtc, atom.Source, atom.Wbr:
		return
	case atom.Img:
		r.image(n)
		return
	case atom.Button:
		if !r.keepsButton(n) {
			return
		}
		r.line.space = true
		r.children(n)
		r.line.space = true
		return
	case atom.Q:
		r.line.mark("“")
		r.children(n)
		r.line.mark("”")
		return
	case atom.Sup, atom.Sub:
		r.script(n)
		return
	case atom.Time:
		if dom.RawText(n, 4) == "" {
			r.line.text(dom.Attr(n, "datetime"))
			return
		}
	case atom.A:
		if isAnchorSign(n) {
			return
		}
	case atom.Code, atom.Samp, atom.Kbd:
		if isListing(n) {
			r.listing(n)
			return
		}
	}
	if struck(n) {
		r.struck(n)
		return
	}
	if dom.HasAttr(n, dom.MarkBlock) {
		r.line.br()
		r.children(n)
		r.line.br()
		return
	}
	r.children(n)
}

// isAnchorSign reports whether a link is the sign beside a heading, such as ¶, which links to the heading itself.
func isAnchorSign(a *html.Node) bool {
	switch strings.TrimSpace(dom.RawText(a, 8)) {
	case "¶", "#", "§", "🔗", "\uf0c1":
		return strings.HasPrefix(dom.Attr(a, "href"), "#") || dom.HeadingLevel(a.Parent) > 0
	}
	return false
}

// struck reports whether the text of an element is crossed out.
func struck(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Del, atom.S, atom.Strike:
		return true
	}
	if strings.Contains(dom.Attr(n, "style"), "line-through") {
		return true
	}
	for name := range strings.FieldsSeq(dom.Attr(n, "class")) {
		switch name {
		case "line-through", "strike", "strikethrough", "text-decoration-line-through", "was-price", "old-price", "price-old":
			return true
		}
	}
	return false
}

// struck writes crossed-out text between ~~, with spaces around it.
func (r *renderer) struck(n *html.Node) {
	var inner renderer
	inner.skip, inner.boxed, inner.nested = r.skip, true, true
	inner.children(n)
	text := joined(inner.finish(), " ")
	if text == "" {
		return
	}
	r.line.space = r.line.space || isWord(r.line.lastRune())
	r.line.mark("~~" + text + "~~")
	r.afterStruck = true
}

func isWord(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }

// script writes raised or lowered text. It adds ^ or _ only if the text would be misread without it: 10⁶, 2^n and x_i, but H2O and 1st.
func (r *renderer) script(n *html.Node) {
	before := r.line.lastRune()
	var inner renderer
	inner.skip, inner.boxed, inner.nested = r.skip, true, true
	inner.children(n)
	s := joined(inner.finish(), " ")
	if s == "" {
		return
	}
	digits := strings.Trim(s, "0123456789-−+–") == "" && strings.ContainsAny(s, "0123456789")
	base := isWord(before) || before == ')' || before == ']'
	switch {
	case n.DataAtom == atom.Sup && digits:
		r.line.mark(superscripts.Replace(strings.ReplaceAll(s, "–", "−")))
	case n.DataAtom == atom.Sup && base && isExponent(s):
		r.line.mark("^" + grouped(s))
	case n.DataAtom == atom.Sub && digits && unicode.IsDigit(before):
		r.line.mark(subscripts.Replace(s))
	case n.DataAtom == atom.Sub && base && !digits && !strings.Contains(s, " ") && len(s) < 20:
		r.line.mark("_" + grouped(s))
	default:
		r.line.mark(s)
	}
}

// isExponent reports whether raised text is a power. Other raised texts are the ending of an ordinal number, a sign such as ®, or the mark
// of a footnote.
func isExponent(s string) bool {
	if len(s) > 24 || strings.ContainsAny(s, "[]*†‡§®™℠,") || strings.HasPrefix(s, "(") && len(s) > 8 {
		return false
	}
	switch strings.ToLower(s) {
	case "st", "nd", "rd", "th", "er", "re", "e", "ème", "eme", "o", "a", "os", "tm", "sm", "r", "me", "lle", "ed", "new", "beta":
		return false
	}
	letters, run := 0, 0
	for _, c := range s {
		if unicode.IsLetter(c) {
			if run++; run > 2 {
				return false // a word is not an exponent
			}
			letters++
		} else {
			run = 0
		}
	}
	return letters > 0 || strings.ContainsAny(s, "0123456789")
}

// image writes the alternative text of an image if the image is in a line of text, in a cell or in a heading, or if the alternative text is
// as long as a paragraph. For other images, the alternative text usually adds nothing to the page's text.
func (r *renderer) image(n *html.Node) {
	alt := plaintext.Fold(dom.Attr(n, "alt"))
	if alt == "" {
		return
	}
	if captioned(n, alt) || !r.alts && !r.inCell && dom.CountLetters(alt) < 60 && standsAlone(n) {
		r.pictures = append(r.pictures, alt)
		return
	}
	r.stands(alt, n)
}

// stands writes the words for which an element without text stands.
func (r *renderer) stands(words string, n *html.Node) {
	if r.line.last() != 0 && isWord(r.line.lastRune()) {
		r.line.space = true
	}
	r.line.text(words)
	r.line.space = r.line.space || isWord(r.line.lastRune()) && n.NextSibling != nil && n.NextSibling.Type != html.TextNode
}

// captioned reports whether an image has a caption that says the same as alt.
func captioned(n *html.Node, alt string) bool {
	for p, i := n.Parent, 0; p != nil && i < 5; p, i = p.Parent, i+1 {
		if p.DataAtom == atom.Figure {
			c := findCaption(p)
			return c != nil && dom.CountLetters(alt) < 100
		}
	}
	return false
}

func findCaption(figure *html.Node) *html.Node {
	for c := range figure.Descendants() {
		if c.DataAtom == atom.Figcaption && strings.TrimSpace(dom.RawText(c, 20)) != "" {
			return c
		}
	}
	return nil
}

// standsAlone reports whether the block around an image contains only images.
func standsAlone(n *html.Node) bool {
	p := n.Parent
	for p != nil && !dom.IsBlock(p) {
		p = p.Parent
	}
	if p == nil || dom.HeadingLevel(p) > 0 || p.DataAtom == atom.Dt || p.DataAtom == atom.Li || p.DataAtom == atom.Dd {
		return false
	}
	return strings.TrimSpace(ownText(p)) == ""
}

// ownText returns the text of a block without the blocks inside it.
func ownText(n *html.Node) string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		for c := n.FirstChild; c != nil && b.Len() < 200; c = c.NextSibling {
			switch {
			case c.Type == html.TextNode:
				b.WriteString(strings.TrimSpace(c.Data))
			case c.Type == html.ElementNode && !dom.Dropped[c.DataAtom] && !dom.IsBlock(c):
				walk(c)
			}
		}
	}
	walk(n)
	return b.String()
}

var disclosure = dom.WordSet("accordion faq question collapsible collapse disclosure expander expand toggle spoiler tab tabs summary")

// keepsButton reports whether the text of a button is content: the question of an accordion, or the name of a tab. The name of an action
// ("Copy", "Buy now") is not content.
func (r *renderer) keepsButton(n *html.Node) bool {
	text := dom.OneLine(n, 300)
	if text == "" {
		return false
	}
	if n.Parent != nil && dom.HeadingLevel(n.Parent) > 0 || dom.Within(n, atom.Summary, atom.Dt) || dom.Within(n, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6) {
		return !strings.EqualFold(text, "copy") && !strings.EqualFold(text, "edit") && !strings.EqualFold(text, "link")
	}
	if strings.HasSuffix(text, "?") || strings.HasSuffix(text, "？") || len(strings.Fields(text)) > 8 {
		return true
	}
	if dom.Attr(n, "role") == "tab" {
		return true
	}
	words, _ := dom.Names(n)
	if dom.Attr(n, "aria-haspopup") != "" || dom.AnyOf(words, dom.Overlays) {
		return false
	}
	return (dom.HasAttr(n, "aria-expanded") || dom.HasAttr(n, "aria-controls")) && len(text) > 12 || dom.AnyOf(words, disclosure) && len(text) > 8
}
