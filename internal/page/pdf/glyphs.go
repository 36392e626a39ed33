package pdf

import (
	"math"
	"strings"
	"unicode"

	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/responses"
)

// glyph is a character on a page, in points. Its box is that of its ink; x grows along the writing, y upwards, whatever way
// the page is turned.
type glyph struct {
	text          string  // empty: a character that ends a line
	x0, x1        float64 // left and right
	y0, y1        float64 // bottom and top
	size          float64 // of its font
	space, ending bool    // white space; the end of a line in the content stream
	fixed         bool    // its font has one width for all characters
	turned        int     // of the page's writing, in quarter turns
}

// fixedPitch is the flag of fonts with one width (ISO 32000-1 table 123).
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

// glyphs gives the characters of a page in the order of its content stream.
func (r *reader) glyphs(index int) (out []glyph, tooMany bool, err error) {
	page := requests.Page{ByIndex: &requests.PageByIndex{Document: r.ref, Index: index}}
	text, err := r.pdfium.FPDFText_LoadPage(&requests.FPDFText_LoadPage{Page: page})
	if err != nil {
		return nil, false, err
	}
	count, err := r.pdfium.FPDFText_CountChars(&requests.FPDFText_CountChars{TextPage: text.TextPage})
	if err == nil {
		_, err = r.pdfium.FPDFText_ClosePage(&requests.FPDFText_ClosePage{TextPage: text.TextPage})
	}
	if err != nil {
		return nil, false, err
	}
	if count.Count > maxChars {
		return nil, true, nil
	}
	chars, err := r.pdfium.GetPageTextStructured(&requests.GetPageTextStructured{Page: page, Mode: requests.GetPageTextStructuredModeChars})
	if err != nil {
		return nil, false, err
	}
	runs, err := r.pdfium.GetPageTextStructured(&requests.GetPageTextStructured{
		Page: page, Mode: requests.GetPageTextStructuredModeRects, CollectFontInformation: true,
	})
	if err != nil {
		return nil, false, err
	}
	return turnGlyphs(convert(chars.Chars, runs.Rects), chars.Chars), false, nil
}

// convert makes glyphs of PDFium's characters. Runs are stretches of characters with one font, in the same order; they
// alone know the size of the font, because asking for each character would take ten times as long.
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
			for k := run; k < min(run+4, len(runs)); k++ { // a run may be empty
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

// turnGlyphs turns the page so that each character's writing goes to the right. Writing in other directions than most of
// the page is told by turned: quarter turns from the direction of the page.
func turnGlyphs(glyphs []glyph, chars []*responses.GetPageTextStructuredChar) []glyph {
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
	main := 0
	for q, n := range count {
		if n > count[main] {
			main = q
		}
	}
	for i := range glyphs {
		g := &glyphs[i]
		q := quarters[i]
		if g.space || g.ending { // they have no direction of their own
			q = main
			if i > 0 {
				q = quarters[i-1]
			}
			quarters[i] = q
		}
		switch q {
		case 1:
			g.x0, g.x1, g.y0, g.y1 = g.y0, g.y1, -g.x1, -g.x0
		case 2:
			g.x0, g.x1, g.y0, g.y1 = -g.x1, -g.x0, -g.y1, -g.y0
		case 3:
			g.x0, g.x1, g.y0, g.y1 = -g.y1, -g.y0, g.x0, g.x1
		}
		g.turned = (q - main + 4) % 4
	}
	return glyphs
}
