package reading

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// stat is what stands below an element.
type stat struct {
	letters    int // and digits
	linked     int // those in links
	links      int
	sentences  int // ends of sentences outside links
	structured int // letters in definitions, table cells and listings
	fields     int // to be filled in
	buttons    int
	paragraphs int
	blocks     int
}

// own counts the letters outside links.
func (s *stat) own() int { return s.letters - s.linked }

func (s *stat) add(o *stat) {
	s.letters += o.letters
	s.linked += o.linked
	s.links += o.links
	s.sentences += o.sentences
	s.structured += o.structured
	s.fields += o.fields
	s.buttons += o.buttons
	s.paragraphs += o.paragraphs
	s.blocks += o.blocks
}

// teaser reports whether an <article> is one of those that lead to other articles.
func (s *stat) teaser(all *stat) bool {
	return s.letters < 400 && s.links > 0 && s.linked*4 > s.letters && s.own()*10 < all.own()
}

// measure fills stats for every element below n that is not in skip, in one pass, and gives that of n.
func measure(n *html.Node, skip map[*html.Node]bool, stats map[*html.Node]*stat) *stat {
	var walk func(n *html.Node, linked, structured bool) *stat
	walk = func(n *html.Node, linked, structured bool) *stat {
		s := &stat{}
		stats[n] = s
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			switch {
			case c.Type == html.TextNode:
				l := countLetters(c.Data)
				s.letters += l
				if linked {
					s.linked += l
				} else {
					s.sentences += sentenceEnds(c.Data)
				}
				if structured {
					s.structured += l
				}
			case c.Type != html.ElementNode:
			case skip[c]:
				stats[c] = &stat{}
			case dropped[c.DataAtom]:
				stats[c] = fieldStat(c)
				s.fields += stats[c].fields
				s.buttons += stats[c].buttons
			default:
				o := walk(c, linked || isLink(c),
					structured || c.DataAtom == atom.Dd || c.DataAtom == atom.Dt || c.DataAtom == atom.Td || c.DataAtom == atom.Pre)
				s.add(o)
				switch {
				case isLink(c):
					s.links++
				case c.DataAtom == atom.Button:
					s.buttons++
				case c.DataAtom == atom.P && o.own() > 40:
					s.paragraphs++
				}
				if isBlock(c) {
					s.blocks++
				}
			}
		}
		return s
	}
	return walk(n, false, false)
}

// isLink tells a link from the mark of a place. Links that scripts follow have no address.
func isLink(n *html.Node) bool {
	return n.DataAtom == atom.A && (hasAttr(n, "href") || !hasAttr(n, "name") && !hasAttr(n, "id"))
}

func fieldStat(n *html.Node) *stat {
	switch n.DataAtom {
	case atom.Textarea, atom.Select:
		return &stat{fields: 1}
	case atom.Input:
		switch strings.ToLower(attr(n, "type")) {
		case "hidden", "checkbox", "radio", "range":
		case "button", "submit", "image", "reset":
			return &stat{buttons: 1}
		default:
			return &stat{fields: 1}
		}
	}
	return &stat{}
}

// sentenceEnds counts the sentences that end in a text.
func sentenceEnds(s string) int {
	n, ended := 0, false
	for _, r := range s {
		switch {
		case ended && (unicode.IsSpace(r) || r == '"' || r == '”'):
			n++
			ended = false
		case r == '。' || r == '！' || r == '？' || r == '।' || r == '؟':
			n++
			ended = false
		default:
			ended = r == '.' || r == '!' || r == '?'
		}
	}
	if ended {
		n++
	}
	return n
}

// choice is what of a page is rendered.
type choice struct {
	root    *html.Node
	skip    map[*html.Node]bool
	article bool
	own     int // letters of the page outside links
}

// content chooses the part of the page to keep: the element that the page calls its content where it holds most of the text, else the
// smallest one that everything of weight stands in; without what surrounds the content inside it.
func (d *Document) content() choice {
	body := d.body()
	if d.in.Whole {
		return choice{root: body}
	}
	z := &noiser{stats: map[*html.Node]*stat{}, skip: map[*html.Node]bool{}, body: body, article: d.facts.article}
	z.all = measure(body, nil, z.stats)
	z.shell = d.scripted && z.all.own() < 300
	z.thread = d.facts.thread || isThread(d, body)
	z.mark(body)
	kept := map[*html.Node]*stat{}
	all := measure(body, z.skip, kept)
	if all.letters*20 < z.all.letters && !d.scripted { // all of the page looks like its surroundings: then it is the content
		z.skip = map[*html.Node]bool{}
		all = measure(body, nil, kept)
	}
	root := landmark(body, z.skip, kept, all)
	if root == nil {
		root = descend(body, z, kept)
	}
	return choice{root: root, skip: z.skip, article: z.article, own: z.all.own()}
}

func (d *Document) body() *html.Node {
	for n := range d.root.Descendants() {
		if n.DataAtom == atom.Body {
			return n
		}
	}
	return d.root
}

// isThread reports whether a page is questions with answers, or a discussion.
func isThread(d *Document, body *html.Node) bool {
	inTitle := wordSet("forum thread discussion question")
	inPath := wordSet("forum forums thread threads questions question discussions viewtopic topic topics issues")
	if anyOf(appendWords(nil, d.title), inTitle) || anyOf(appendWords(nil, d.in.URL.Path), inPath) {
		return true
	}
	for n := range body.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if kind := attr(n, "itemtype"); kind != "" && (strings.HasSuffix(kind, "/Answer") || strings.HasSuffix(kind, "/Question") || strings.HasSuffix(kind, "DiscussionForumPosting")) {
			return true
		}
		if hasAttr(n, "class") {
			words, _ := names(n)
			if anyOf(words, commentWords) && anyOf(words, threadWords) {
				return true
			}
		}
	}
	return false
}

// landmark is the element that the page itself calls its content, where most of what is not noise stands in it; nil: there is none.
func landmark(body *html.Node, skip map[*html.Node]bool, stats map[*html.Node]*stat, all *stat) *html.Node {
	for _, kind := range []struct {
		is   func(*html.Node) bool
		part int // percent of the text outside links that it must hold
	}{
		{func(n *html.Node) bool { return attr(n, "itemprop") == "articleBody" }, 70},
		{func(n *html.Node) bool { return n.DataAtom == atom.Article }, 60},
		{func(n *html.Node) bool { return n.DataAtom == atom.Main || attr(n, "role") == "main" }, 40},
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
		for _, c := range elements(n) {
			if !z.skip[c] && stats[c] != nil && (best == nil || stats[c].own() > stats[best].own()) {
				best = c
			}
		}
		if best == nil || inline[best.DataAtom] || headingLevel(best) > 0 || best.DataAtom == atom.Table || best.DataAtom == atom.Ul || best.DataAtom == atom.Ol ||
			best.DataAtom == atom.Dl || best.DataAtom == atom.Pre || best.DataAtom == atom.P || stats[best].own()*100 < stats[n].own()*75 {
			return n
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			if c == best || z.skip[c] {
				continue
			}
			if c.Type == html.TextNode && countLetters(c.Data) > 20 {
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
	case headingLevel(n) > 0 || has(n, func(c *html.Node) bool { return headingLevel(c) == 1 }):
		return true
	case s.linked*10 > s.letters*6:
		return false
	case s.structured > 40, s.sentences > 0 && s.own() > 60:
		return true
	}
	return !z.article && s.own() > 60
}
