package rendering

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/plaintext"
	"legwork/internal/page/reading/dom"
)

// formula returns the text of a formula, and whether n is a formula. KaTeX, MathJax and Wikipedia write a formula twice: as it is drawn,
// and as MathML for screen readers. formula returns the text only once.
func formula(n *html.Node) (string, bool) {
	if n.Type != html.ElementNode {
		return "", false
	}
	if n.DataAtom == atom.Math {
		return mathText(n), true
	}
	if n.DataAtom == atom.Script {
		if kind := strings.ToLower(dom.Attr(n, "type")); strings.HasPrefix(kind, "math/") && n.FirstChild != nil {
			if strings.HasPrefix(kind, "math/mml") {
				return "", false
			}
			return tex(n.FirstChild.Data), true
		}
		return "", false
	}
	if !dom.IsMathBox(n) {
		return "", false
	}
	for c := range n.Descendants() {
		if c.DataAtom == atom.Math {
			if s := mathText(c); s != "" {
				return s, true
			}
		}
	}
	for _, key := range []string{"data-tex", "data-latex", "data-expr", "data-formula", "data-mathml", "alttext", "aria-label"} {
		if v := dom.Attr(n, key); v != "" && !strings.HasPrefix(v, "<") {
			return tex(v), true
		}
	}
	for c := range n.Descendants() {
		if c.DataAtom == atom.Img && dom.Attr(c, "alt") != "" {
			return tex(dom.Attr(c, "alt")), true
		}
		if v := dom.Attr(c, "aria-label"); v != "" {
			return tex(v), true
		}
	}
	return plaintext.Fold(dom.RawText(n, maxFormula)), true
}

// maxFormula is the greatest length of the text of one formula, in bytes.
const maxFormula = 4000

// mathText returns the TeX annotation of a MathML element, else its alternative text, else the formula on one line.
func mathText(n *html.Node) string {
	for c := range n.Descendants() {
		if c.Data == "annotation" && strings.Contains(dom.Attr(c, "encoding"), "tex") && c.FirstChild != nil {
			if s := tex(dom.RawText(c, maxFormula)); s != "" {
				return s
			}
		}
	}
	if s := tex(dom.Attr(n, "alttext")); s != "" {
		return s
	}
	return plaintext.Fold(linear(n, 0))
}

// tex removes the outermost style command and the delimiters of a formula in TeX. They affect how the formula looks, but not its meaning.
func tex(s string) string {
	s = plaintext.Fold(s[:min(len(s), maxFormula)])
	for _, d := range [][2]string{{"$$", "$$"}, {"$", "$"}, {`\(`, `\)`}, {`\[`, `\]`}, {"{", "}"}} {
		if len(s) >= len(d[0])+len(d[1]) && strings.HasPrefix(s, d[0]) && strings.HasSuffix(s, d[1]) &&
			(d[0] != "{" || strings.HasPrefix(s, `{\displaystyle`) || strings.HasPrefix(s, `{\textstyle`)) {
			s = strings.TrimSpace(s[len(d[0]) : len(s)-len(d[1])])
		}
	}
	for _, style := range []string{`\displaystyle`, `\textstyle`} {
		s = strings.TrimSpace(strings.TrimPrefix(s, style))
	}
	return s
}

// linear writes presentation MathML on one line: a fraction as a/b, a power with ^ or raised digits, an index with _.
func linear(n *html.Node, depth int) string {
	if n.Type == html.TextNode {
		return strings.TrimSpace(n.Data)
	}
	if n.Type != html.ElementNode || depth > 200 || n.Data == "annotation" || n.Data == "annotation-xml" || n.Data == "mphantom" {
		return ""
	}
	var parts []string
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if s := linear(c, depth+1); s != "" || c.Type == html.ElementNode && n.Data != "mrow" {
			parts = append(parts, s)
		}
	}
	arg := func(i int) string {
		if i < len(parts) {
			return parts[i]
		}
		return ""
	}
	switch n.Data {
	case "mfrac":
		return grouped(arg(0)) + "/" + grouped(arg(1))
	case "msup", "mover":
		return arg(0) + raised(arg(1))
	case "msub", "munder":
		return arg(0) + lowered(arg(1))
	case "msubsup", "munderover":
		return arg(0) + lowered(arg(1)) + raised(arg(2))
	case "msqrt":
		return "√(" + strings.Join(parts, "") + ")"
	case "mroot":
		return grouped(arg(0)) + "^(1/" + arg(1) + ")"
	case "mtr", "mlabeledtr":
		return strings.Join(parts, ", ") + "; "
	case "mo":
		s := strings.Join(parts, "")
		if strings.ContainsAny(s, "=<>≤≥≈≠+−×·÷→⇒∈±") {
			return " " + s + " "
		}
		return s
	case "mspace":
		return " "
	}
	return strings.Join(parts, "")
}

// grouped puts parentheses around anything longer than one name or number.
func grouped(s string) string {
	if strings.ContainsAny(strings.TrimSpace(s), " +-−/*=") {
		return "(" + strings.TrimSpace(s) + ")"
	}
	return s
}

// raised writes a power: raised digits for a number, else ^ and the text.
func raised(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	if strings.Trim(s, "0123456789-−+") == "" && strings.Trim(s, "-−+") != "" {
		return superscripts.Replace(s)
	}
	if strings.ContainsAny(s, "′″‴*†") {
		return s
	}
	return "^" + grouped(s)
}

func lowered(s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return ""
	}
	return "_" + grouped(s)
}

var superscripts = strings.NewReplacer("0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶",
	"7", "⁷", "8", "⁸", "9", "⁹", "-", "⁻", "−", "⁻", "+", "⁺")

var subscripts = strings.NewReplacer("0", "₀", "1", "₁", "2", "₂", "3", "₃", "4", "₄", "5", "₅", "6", "₆",
	"7", "₇", "8", "₈", "9", "₉")
