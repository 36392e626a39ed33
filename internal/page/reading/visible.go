package reading

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Attributes that the browser's reading script sets on elements, because it knows how they are drawn.
const (
	markRendered = "data-legwork-rendered" // on <html>: the document is what a browser made of one
	markHidden   = "data-legwork-hidden"   // not shown now: display or visibility
	markNever    = "data-legwork-never"    // drawn so that nobody can see it
	markApart    = "data-legwork-apart"    // its children are laid out apart: "row" or "column"
	markBlock    = "data-legwork-block"    // an inline element that is drawn as a block
)

// maxScript bounds the bytes of inline scripts in which names of elements are looked up.
const maxScript = 1 << 20

// visibility tells what of a page a person can see, now or after using its controls.
//
// What is not shown now is content when something on the page can show it: a tab, a button, a <summary>, a link or a script that
// names it. What is drawn so that nobody can ever see it is no content, for that is where instructions to machines hide.
type visibility struct {
	sheet    *sheet
	controls map[string]bool // ids that a control of the page names
	scripts  map[string]bool // words of the inline scripts
	outside  bool            // scripts of other addresses run too
	whole    int             // letters of the page
}

func newVisibility(root *html.Node) *visibility {
	v := &visibility{sheet: readSheets(root), controls: map[string]bool{}, scripts: map[string]bool{}}
	left := maxScript
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.DataAtom == atom.Script {
			v.outside = v.outside || attr(n, "src") != ""
			if kind := attr(n, "type"); n.FirstChild != nil && left > 0 && !strings.Contains(kind, "json") {
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

// note takes in the words of a script.
func (v *visibility) note(code string) {
	for w := range strings.FieldsFuncSeq(code, func(r rune) bool {
		return !(r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}) {
		if len(w) > 2 && len(w) < 100 {
			v.scripts[w] = true
		}
	}
}

// Words of names that scripts use for what they show later, and for what is no part of the text even when it is shown.
var (
	revealed = wordSet("tab tabs tabpanel pane panel accordion collapse collapsible collapsed collapsable toggle toggled togglable expand expandable expanded " +
		"expander details more answer faq spoiler reveal revealed wow fade fadein aos animate animated animation lazy inview step slide carousel")
	overlays = wordSet("modal dialog popup popover tooltip overlay lightbox menu submenu dropdown nav navigation offcanvas cookie consent gdpr newsletter " +
		"banner toast alertbar search loader spinner skeleton placeholder mobile print login signin megamenu drawer")
)

// unseen reports whether n and what is in it are no content, for it is not shown and nothing can show it.
func (v *visibility) unseen(n *html.Node, st style) bool {
	if hasAttr(n, markNever) {
		return true
	}
	if st.never && !hasAttr(n, markHidden) {
		return true
	}
	hides, how := false, attr(n, "hidden")
	if hasAttr(n, "hidden") {
		if how == "until-found" {
			return false
		}
		hides = true
	}
	if hasAttr(n, markHidden) || st.hide || st.faint && !hasAttr(n, markApart) && !hasAttr(n, markBlock) {
		hides = true
	}
	if n.DataAtom == atom.Dialog && !hasAttr(n, "open") {
		hides = true
	}
	if hides {
		return !v.revealable(n)
	}
	return strings.EqualFold(attr(n, "aria-hidden"), "true") && decorative(n)
}

// decorative reports whether what is kept from screen readers is a sign and no text: the letter of an icon, the mark beside a
// heading. Text behind a modal carries aria-hidden too.
func decorative(n *html.Node) bool {
	text := strings.TrimSpace(rawText(n, 60))
	return inline[n.DataAtom] && len(text) <= 30 && !strings.Contains(text, " ") || text == ""
}

// revealable reports whether something on the page can show n.
func (v *visibility) revealable(n *html.Node) bool {
	words, whole := names(n)
	role := attr(n, "role")
	if n.DataAtom == atom.Dialog || n.DataAtom == atom.Nav || n.DataAtom == atom.Form || role == "dialog" || role == "alertdialog" ||
		role == "menu" || role == "tooltip" || role == "alert" || anyOf(words, overlays) && role != "tabpanel" {
		return false
	}
	if inline[n.DataAtom] && !v.controls[attr(n, "id")] && !v.named(whole) {
		return false
	}
	id := attr(n, "id")
	if role == "tabpanel" || id != "" && v.controls[id] || v.named(whole) || within(n, atom.Details) {
		return true
	}
	if label := attr(n, "aria-labelledby"); label != "" && role == "region" {
		return true
	}
	if hasAttr(n, "x-show") || hasAttr(n, "v-show") || hasAttr(n, "ng-show") || hasAttr(n, "x-cloak") || hasAttr(n, "v-cloak") {
		return true
	}
	if n.DataAtom == atom.Body || n.DataAtom == atom.Html || n.DataAtom == atom.Main || n.DataAtom == atom.Article {
		return v.outside || len(v.scripts) > 0 // shown when the page has loaded
	}
	if v.besideControl(n) {
		return true
	}
	return anyOf(words, revealed) && (v.outside || len(v.scripts) > 0 || v.nearSwitch(n))
}

// named reports whether an inline script names one of the names of an element.
func (v *visibility) named(whole []string) bool {
	for _, w := range whole {
		if len(w) > 3 && v.scripts[w] && !common[w] {
			return true
		}
	}
	return false
}

// Names that stand in scripts whatever they are about.
var common = wordSet("hidden none hide show active open text content main body document window style class item item list container wrapper title name value button click data")

// besideControl reports whether the element before n, or the heading that holds it, is a control that opens something.
func (v *visibility) besideControl(n *html.Node) bool {
	p := n.PrevSibling
	for p != nil && p.Type != html.ElementNode {
		p = p.PrevSibling
	}
	if p == nil {
		return false
	}
	opens := func(c *html.Node) bool {
		return c.DataAtom == atom.Summary || hasAttr(c, "aria-expanded") || c.DataAtom == atom.Button && attr(c, "type") != "submit" ||
			attr(c, "role") == "button" || attr(c, "role") == "tab" || attr(c, "role") == "tablist"
	}
	if v.nearSwitch(n) {
		return true
	}
	return opens(p) || !isLongText(p) && has(p, opens)
}

// nearSwitch reports whether a check box or radio button before n shows it by CSS alone, or n stands among tabs.
func (v *visibility) nearSwitch(n *html.Node) bool {
	i := 0
	for p := n.PrevSibling; p != nil && i < 20; p = p.PrevSibling {
		i++
		if p.DataAtom == atom.Input && (attr(p, "type") == "checkbox" || attr(p, "type") == "radio") || attr(p, "role") == "tablist" {
			return true
		}
	}
	return false
}

func isLongText(n *html.Node) bool { return len(strings.TrimSpace(rawText(n, 400))) > 300 }

// hide takes out of the tree what nobody can see. Colours are looked at on the way down: text of the colour of what is behind it
// is not seen.
func (v *visibility) hide(root *html.Node) {
	v.whole = letters(root)
	v.walk(root, "", "")
}

// walk removes unseen elements below n. color and back are what n inherits; empty: the default, "?": not known.
func (v *visibility) walk(n *html.Node, color, back string) {
	for c := n.FirstChild; c != nil; {
		next := c.NextSibling
		if c.Type == html.ElementNode && c.DataAtom != atom.Head {
			var st style
			if v.sheet.count > 0 || hasAttr(c, "style") {
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

// lay notes how the page's own style sheets lay out what is in an element, as the browser's script does.
func lay(n *html.Node, st style) {
	switch {
	case st.apart != "" && !hasAttr(n, markApart):
		n.Attr = append(n.Attr, html.Attribute{Key: markApart, Val: st.apart})
	case st.block && inline[n.DataAtom] && !hasAttr(n, markBlock) && !(n.Parent != nil && hasAttr(n.Parent, markApart)):
		n.Attr = append(n.Attr, html.Attribute{Key: markBlock})
	}
}

// drop reports whether c is taken out. A formula keeps all of its writings until one is chosen.
func (v *visibility) drop(c *html.Node, st style) bool {
	if c.DataAtom == atom.Math || c.DataAtom == atom.Script || c.DataAtom == atom.Style || isMathBox(c) || c.Parent != nil && isMathBox(c.Parent) {
		return false
	}
	return v.unseen(c, st)
}

// invisible reports whether the text of c has the colour of what is behind it. A white text on an unknown ground may be seen:
// only where the page has no other style sheets is the ground taken to be white.
func (v *visibility) invisible(c *html.Node, fore, behind string) bool {
	if behind == "" && !v.sheet.hasOut && fore == "ffffff" {
		behind = "ffffff"
	}
	return alike(fore, behind) && letters(c) < v.whole
}

// letters counts letters and digits of the text below n.
func letters(n *html.Node) int {
	count := 0
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			count += countLetters(n.Data)
			return
		}
		if n.Type == html.ElementNode && dropped[n.DataAtom] {
			return
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(n)
	return count
}
