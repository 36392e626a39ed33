package questions

import (
	"io"
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

var (
	markdownLink   = regexp.MustCompile(`!?\[((?:[^\[\]\\]|\\.)*)\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+"[^"]*")?\)`)
	markdownEscape = regexp.MustCompile(`\\([!-/:-@\[-` + "`" + `{-~])`)
	typography     = strings.NewReplacer("’", "'", "‘", "'", "“", `"`, "”", `"`, "–", "-", "—", "-", "‑", "-", "−", "-",
		"…", "...", "\u200b", "", "\u00ad", "")
)

// Normalise converts a text to the form in which texts are compared: single spaces, lower case, plain quotation marks
// and dashes, and no Markdown around words (links, code marks, emphasis, escapes, table bars). So accepted texts can
// be written as people see them on the page.
func Normalise(s string) string {
	s = markdownLink.ReplaceAllString(s, "$1")
	s = markdownEscape.ReplaceAllString(s, "$1")
	s = strings.Map(func(r rune) rune {
		switch r {
		case '`', '*':
			return -1
		case '|':
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(strings.ToLower(typography.Replace(s))), " ")
}

// ContainsAny reports whether a text contains one of the accepted texts.
func ContainsAny(text string, accept []string) bool {
	text = Normalise(text)
	for _, a := range accept {
		if strings.Contains(text, Normalise(a)) {
			return true
		}
	}
	return false
}

// RightPlace reports whether the span from start to end of a text, in code points, has the right occurrence of the
// part's accepted text: the first one behind part.After. ok is false if the part has no After, if the span does not
// have the accepted text, or if After is not in the text.
func RightPlace(text string, start, end int, part Part) (right, ok bool) {
	if part.After == "" {
		return false, false
	}
	runes := []rune(text)
	if start < 0 || start > end || end > len(runes) {
		return false, false
	}
	accept := Normalise(part.Accept[0])
	inside := strings.Count(Normalise(string(runes[start:end])), accept)
	whole := Normalise(text)
	at := strings.Index(whole, Normalise(part.After))
	if inside == 0 || at < 0 {
		return false, false
	}
	before := strings.Count(Normalise(string(runes[:start])), accept)
	wanted := strings.Count(whole[:at+len(Normalise(part.After))], accept)
	return before <= wanted && wanted < before+inside, true
}

// VisibleText returns the text of an HTML document as people see it in a browser, without head, scripts and styles.
// It adds a space after elements that end a line or a table cell.
func VisibleText(r io.Reader) (string, error) {
	doc, err := html.Parse(r)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		switch {
		case n.Type == html.TextNode:
			b.WriteString(n.Data)
			return
		case n.Type == html.ElementNode && hidden(n.DataAtom):
			return
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
		if n.Type == html.ElementNode && !inline(n.DataAtom) {
			b.WriteByte(' ')
		}
	}
	walk(doc)
	return b.String(), nil
}

// hidden reports whether the text in an element is not shown.
func hidden(a atom.Atom) bool {
	switch a {
	case atom.Head, atom.Script, atom.Style, atom.Template:
		return true
	}
	return false
}

// inline reports whether the text after an element continues on the same line.
func inline(a atom.Atom) bool {
	switch a {
	case atom.A, atom.Abbr, atom.B, atom.Cite, atom.Code, atom.Dfn, atom.Em, atom.I, atom.Kbd, atom.Q, atom.S, atom.Samp,
		atom.Small, atom.Span, atom.Strong, atom.Sub, atom.Sup, atom.Tt, atom.U, atom.Var:
		return true
	}
	return false
}
