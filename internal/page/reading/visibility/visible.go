package visibility

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/reading/dom"
)

// maxScript is the number of bytes of inline scripts that are searched for names of elements.
const maxScript = 1 << 20

// visibility decides which elements of one page are removed. See the package comment for the rules.
type visibility struct {
	sheet    *sheet
	controls map[string]bool // ids of elements that a control of the page names
	scripts  map[string]bool // words in the inline scripts
	outside  bool            // the page also links to scripts
	root     *html.Node
	whole    int // number of letters of the page; 0 if not yet counted
}

// RemoveUnseen removes from a tree all content that nobody can see, and marks how the page's own style sheets lay out the rest.
func RemoveUnseen(root *html.Node) {
	v := newVisibility(root)
	v.walk(root, "", "") // walk passes colours down, because text in the colour of its background is not visible
}

func newVisibility(root *html.Node) *visibility {
	v := &visibility{root: root, sheet: readSheets(root), controls: map[string]bool{}, scripts: map[string]bool{}}
	left := maxScript
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.DataAtom == atom.Script {
			v.outside = v.outside || dom.Attr(n, "src") != ""
			if kind := dom.Attr(n, "type"); n.FirstChild != nil && left > 0 && !strings.Contains(kind, "json") {
				code := n.FirstChild.Data
				code = code[:min(len(code), left)]
				left -= len(code)
				v.note(code)
			}
			continue
		}
		for _, a := range n.Attr {
			switch a.Key {
			case "aria-controls", "data-target", "data-bs-target", "data-toggle-target", "data-tab", "data-tab-target", "data-target-id",
				"popovertarget", "commandfor", "aria-owns", "data-controls", "data-panel", "data-content", "data-collapse", "data-accordion-target":
				for id := range strings.FieldsSeq(a.Val) {
					v.controls[strings.TrimLeft(id, "#.")] = true
				}
			case "href":
				if id, ok := strings.CutPrefix(a.Val, "#"); ok && id != "" {
					v.controls[id] = true
				}
			default:
				if strings.HasPrefix(a.Key, "on") && len(a.Key) > 3 {
					v.note(a.Val[:min(len(a.Val), 2000)])
				}
			}
		}
	}
	return v
}

// note adds the words of a script to scripts.
func (v *visibility) note(code string) {
	for w := range strings.FieldsFuncSeq(code, func(r rune) bool {
		return !(r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}) {
		if len(w) > 2 && len(w) < 100 {
			v.scripts[w] = true
		}
	}
}

// These are words in class names and ids of elements that scripts show later.
var (
	revealed = dom.WordSet("tab tabs tabpanel pane panel accordion collapse collapsible collapsed collapsable toggle toggled togglable expand expandable expanded " +
		"expander details more answer faq spoiler reveal revealed wow fade fadein aos animate animated animation lazy inview step slide carousel")
)

// unseen reports whether n is hidden and nothing on the page can show it.
func (v *visibility) unseen(n *html.Node, st style) bool {
	if dom.HasAttr(n, dom.MarkNever) {
		return true
	}
	if st.never && !dom.HasAttr(n, dom.MarkHidden) {
		return true
	}
	hides, how := false, dom.Attr(n, "hidden")
	if dom.HasAttr(n, "hidden") {
		if how == "until-found" {
			return false
		}
		hides = true
	}
	if dom.HasAttr(n, dom.MarkHidden) || st.hide || st.faint && !dom.HasAttr(n, dom.MarkApart) && !dom.HasAttr(n, dom.MarkBlock) {
		hides = true
	}
	if n.DataAtom == atom.Dialog && !dom.HasAttr(n, "open") {
		hides = true
	}
	if hides {
		return !v.revealable(n)
	}
	return strings.EqualFold(dom.Attr(n, "aria-hidden"), "true") && decorative(n)
}

// decorative reports whether an element with aria-hidden is only a sign: the letter of an icon, or the mark beside a heading. Its text must
// be checked, because pages also set aria-hidden on all text behind a dialog.
func decorative(n *html.Node) bool {
	if n.DataAtom == atom.Del || n.DataAtom == atom.S || n.DataAtom == atom.Ins { // shops hide the old price from screen readers
		return false
	}
	text := strings.TrimSpace(dom.RawText(n, 60))
	return dom.Inline[n.DataAtom] && len(text) <= 30 && !strings.Contains(text, " ") || text == ""
}

// revealable reports whether something on the page can show n.
func (v *visibility) revealable(n *html.Node) bool {
	words, whole := dom.Names(n)
	role := dom.Attr(n, "role")
	if n.DataAtom == atom.Dialog || n.DataAtom == atom.Nav || n.DataAtom == atom.Form || role == "dialog" || role == "alertdialog" ||
		role == "menu" || role == "tooltip" || role == "alert" || dom.AnyOf(words, dom.Overlays) && role != "tabpanel" {
		return false
	}
	if dom.Inline[n.DataAtom] && !v.controls[dom.Attr(n, "id")] && !v.named(whole) {
		return false
	}
	id := dom.Attr(n, "id")
	if role == "tabpanel" || id != "" && v.controls[id] || v.named(whole) || dom.Within(n, atom.Details) {
		return true
	}
	if label := dom.Attr(n, "aria-labelledby"); label != "" && role == "region" {
		return true
	}
	if dom.HasAttr(n, "x-show") || dom.HasAttr(n, "v-show") || dom.HasAttr(n, "ng-show") || dom.HasAttr(n, "x-cloak") || dom.HasAttr(n, "v-cloak") {
		return true
	}
	if n.DataAtom == atom.Body || n.DataAtom == atom.Html || n.DataAtom == atom.Main || n.DataAtom == atom.Article {
		return v.outside || len(v.scripts) > 0 // scripts show this element when the page has loaded
	}
	if v.besideControl(n) {
		return true
	}
	return dom.AnyOf(words, revealed) && (v.outside || len(v.scripts) > 0 || v.nearSwitch(n))
}

// named reports whether an inline script contains one of an element's names. Names that are common in scripts are ignored.
func (v *visibility) named(whole []string) bool {
	for _, w := range whole {
		if len(w) > 3 && v.scripts[w] && !common[w] {
			return true
		}
	}
	return false
}

// common are names that occur in scripts of all kinds.
var common = dom.WordSet("hidden none hide show active open text content main body document window style class item item list container wrapper title name value button click data")

// besideControl reports whether the element before n is a control that shows something, or contains one. It also returns true if CSS alone
// can show n (see nearSwitch).
func (v *visibility) besideControl(n *html.Node) bool {
	p := n.PrevSibling
	for p != nil && p.Type != html.ElementNode {
		p = p.PrevSibling
	}
	if p == nil {
		return false
	}
	opens := func(c *html.Node) bool {
		return c.DataAtom == atom.Summary || dom.HasAttr(c, "aria-expanded") || c.DataAtom == atom.Button && dom.Attr(c, "type") != "submit" ||
			dom.Attr(c, "role") == "button" || dom.Attr(c, "role") == "tab" || dom.Attr(c, "role") == "tablist"
	}
	if v.nearSwitch(n) {
		return true
	}
	return opens(p) || !isLongText(p) && dom.Has(p, opens)
}

// nearSwitch reports whether CSS alone can show n: a check box or radio button is before n, or n is one of the panels after a row of tabs.
func (v *visibility) nearSwitch(n *html.Node) bool {
	between := 0
	for p := n.PrevSibling; p != nil && between < 20; p = p.PrevSibling {
		if p.Type != html.ElementNode {
			continue
		}
		if p.DataAtom == atom.Input && (dom.Attr(p, "type") == "checkbox" || dom.Attr(p, "type") == "radio") {
			return true
		}
		if dom.Attr(p, "role") == "tablist" {
			return between < tabsOf(p)
		}
		between++
	}
	return false
}

// tabsOf returns the number of elements with role tab in a row of tabs. If there are none, it returns the number of links and buttons.
func tabsOf(row *html.Node) int {
	said, pressed := 0, 0
	for c := range row.Descendants() {
		switch {
		case c.Type != html.ElementNode:
		case dom.Attr(c, "role") == "tab":
			said++
		case c.DataAtom == atom.A || c.DataAtom == atom.Button:
			pressed++
		}
	}
	if said > 0 {
		return said
	}
	return pressed
}

func isLongText(n *html.Node) bool { return len(strings.TrimSpace(dom.RawText(n, 400))) > 300 }

// walk removes unseen elements below n. color and back are the inherited colours of text and background. An empty string means the default
// colour, and "?" means that the colour is not known.
func (v *visibility) walk(n *html.Node, color, back string) {
	for c := n.FirstChild; c != nil; {
		next := c.NextSibling
		if c.Type == html.ElementNode && c.DataAtom != atom.Head {
			var st style
			if v.sheet.count > 0 || dom.HasAttr(c, "style") {
				st = v.sheet.of(c)
			}
			if v.drop(c, st) {
				n.RemoveChild(c)
			} else {
				lay(c, st)
				fore, behind := color, back
				if st.color != "" {
					fore = st.color
				}
				if st.back != "" {
					behind = st.back
				}
				if fore != color && v.invisible(c, fore, behind) {
					n.RemoveChild(c)
				} else {
					v.walk(c, fore, behind)
				}
			}
		}
		c = next
	}
}

// lay adds the layout attributes that the browser's reading script would add (dom.MarkApart, dom.MarkBlock). It uses the page's own style
// sheets.
func lay(n *html.Node, st style) {
	switch {
	case st.apart != "" && !dom.HasAttr(n, dom.MarkApart):
		n.Attr = append(n.Attr, html.Attribute{Key: dom.MarkApart, Val: st.apart})
	case st.block && dom.Inline[n.DataAtom] && !dom.HasAttr(n, dom.MarkBlock) && !(n.Parent != nil && dom.HasAttr(n.Parent, dom.MarkApart)):
		n.Attr = append(n.Attr, html.Attribute{Key: dom.MarkBlock})
	}
}

// drop reports whether c is removed. All notations of a formula are kept here, since package rendering chooses one of them later.
func (v *visibility) drop(c *html.Node, st style) bool {
	if c.DataAtom == atom.Math || c.DataAtom == atom.Script || c.DataAtom == atom.Style || dom.IsMathBox(c) || c.Parent != nil && dom.IsMathBox(c.Parent) {
		return false
	}
	return v.unseen(c, st)
}

// invisible reports whether the text of c has the colour of its background. If the background is not set, white is assumed, unless the page
// links to style sheets, which may set another background.
func (v *visibility) invisible(c *html.Node, fore, behind string) bool {
	if behind == "" && !v.sheet.hasOut && alike(fore, "ffffff") {
		behind = "ffffff"
	}
	if !alike(fore, behind) {
		return false
	}
	if v.whole == 0 {
		v.whole = dom.Letters(v.root)
	}
	return dom.Letters(c) < v.whole
}
