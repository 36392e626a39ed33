package maincontent

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/reading/dom"
)

// Page is the input of Choose.
type Page struct {
	Body     *html.Node
	Title    string
	Path     string // path of the page's address
	Article  bool   // the page declares itself an article
	Thread   bool   // the page declares itself questions with answers, or a discussion
	Scripted bool   // the page has scripts that were not run and may write content
}

// Choice is the part of a page that is its content.
type Choice struct {
	Root    *html.Node
	Skip    map[*html.Node]bool // elements that are left out, inside Root and elsewhere in the body
	Article bool
	All     int // letters of the whole page
	Own     int // letters of the whole page outside links
}

// Choose chooses the part of a page to keep. If the page declares an element as its content, and this element has most of the text, Choose
// returns it. Otherwise it returns the smallest element that contains all substantial text. Noise inside the element is left out.
func Choose(p Page) Choice {
	body := p.Body
	z := &noiser{stats: map[*html.Node]*stat{}, skip: map[*html.Node]bool{}, body: body, article: p.Article}
	z.all = measure(body, nil, z.stats)
	z.article = z.article || z.hasArticleBody()
	z.shell = p.Scripted && z.all.own() < 300
	z.thread = p.Thread || isThread(p) || !z.article && z.mostlyComments()
	z.mark(body)
	kept := make(map[*html.Node]*stat, len(z.stats))
	all := measure(body, z.skip, kept)
	if all.letters*20 < z.all.letters && !p.Scripted { // nearly everything looks like noise, so keep the whole page
		z.skip = map[*html.Node]bool{}
		all = measure(body, nil, kept)
	}
	root := landmark(body, z.skip, kept, all)
	if root == nil {
		root = descend(body, z, kept)
	}
	z.stats = kept
	z.markEdges(root)
	return Choice{Root: root, Skip: z.skip, Article: z.article, All: z.all.letters, Own: z.all.own()}
}

// isThread reports whether a page has questions with answers, or a discussion.
func isThread(p Page) bool {
	if dom.AnyOf(dom.AppendWords(nil, p.Title), threadTitles) || dom.AnyOf(dom.AppendWords(nil, p.Path), threadPaths) {
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

// articleNames are class names and ids that publishing systems give to the element with an article's text.
var articleNames = dom.WordSet("entry-content post-content article-content article-body articlebody article__body article-text story-body story-content storybody post-body " +
	"post__content post-entry td-post-content single-content blog-post-content blogpost-content news-content news-text newstext article-main-content c-article-body artikel " +
	"artikeltext article__content article_body body-copy the-content")

// hasArticleBody reports whether an element with one of the articleNames contains prose and a good part of the page's text.
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
	return large && found <= 3 // a page with more such elements is a list of articles
}

func attrIs(n *html.Node, key, value string) bool { return dom.Attr(n, key) == value }

// mostlyComments reports whether most text outside links is in several elements named "comment" that are not together in an element named
// "comments". Then the page has no article, and the comments are the content.
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

// landmark returns the element that the page declares as its content, if this element has most of the text that is not noise. Otherwise it
// returns nil.
func landmark(body *html.Node, skip map[*html.Node]bool, stats map[*html.Node]*stat, all *stat) *html.Node {
	for _, kind := range []struct {
		is   func(*html.Node) bool
		part int // percentage of the text outside links that the element must have
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
				return p // return the parent, since it also has the heading and the introduction
			}
			return best
		}
	}
	return nil
}

// descend goes down from the body as long as one child has nearly all of the text and the child's siblings are not worth keeping.
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

// worth reports whether a sibling of the main element is content too.
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
