package reading

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/plaintext"
	"legwork/internal/page/reading/dom"
	"legwork/internal/research"
	"legwork/internal/weburl"
)

// Limits for the links of a page.
const (
	maxLinks   = 5000
	maxContext = 200  // code points
	maxURL     = 2048 // bytes
)

// target is the address of a link.
type target struct {
	url      string // absolute, without the fragment; empty if the link cannot be followed
	fragment string // without the number sign
}

// scanner reads the links and facts of a page in one pass over its tree.
type scanner struct {
	doc      *Document
	title    string
	ogTitle  string
	lang     string
	locale   string // og:locale
	heading  string // the nearest heading above the current node
	rendered bool   // the document was written by a browser after it ran the scripts
	links    []research.Link
	seen     map[string]bool       // URL, fragment and context of each link so far
	contexts map[*html.Node]string // context of the links in a block, by block; computed at the first link in the block
	targets  map[string]target     // resolved addresses, by href

	captcha  bool
	password bool
	words    int // code points of visible text, counted up to wallText
}

// prepare finds the charset that a browser has named, and the <base> element. It runs before the links are read, because <base> also
// applies to links before it.
func (s *scanner) prepare(root *html.Node) {
	charset := s.doc.in.Charset
	for n := range root.Descendants() {
		switch n.DataAtom {
		case atom.Html:
			charset = plaintext.FirstOf(dom.Attr(n, dom.MarkRendered), charset)
			s.doc.base = weburl.NewBaseIn(s.doc.in.URL, charset)
		case atom.Base:
			if dom.Attr(n, "href") == "" {
				continue
			}
			if u, err := s.doc.base.Join(dom.Attr(n, "href")); err == nil {
				s.doc.base = weburl.NewBaseIn(u, charset)
			}
			return
		case atom.Body:
			return
		}
	}
}

func (s *scanner) walk(n *html.Node) {
	if n.Type == html.TextNode {
		if s.words <= wallText {
			s.words += utf8.RuneCountInString(strings.TrimSpace(n.Data))
		}
		return
	}
	if n.Type == html.ElementNode {
		s.signs(n)
		switch n.DataAtom {
		case atom.Script:
			s.fact(n)
			s.doc.scripted = s.doc.scripted || !strings.Contains(dom.Attr(n, "type"), "json")
			return
		case atom.Style, atom.Noscript, atom.Template:
			return
		case atom.Link, atom.Time:
			s.fact(n)
		case atom.Html:
			s.rendered = dom.HasAttr(n, dom.MarkRendered)
			s.lang = plaintext.FirstOf(dom.Attr(n, "lang"), dom.Attr(n, "xml:lang"))
		case atom.Title:
			if s.title == "" && !dom.Within(n, atom.Svg) {
				s.title = plaintext.Fold(dom.RawText(n, plaintext.MaxHeading))
			}
			return
		case atom.Meta:
			s.meta(n)
		case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
			s.enterHeading(n)
		case atom.A, atom.Area:
			s.link(n)
		case atom.Iframe, atom.Frame:
			s.frame(n)
		}
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		s.walk(c)
	}
}

func (s *scanner) enterHeading(n *html.Node) {
	if dom.InBox(n) { // the heading of a note does not apply to the text after the note
		n.DataAtom, n.Data = atom.P, "p"
		return
	}
	t := plaintext.Fold(dom.RawText(n, plaintext.MaxHeading))
	if t == "" {
		return
	}
	s.heading = t
	if n.DataAtom == atom.H1 {
		s.doc.heading = plaintext.FirstOf(s.doc.heading, t)
	}
}

func (s *scanner) meta(n *html.Node) {
	content := dom.Attr(n, "content")
	s.metaDate(n, content)
	switch {
	case strings.EqualFold(dom.Attr(n, "property"), "og:locale"):
		s.locale = content
	case strings.EqualFold(dom.Attr(n, "property"), "og:title"):
		s.ogTitle = plaintext.Fold(content)
	case strings.EqualFold(dom.Attr(n, "http-equiv"), "refresh"):
		if s.doc.Refresh == "" { // only the first refresh is used
			s.doc.Refresh = RefreshTarget(s.doc.base, content)
		}
	}
}

func (s *scanner) link(n *html.Node) {
	href := strings.TrimSpace(dom.Attr(n, "href"))
	if href == "" || len(s.links) >= maxLinks || len(href) > maxURL {
		return
	}
	to := s.target(href)
	if to.url == "" {
		return
	}
	l := research.Link{URL: to.url, Frag: to.fragment, Heading: s.heading}
	l.Text = plaintext.Cut(plaintext.Fold(dom.RawText(n, 4*maxContext)), maxContext)
	if l.Text == "" {
		l.Text = plaintext.Cut(plaintext.FirstOf(plaintext.Fold(dom.Attr(n, "aria-label")), plaintext.Fold(dom.Attr(n, "title")),
			plaintext.Fold(dom.Attr(n, "alt")), dom.ImageText(n)), maxContext)
	}
	l.Context = s.context(n)
	key := l.URL + "#" + l.Frag + "\x00" + l.Context
	if s.seen[key] {
		return
	}
	s.seen[key] = true
	s.links = append(s.links, l)
}

// target resolves the address of a link. It stores the result, because pages repeat addresses.
func (s *scanner) target(href string) target {
	if t, known := s.targets[href]; known {
		return t
	}
	t := s.resolve(href)
	s.targets[href] = t
	return t
}

func (s *scanner) resolve(href string) (t target) {
	u, err := s.doc.base.Join(href)
	if err != nil {
		return target{}
	}
	if s.rendered && weburl.IsRoute(u.Fragment) { // the fragment is a route, so it names a page that only scripts can show
		t.url = plaintext.Clean(u.String())
	} else {
		t.fragment = plaintext.Clean(u.Fragment)
		u.Fragment, u.RawFragment = "", ""
		t.url = plaintext.Clean(u.String())
	}
	if len(t.url) > maxURL {
		return target{}
	}
	return t
}

// frame adds a link to the document in a frame of the same site.
func (s *scanner) frame(n *html.Node) {
	src := strings.TrimSpace(dom.Attr(n, "src"))
	if src == "" || len(s.links) >= maxLinks || len(src) > maxURL {
		return
	}
	u, err := s.doc.base.Join(src)
	if err != nil || s.doc.in.SameSite == nil || !s.doc.in.SameSite(u, s.doc.in.URL) {
		return
	}
	u.Fragment, u.RawFragment = "", ""
	l := research.Link{URL: plaintext.Clean(u.String()), Heading: s.heading,
		Text: plaintext.Cut(plaintext.FirstOf(plaintext.Fold(dom.Attr(n, "title")), plaintext.Fold(dom.Attr(n, "name")), "frame"), maxContext)}
	if key := l.URL + "#\x00"; !s.seen[key] {
		s.seen[key] = true
		s.links = append(s.links, l)
	}
}

// context returns the text of the block around n. In a definition list, the text begins with the term.
func (s *scanner) context(n *html.Node) string {
	b := n.Parent
	for b != nil && !dom.HoldsText[b.DataAtom] {
		b = b.Parent
	}
	if b == nil {
		return ""
	}
	if c, ok := s.contexts[b]; ok {
		return c
	}
	own := b
	if b.DataAtom == atom.P && b.Parent != nil && (b.Parent.DataAtom == atom.Dd || b.Parent.DataAtom == atom.Li) && b.PrevSibling == nil {
		own = b.Parent
	}
	c := plaintext.Fold(dom.RawText(own, 2*maxContext))
	if term := s.term(b); term != "" {
		c = term + " " + c
	}
	c = plaintext.Cut(c, maxContext)
	s.contexts[b] = c
	return c
}

// term returns the terms of the definitions around b, outer terms first. Outside definition lists, it returns an empty string.
func (s *scanner) term(b *html.Node) string {
	dd := b
	for dd != nil && dd.DataAtom != atom.Dd {
		dd = dd.Parent
	}
	if dd == nil {
		return ""
	}
	for p := dd.PrevSibling; p != nil; p = p.PrevSibling {
		if p.DataAtom != atom.Dt {
			continue
		}
		if t, ok := s.contexts[p]; ok {
			return t
		}
		t := plaintext.Fold(dom.RawText(p, maxContext))
		if outer := s.term(p.Parent); outer != "" {
			t = outer + " " + t
		}
		t = plaintext.Cut(t, maxContext)
		s.contexts[p] = t
		return t
	}
	return ""
}
