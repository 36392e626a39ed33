package reading

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Bounds of the style sheets that are looked at.
const (
	maxSheet     = 512 << 10 // bytes of all <style> elements
	maxRules     = 3000      // rules that are kept
	maxSelectors = 50        // of one rule
	maxForName   = 40        // rules that end in the same name
	maxCompounds = 6         // of one selector
)

// style is what the reader wants to know of how an element is drawn.
type style struct {
	hide        bool   // display: none or visibility: hidden
	show        bool   // a later rule that shows it again
	never       bool   // drawn so that nobody can see it: off screen, clipped, of no size, transparent
	faint       bool   // opacity: 0, which pages also use for what they reveal
	apart       string // display: flex or grid, so its children are laid out apart: "row" or "column"
	block       bool   // display: block
	color, back string // as RGB; empty: not set; "?" cannot be told
}

// declarations reads the declarations of a rule or a style attribute.
func declarations(css string) style {
	var s style
	var absolute, clipped, small bool
	for d := range strings.SplitSeq(strings.ToLower(css), ";") {
		key, v, _ := strings.Cut(d, ":")
		key = strings.TrimSpace(key)
		v = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(v), "!important"))
		switch key {
		case "display":
			s.hide = s.hide || v == "none"
			s.show = s.show || v != "none"
			s.block = v == "block" || v == "list-item" || v == "table"
			if s.apart == "" && (strings.Contains(v, "flex") || strings.Contains(v, "grid")) {
				s.apart = "row"
			}
		case "flex-direction", "flex-flow":
			if strings.HasPrefix(v, "column") {
				s.apart = "column"
			}
		case "visibility":
			s.hide = s.hide || v == "hidden" || v == "collapse"
			s.show = s.show || v == "visible"
		case "content-visibility":
			s.hide = s.hide || v == "hidden"
		case "position":
			absolute = v == "absolute" || v == "fixed"
		case "left", "top", "right", "bottom", "margin-left", "margin-top":
			s.never = s.never || pixels(v) <= -500
		case "text-indent":
			s.never = s.never || pixels(v) <= -500 || v == "100%" || v == "-100%"
		case "transform":
			s.never = s.never || strings.HasPrefix(v, "scale(0)") || strings.Contains(v, "translate") && farOff(v)
		case "clip":
			clipped = strings.HasPrefix(v, "rect(") && strings.Trim(v, "rect(0px1, )") == ""
		case "clip-path":
			s.never = s.never || strings.HasPrefix(v, "inset(50%") || strings.HasPrefix(v, "inset(100%") || strings.HasPrefix(v, "circle(0")
		case "width", "height", "max-width", "max-height":
			small = small || v == "0" || len(v) > 2 && v[0] <= '1' && strings.HasSuffix(v, "px") && pixels(v) <= 1
		case "overflow":
			clipped = clipped || v == "hidden" || v == "clip"
		case "font-size":
			s.never = s.never || v != "" && (v == "0" || v[0] == '0' && strings.Trim(v, "0.pxemrt%") == "" || v == "1px")
		case "opacity":
			f, err := strconv.ParseFloat(v, 64)
			s.faint = err == nil && f < 0.05
		case "color":
			s.color = rgb(v)
			s.never = s.never || v == "transparent"
		case "background", "background-color":
			if s.back = rgb(v); s.back == "" && v != "none" && v != "inherit" && v != "initial" && v != "transparent" {
				s.back = "?"
			}
		case "background-image":
			if v != "none" {
				s.back = "?"
			}
		}
	}
	s.never = s.never || clipped && small || clipped && absolute && strings.Contains(css, "rect(")
	return s
}

func pixels(v string) float64 {
	for _, unit := range []string{"px", "em", "rem", "pt", "vw", "vh", "%"} {
		if num, ok := strings.CutSuffix(v, unit); ok {
			f, err := strconv.ParseFloat(strings.TrimSuffix(num, "r"), 64)
			if err != nil {
				return 0
			}
			if unit == "em" || unit == "rem" {
				f *= 16
			} else if unit == "vw" || unit == "vh" || unit == "%" {
				f *= 5
			}
			return f
		}
	}
	return 0
}

func farOff(transform string) bool {
	for part := range strings.FieldsFuncSeq(transform, func(r rune) bool { return r == '(' || r == ')' || r == ',' || r == ' ' }) {
		if pixels(part) <= -2000 {
			return true
		}
	}
	return false
}

var colorNames = map[string]string{"white": "ffffff", "black": "000000", "snow": "fffafa", "ivory": "fffff0", "whitesmoke": "f5f5f5", "ghostwhite": "f8f8ff"}

// rgb gives a colour as six hexadecimal digits; empty: it is none that can be told.
func rgb(v string) string {
	v, _, _ = strings.Cut(v, " no-repeat")
	if c, ok := colorNames[v]; ok {
		return c
	}
	if h, ok := strings.CutPrefix(v, "#"); ok {
		switch {
		case len(h) == 3 || len(h) == 4:
			return string([]byte{h[0], h[0], h[1], h[1], h[2], h[2]})
		case len(h) == 6 || len(h) == 8:
			return h[:6]
		}
		return ""
	}
	if args, ok := strings.CutPrefix(v, "rgb"); ok {
		parts := strings.FieldsFunc(args, func(r rune) bool { return r < '0' && r != '.' || r > '9' })
		if len(parts) >= 3 {
			out := ""
			for _, p := range parts[:3] {
				n, err := strconv.Atoi(p)
				if err != nil || n > 255 {
					return ""
				}
				out += string("0123456789abcdef"[n/16]) + string("0123456789abcdef"[n%16])
			}
			return out
		}
	}
	return ""
}

// alike reports whether nobody can tell two colours apart.
func alike(a, b string) bool {
	if len(a) != 6 || len(b) != 6 {
		return false
	}
	sum := 0
	for i := 0; i < 6; i += 2 {
		x, err1 := strconv.ParseInt(a[i:i+2], 16, 32)
		y, err2 := strconv.ParseInt(b[i:i+2], 16, 32)
		if err1 != nil || err2 != nil {
			return false
		}
		sum += int(max(x-y, y-x))
	}
	return sum < 12
}

// compound is what one element must be for a part of a selector.
type compound struct {
	tag, id string
	classes []string
}

type rule struct {
	chain []compound // of ancestors, outermost first, and the element itself
	style style
}

// sheet holds the rules of a page's own <style> elements that say what is seen, by a name that the element must have.
// Selectors that the reader does not know (pseudo classes, attributes, siblings) are left out, as are rules for media other
// than the screen.
type sheet struct {
	byName map[string][]rule
	count  int
	hasOut bool // the page has style sheets of other addresses too, which are not read
}

func readSheets(root *html.Node) *sheet {
	s := &sheet{byName: map[string][]rule{}}
	left := maxSheet
	for n := range root.Descendants() {
		switch n.DataAtom {
		case atom.Style:
			if n.FirstChild != nil && left > 0 && !strings.Contains(attr(n, "media"), "print") {
				css := n.FirstChild.Data
				css = css[:min(len(css), left)]
				left -= len(css)
				s.read(css, 0)
			}
		case atom.Link:
			s.hasOut = s.hasOut || strings.Contains(strings.ToLower(attr(n, "rel")), "stylesheet")
		}
	}
	return s
}

// read takes the rules of a sheet, and those inside @media blocks for the screen.
func (s *sheet) read(css string, depth int) {
	for len(css) > 0 && s.count < maxRules {
		open := strings.IndexByte(css, '{')
		if open < 0 {
			return
		}
		head := css[:open]
		if i := strings.LastIndexByte(head, ';'); i >= 0 { // @import and @charset
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

// blockOf splits css after the brace that closes the block it is in.
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

// parseSelector reads a selector of tags, classes and ids, one inside the other; nil: it has more than that.
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

// of gives what the sheet and the style attribute of n say, later and closer words going before.
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
		class := attr(n, "class")
		classes := strings.Fields(class[:min(len(class), maxNameBytes)])
		id := attr(n, "id")
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
	if v := attr(n, "style"); v != "" {
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
		for p != nil && !(p.Type == html.ElementNode && r.chain[i].is(p, strings.Fields(attr(p, "class")), attr(p, "id"))) {
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
