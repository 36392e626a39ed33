package maincontent

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/reading/dom"
)

// stat has the totals of the text and elements below an element.
type stat struct {
	letters    int // letters and digits
	linked     int // letters in links
	links      int
	sentences  int // ends of sentences outside links
	structured int // letters in definitions, table cells and listings
	fields     int // form fields for text or choices
	buttons    int
	paragraphs int
	blocks     int
}

// own returns the number of letters outside links.
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

// teaser reports whether an <article> is a short preview that links to another article.
func (s *stat) teaser(all *stat) bool {
	return s.letters < 400 && s.links > 0 && s.linked*4 > s.letters && s.own()*10 < all.own()
}

// measure counts, in one pass, what is below n and below each element inside n. It ignores the elements in skip, stores the counts in
// stats, and returns those of n.
func measure(n *html.Node, skip map[*html.Node]bool, stats map[*html.Node]*stat) *stat {
	var room []stat // space for further stats, so that one allocation serves many of them
	add := func(n *html.Node) *stat {
		if len(room) == 0 {
			room = make([]stat, 128)
		}
		s := &room[0]
		stats[n], room = s, room[1:]
		return s
	}
	var walk func(n *html.Node, linked, structured bool) *stat
	walk = func(n *html.Node, linked, structured bool) *stat {
		s := add(n)
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			switch {
			case c.Type == html.TextNode:
				l := dom.CountLetters(c.Data)
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
				add(c)
			case dom.Dropped[c.DataAtom]:
				o := add(c)
				*o = fieldStat(c)
				s.fields += o.fields
				s.buttons += o.buttons
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
				if dom.IsBlock(c) {
					s.blocks++
				}
			}
		}
		return s
	}
	return walk(n, false, false)
}

// isLink reports whether an <a> element is a link and not just an anchor. A link that scripts handle may lack an address.
func isLink(n *html.Node) bool {
	return n.DataAtom == atom.A && (dom.HasAttr(n, "href") || !dom.HasAttr(n, "name") && !dom.HasAttr(n, "id"))
}

func fieldStat(n *html.Node) stat {
	switch n.DataAtom {
	case atom.Textarea, atom.Select:
		return stat{fields: 1}
	case atom.Input:
		switch strings.ToLower(dom.Attr(n, "type")) {
		case "hidden", "checkbox", "radio", "range":
		case "button", "submit", "image", "reset":
			return stat{buttons: 1}
		default:
			return stat{fields: 1}
		}
	}
	return stat{}
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
