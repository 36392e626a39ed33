package maincontent

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/reading/dom"
)

// Page is what the choice is made from.
type Page struct {
	Body     *html.Node
	Title    string
	Path     string // of its address
	Article  bool   // the page says of itself that it is an article
	Thread   bool   // the page says of itself that it is questions and answers, or a discussion
	Scripted bool   // scripts run
}

// Choice is what of a page is content.
type Choice struct {
	Root    *html.Node
	Skip    map[*html.Node]bool // elements below the body that are left out
	Article bool
	Own     int // letters of the page outside links
}

// Choose chooses the part of a page to keep: the element that the page calls its content where it holds most of the text, else the
// smallest one that everything of weight stands in; without what surrounds the content inside it.
func Choose(p Page) Choice {
	body := p.Body
	z := &noiser{stats: map[*html.Node]*stat{}, skip: map[*html.Node]bool{}, body: body, article: p.Article}
	z.all = measure(body, nil, z.stats)
	z.article = z.article || z.hasArticleBody()
	z.shell = p.Scripted && z.all.own() < 300
	z.thread = p.Thread || isThread(p) || !z.article && z.mostlyComments()
	z.mark(body)
	kept := map[*html.Node]*stat{}
	all := measure(body, z.skip, kept)
	if all.letters*20 < z.all.letters && !p.Scripted { // all of the page looks like its surroundings: then it is the content
		z.skip = map[*html.Node]bool{}
		all = measure(body, nil, kept)
	}
	root := landmark(body, z.skip, kept, all)
	if root == nil {
		root = descend(body, z, kept)
	}
	z.stats = kept
	z.markEdges(root)
	return Choice{Root: root, Skip: z.skip, Article: z.article, Own: z.all.own()}
}

// isThread reports whether a page is questions with answers, or a discussion.
func isThread(p Page) bool {
	inTitle := dom.WordSet("forum thread discussion question")
	inPath := dom.WordSet("forum forums thread threads questions question discussions viewtopic topic topics issues")
	if dom.AnyOf(dom.AppendWords(nil, p.Title), inTitle) || dom.AnyOf(dom.AppendWords(nil, p.Path), inPath) {
		return true
	}
	for n := range p.Body.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if kind := dom.Attr(n, "itemtype"); kind != "" && (strings.HasSuffix(kind, "/Answer") || strings.HasSuffix(kind, "/Question") ||
			strings.HasSuffix(kind, "DiscussionForumPosting")) {
			return true
		}
		if dom.HasAttr(n, "class") {
			words, _ := dom.Names(n)
			if dom.AnyOf(words, commentWords) && dom.AnyOf(words, threadWords) {
				return true
			}
		}
	}
	return false
}

// articleNames are names that systems for newspapers and blogs give to the element with an article's text.
var articleNames = dom.WordSet("entry-content post-content article-content article-body articlebody article__body article-text story-body story-content storybody post-body " +
	"post__content post-entry td-post-content single-content blog-post-content blogpost-content news-content news-text newstext article-main-content c-article-body artikel " +
	"artikeltext article__content article_body body-copy the-content")

// hasArticleBody reports whether one element with such a name, and prose in it, holds a good part of the page's text.
func (z *noiser) hasArticleBody() bool {
	found, large := 0, false
	for n := range z.body.Descendants() {
		s := z.stats[n]
		if n.Type != html.ElementNode || s == nil || n.DataAtom == atom.Body {
			continue
		}
		if _, whole := dom.Names(n); attrIs(n, "itemprop", "articleBody") || dom.AnyOf(whole, articleNames) {
			found++
			large = large || s.paragraphs >= 2 && s.sentences >= 3 && s.linked*3 < s.letters && z.share(n) >= 20
		}
	}
	return large && found <= 3 // a page of many is a list of articles
}

func attrIs(n *html.Node, key, value string) bool { return dom.Attr(n, key) == value }

// mostlyComments reports whether most text outside links stands in several elements that are each named a comment, without a box for
// all of them, so that there is no article that they are about.
func (z *noiser) mostlyComments() bool {
	count, sum := 0, 0
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			if c.Type != html.ElementNode || z.stats[c] == nil {
				continue
			}
			words, _ := dom.Names(c)
			switch {
			case slices.Contains(words, "comments") || slices.Contains(words, "commentlist"):
			case slices.Contains(words, "comment") && !dom.Inline[c.DataAtom]:
				count++
				sum += z.stats[c].own()
			default:
				walk(c)
			}
		}
	}
	walk(z.body)
	return count >= 2 && sum*2 >= z.all.own()
}

// landmark is the element that the page itself calls its content, where most of what is not noise stands in it; nil: there is none.
func landmark(body *html.Node, skip map[*html.Node]bool, stats map[*html.Node]*stat, all *stat) *html.Node {
	for _, kind := range []struct {
		is   func(*html.Node) bool
		part int // percent of the text outside links that it must hold
	}{
		{func(n *html.Node) bool { return dom.Attr(n, "itemprop") == "articleBody" }, 70},
		{func(n *html.Node) bool { return n.DataAtom == atom.Article }, 60},
		{func(n *html.Node) bool { return n.DataAtom == atom.Main || dom.Attr(n, "role") == "main" }, 40},
	} {
		var best *html.Node
		for n := range body.Descendants() {
			if n.Type == html.ElementNode && stats[n] != nil && !skip[n] && kind.is(n) && stats[n].letters > 0 &&
				(best == nil || stats[n].own() > stats[best].own()) {
				best = n
			}
		}
		if best != nil && stats[best].own()*100 >= all.own()*kind.part && stats[best].own() > 0 {
			if p := best.Parent; kind.part == 70 && p != nil && p != body && stats[p].own()*10 < stats[best].own()*12 {
				return p // with the heading and what leads in
			}
			return best
		}
	}
	return nil
}

// descend goes down from the body while one child holds nearly all, and nothing beside it is worth keeping.
func descend(body *html.Node, z *noiser, stats map[*html.Node]*stat) *html.Node {
	n := body
	for {
		var best *html.Node
		for _, c := range dom.Elements(n) {
			if !z.skip[c] && stats[c] != nil && (best == nil || stats[c].own() > stats[best].own()) {
				best = c
			}
		}
		if best == nil || dom.Inline[best.DataAtom] || dom.HeadingLevel(best) > 0 || best.DataAtom == atom.Table || best.DataAtom == atom.Ul || best.DataAtom == atom.Ol ||
			best.DataAtom == atom.Dl || best.DataAtom == atom.Pre || best.DataAtom == atom.P || stats[best].own()*100 < stats[n].own()*75 {
			return n
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			if c == best || z.skip[c] {
				continue
			}
			if c.Type == html.TextNode && dom.CountLetters(c.Data) > 20 {
				return n
			}
			if c.Type == html.ElementNode && stats[c] != nil && worth(c, stats[c], z) {
				return n
			}
		}
		n = best
	}
}

// worth reports whether an element beside the main one is content too.
func worth(n *html.Node, s *stat, z *noiser) bool {
	switch {
	case s.letters == 0:
		return false
	case dom.HeadingLevel(n) > 0 || dom.Has(n, func(c *html.Node) bool { return dom.HeadingLevel(c) == 1 }):
		return true
	case s.linked*10 > s.letters*6:
		return false
	case s.structured > 40, s.sentences > 0 && s.own() > 60:
		return true
	}
	return !z.article && s.own() > 60
}
