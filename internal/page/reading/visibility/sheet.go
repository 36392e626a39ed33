package visibility

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/reading/dom"
)

// Limits for reading style sheets.
const (
	maxSheet     = 512 << 10 // bytes of all <style> elements
	maxRules     = 3000      // greatest number of rules that are stored
	maxSelectors = 50        // selectors of one rule
	maxForName   = 40        // rules whose selectors end in the same tag, class or id
	maxCompounds = 6         // parts of one selector
)

// compound is the part of a selector that describes one element.
type compound struct {
	tag, id string
	classes []string
}

type rule struct {
	chain []compound // ancestors, outermost first, then the element itself
	style style
}

// sheet has the rules of a page's <style> elements that concern visibility. They are grouped by a tag, class or id that the element must
// have. Selectors with pseudo-classes, attributes or siblings are ignored. Rules for media other than the screen are ignored too.
type sheet struct {
	byName map[string][]rule
	count  int
	hasOut bool // the page links to style sheets, which are not read
}

func readSheets(root *html.Node) *sheet {
	s := &sheet{byName: map[string][]rule{}}
	left := maxSheet
	for n := range root.Descendants() {
		switch n.DataAtom {
		case atom.Style:
			if n.FirstChild != nil && left > 0 && !strings.Contains(dom.Attr(n, "media"), "print") {
				css := n.FirstChild.Data
				css = css[:min(len(css), left)]
				left -= len(css)
				s.read(css, 0)
			}
		case atom.Link:
			s.hasOut = s.hasOut || strings.Contains(strings.ToLower(dom.Attr(n, "rel")), "stylesheet")
		}
	}
	return s
}

// read reads the rules of a style sheet, including those in @media blocks for the screen.
func (s *sheet) read(css string, depth int) {
	for len(css) > 0 && s.count < maxRules {
		open := strings.IndexByte(css, '{')
		if open < 0 {
			return
		}
		head := css[:open]
		if i := strings.LastIndexByte(head, ';'); i >= 0 { // skips @import and @charset
			head = head[i+1:]
		}
		for {
			i := strings.Index(head, "/*")
			if i < 0 {
				break
			}
			j := strings.Index(head[i:], "*/")
			if j < 0 {
				head = head[:i]
				break
			}
			head = head[:i] + head[i+j+2:]
		}
		head = strings.TrimSpace(head)
		body, rest := blockOf(css[open+1:])
		css = rest
		if !strings.HasPrefix(head, "@") {
			s.add(head, body)
			continue
		}
		query := strings.ToLower(head)
		if depth < 3 && (strings.HasPrefix(query, "@layer") || strings.HasPrefix(query, "@supports") ||
			strings.HasPrefix(query, "@media") && strings.Trim(query[len("@media"):], " \t\nalscren,oy") == "") {
			s.read(body, depth+1)
		}
	}
}

// blockOf splits css at the brace that closes the current block.
func blockOf(css string) (body, rest string) {
	depth := 1
	for i := 0; i < len(css); i++ {
		switch css[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return css[:i], css[i+1:]
			}
		}
	}
	return css, ""
}

func (s *sheet) add(selectors, body string) {
	st := declarations(body)
	if st == (style{}) || st == (style{show: true}) && !strings.Contains(body, "display") {
		return
	}
	n := 0
	for sel := range strings.SplitSeq(selectors, ",") {
		if n++; n > maxSelectors {
			return
		}
		chain := parseSelector(sel)
		if len(chain) == 0 {
			continue
		}
		last := chain[len(chain)-1]
		key := last.tag
		if len(last.classes) > 0 {
			key = "." + last.classes[0]
		}
		if last.id != "" {
			key = "#" + last.id
		}
		if len(s.byName[key]) < maxForName {
			s.byName[key] = append(s.byName[key], rule{chain, st})
			s.count++
		}
	}
}

// parseSelector parses a selector that has only tags, classes, ids and descendant or child combinators. For other selectors it returns nil.
func parseSelector(sel string) []compound {
	if strings.ContainsAny(sel, ":[+~*\\&|") {
		return nil
	}
	var chain []compound
	for part := range strings.FieldsSeq(strings.ReplaceAll(sel, ">", " ")) {
		var c compound
		for i := 0; i < len(part); {
			j := i + 1
			for j < len(part) && part[j] != '.' && part[j] != '#' {
				j++
			}
			switch {
			case part[i] == '.':
				c.classes = append(c.classes, part[i+1:j])
			case part[i] == '#':
				c.id = part[i+1 : j]
			default:
				c.tag = strings.ToLower(part[i:j])
			}
			i = j
		}
		if chain = append(chain, c); len(chain) > maxCompounds {
			return nil
		}
	}
	return chain
}

// of returns the style of n, from the rules and from its style attribute. Later declarations replace earlier ones.
func (s *sheet) of(n *html.Node) style {
	var out style
	take := func(st style) {
		if st.hide {
			out.hide = true
		} else if st.show {
			out.hide = false
		}
		out.never = out.never || st.never
		out.faint = out.faint || st.faint
		if st.apart != "" {
			out.apart = st.apart
		}
		out.block = out.block || st.block
		if st.color != "" {
			out.color = st.color
		}
		if st.back != "" {
			out.back = st.back
		}
	}
	if s.count > 0 {
		class := dom.Attr(n, "class")
		classes := strings.Fields(class[:min(len(class), dom.MaxNameBytes)])
		id := dom.Attr(n, "id")
		apply := func(key string) {
			for _, r := range s.byName[key] {
				if r.matches(n, classes, id) {
					take(r.style)
				}
			}
		}
		apply(n.Data)
		for _, c := range classes {
			apply("." + c)
		}
		if id != "" {
			apply("#" + id)
		}
	}
	if v := dom.Attr(n, "style"); v != "" {
		take(declarations(v))
	}
	return out
}

func (r rule) matches(n *html.Node, classes []string, id string) bool {
	last := len(r.chain) - 1
	if !r.chain[last].is(n, classes, id) {
		return false
	}
	p := n.Parent
	for i := last - 1; i >= 0; i-- {
		for p != nil && !(p.Type == html.ElementNode && r.chain[i].is(p, strings.Fields(dom.Attr(p, "class")), dom.Attr(p, "id"))) {
			p = p.Parent
		}
		if p == nil {
			return false
		}
		p = p.Parent
	}
	return true
}

func (c compound) is(n *html.Node, classes []string, id string) bool {
	if c.tag != "" && c.tag != n.Data || c.id != "" && c.id != id {
		return false
	}
	for _, want := range c.classes {
		found := false
		for _, have := range classes {
			found = found || have == want
		}
		if !found {
			return false
		}
	}
	return true
}
