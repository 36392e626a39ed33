package pdf

import (
	"math"
	"strings"
	"unicode"

	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/responses"
)

// glyph is a character on a page. Distances are in points. The box encloses the ink of the character. The coordinates are turned so that x
// grows in the direction of the writing and y grows upwards, even on a rotated page.
type glyph struct {
	text          string  // empty for a character that ends a line
	x0, x1        float64 // left and right
	y0, y1        float64 // bottom and top
	size          float64 // font size
	space, ending bool    // white space; the end of a line in the content stream
	fixed         bool    // the font is monospaced
	turned        int     // quarter turns between the main direction of the page and this character
}

// fixedPitch is the flag of monospaced fonts (ISO 32000-1 table 123).
const fixedPitch = 1

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func hasText(glyphs []glyph) bool {
	for _, g := range glyphs {
		if strings.ContainsFunc(g.text, isLetter) {
			return true
		}
	}
	return false
}

// glyphs returns the characters of a page in the order of its content stream. tooMany is true if the page has more than
// maxChars characters; then out is empty. turn is the main direction of the page, in quarter turns.
func (r *reader) glyphs(index int) (out []glyph, turn int, tooMany bool, err error) {
	page := requests.Page{ByIndex: &requests.PageByIndex{Document: r.ref, Index: index}}
	text, err := r.pdfium.FPDFText_LoadPage(&requests.FPDFText_LoadPage{Page: page})
	if err != nil {
		return nil, 0, false, err
	}
	count, err := r.pdfium.FPDFText_CountChars(&requests.FPDFText_CountChars{TextPage: text.TextPage})
	if err == nil {
		_, err = r.pdfium.FPDFText_ClosePage(&requests.FPDFText_ClosePage{TextPage: text.TextPage})
	}
	if err != nil {
		return nil, 0, false, err
	}
	if count.Count > maxChars {
		return nil, 0, true, nil
	}
	chars, err := r.pdfium.GetPageTextStructured(&requests.GetPageTextStructured{Page: page, Mode: requests.GetPageTextStructuredModeChars})
	if err != nil {
		return nil, 0, false, err
	}
	runs, err := r.pdfium.GetPageTextStructured(&requests.GetPageTextStructured{
		Page: page, Mode: requests.GetPageTextStructuredModeRects, CollectFontInformation: true,
	})
	if err != nil {
		return nil, 0, false, err
	}
	out = convert(chars.Chars, runs.Rects)
	return out, turnGlyphs(out, chars.Chars), false, nil
}

// convert turns PDFium's characters into glyphs. A run is a sequence of characters in one font; runs and characters are in the same order.
// The font size is taken from the runs, because asking PDFium for the font of each character takes ten times as long.
func convert(chars []*responses.GetPageTextStructuredChar, runs []*responses.GetPageTextStructuredRect) []glyph {
	out := make([]glyph, 0, len(chars))
	run := 0
	for _, c := range chars {
		p := c.PointPosition
		g := glyph{text: readable(c.Text), x0: p.Left, x1: p.Right, y0: p.Bottom, y1: p.Top}
		switch {
		case c.Text == "\r" || c.Text == "\n":
			g.ending, g.text = true, ""
		case strings.TrimSpace(g.text) == "":
			g.space = true
		default:
			for k := run; k < min(run+4, len(runs)); k++ { // skip empty runs
				if covers(runs[k].PointPosition, p) {
					run = k
					break
				}
			}
			if run < len(runs) && runs[run].FontInformation != nil {
				g.size = runs[run].FontInformation.RenderedSize
				g.fixed = runs[run].FontInformation.Flags&fixedPitch != 0
			}
		}
		if g.size <= 0 || g.size > 1000 || math.IsNaN(g.size) {
			g.size = max(1, p.Top-p.Bottom)
		}
		out = append(out, g)
	}
	return out
}

func covers(run, c responses.CharPosition) bool {
	const slack = 0.1
	return c.Left >= run.Left-slack && c.Right <= run.Right+slack && c.Bottom >= run.Bottom-slack && c.Top <= run.Top+slack
}

// turnGlyphs turns the coordinates of all characters so that their text runs to the right. The main direction of the page is the direction
// of most characters. For a character with another direction, turned is set to the difference from the main direction. turnGlyphs returns
// the main direction.
func turnGlyphs(glyphs []glyph, chars []*responses.GetPageTextStructuredChar) (main int) {
	quarters := make([]int, len(glyphs))
	var count [4]int
	for i, c := range chars {
		q := -int(math.Round(c.Angle/(math.Pi/2))) % 4 // PDFium counts clockwise
		if q < 0 {
			q += 4
		}
		quarters[i] = q
		if !glyphs[i].space && !glyphs[i].ending {
			count[q]++
		}
	}
	for q, n := range count {
		if n > count[main] {
			main = q
		}
	}
	for i := range glyphs {
		g := &glyphs[i]
		q := quarters[i]
		if g.space || g.ending { // white space and line ends have no direction, so take the direction of the character before
			q = main
			if i > 0 {
				q = quarters[i-1]
			}
			quarters[i] = q
		}
		g.x0, g.x1, g.y0, g.y1 = turnBox(q, g.x0, g.x1, g.y0, g.y1)
		g.turned = (q - main + 4) % 4
	}
	return main
}

// turnBox turns a box by quarter turns, so that text in direction q runs to the right.
func turnBox(q int, x0, x1, y0, y1 float64) (_, _, _, _ float64) {
	switch q {
	case 1:
		return y0, y1, -x1, -x0
	case 2:
		return -x1, -x0, -y1, -y0
	case 3:
		return -y1, -y0, x0, x1
	}
	return x0, x1, y0, y1
}
