package pdf

import (
	"math"
	"strings"
	"unicode/utf8"
)

// fragment is a sequence of words on one line, without a wide gap between them.
type fragment struct {
	text           string
	x0, x1, y0, y1 float64
	base           float64 // y of its base line
	size           float64
	first          float64 // width of its first word
	letters        int
	fixed          bool // all characters are monospaced
	turned         int  // as in glyph
}

// fragments joins characters to words, and words to fragments. The characters come in the order of the content stream.
func fragments(glyphs []glyph) []fragment {
	var out []fragment
	var b fragmentBuilder
	space, ended := false, false
	for _, g := range glyphs {
		switch {
		case g.ending:
			space, ended = false, true
			continue
		case g.space:
			space = true
			continue
		}
		if b.open && (!b.continues(g) || ended && !b.touches(g)) {
			out = b.finish(out)
		}
		b.add(g, space)
		space, ended = false, false
	}
	return b.finish(out)
}

// fragmentBuilder builds fragments, one after the other.
type fragmentBuilder struct {
	fragment
	text  strings.Builder
	open  bool
	words int
	last  glyph   // the last character of the fragment
	bases int     // number of the fragment's characters that are on the base line
	sum   float64 // sum of the lower ends (y0) of these characters
}

// descenders are the characters whose ink goes below the base line or ends above it.
const descenders = "gjpqyQJ,;()[]{}|/@$&'\"`*-+=~^<>_"

// standsOnBase reports whether the ink of a character ends at the base line.
func standsOnBase(text string) bool {
	for _, r := range text {
		return isLetter(r) && !strings.ContainsRune(descenders, r)
	}
	return false
}

// continues reports whether g is beside the last character and belongs to the same fragment.
func (b *fragmentBuilder) continues(g glyph) bool {
	size := max(g.size, b.last.size)
	gap := g.x0 - b.last.x1
	apart := max(g.y0-b.last.y1, b.last.y0-g.y1) // negative: they overlap in height
	return g.turned == b.turned && gap < splitGap*size && gap > -2*size && apart < otherLine*size/2 && math.Abs(g.y0-b.last.y0) < 1.5*size
}

// touches reports whether g belongs to the same word as the last character although PDFium reports a line end between them. PDFium does so
// if the letters of a word were placed one by one.
func (b *fragmentBuilder) touches(g glyph) bool {
	gap := g.x0 - b.last.x1
	return gap > -0.1*g.size && gap < wordGap(g)*g.size && g.size == b.last.size
}

func (b *fragmentBuilder) add(g glyph, space bool) {
	if !b.open {
		b.fragment = fragment{x0: g.x0, x1: g.x1, y0: g.y0, y1: g.y1, size: g.size, turned: g.turned, fixed: g.fixed}
		b.open, b.words, b.bases, b.sum = true, 1, 0, 0
	} else if space || g.x0-b.last.x1 > wordGap(g)*g.size {
		if b.words == 1 {
			b.first = b.x1 - b.x0
		}
		b.words++
		b.text.WriteByte(' ')
	}
	b.text.WriteString(g.text)
	b.x0, b.x1, b.y0, b.y1 = min(b.x0, g.x0), max(b.x1, g.x1), min(b.y0, g.y0), max(b.y1, g.y1)
	b.size = max(b.size, g.size)
	b.fixed = b.fixed && g.fixed
	for _, r := range g.text {
		if isLetter(r) {
			b.letters++
		}
	}
	if standsOnBase(g.text) {
		b.bases++
		b.sum += g.y0
	}
	b.last = g
}

// wordGap returns the smallest gap before g that separates words, in multiples of the font size.
func wordGap(g glyph) float64 {
	if first, _ := utf8.DecodeRuneInString(g.text); g.fixed || isIdeographic(first) {
		return newFixed
	}
	return newWord
}

func (b *fragmentBuilder) finish(out []fragment) []fragment {
	if !b.open {
		return out
	}
	if b.words == 1 {
		b.first = b.x1 - b.x0
	}
	b.base = b.y0
	if b.bases > 0 {
		b.base = b.sum / float64(b.bases)
	} else if b.letters > 0 {
		b.base += 0.2 * b.size
	}
	b.fragment.text = b.text.String()
	b.text.Reset()
	b.open = false
	return append(out, b.fragment)
}
