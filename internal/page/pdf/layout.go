package pdf

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Distances, in multiples of the font size.
const (
	splitGap  = 0.75 // a gap between words from which on they may belong to different columns
	cellGap   = 1.2  // a gap from which on a row of a table may have another cell
	newWord   = 0.30 // a gap that divides words where the content stream has no space
	newFixed  = 0.6  // the same in a font of one width, whose narrow letters stand far apart
	otherLine = 0.6  // a step up or down that begins another line
)

// fragment is a stretch of words on one line without a wide gap.
type fragment struct {
	text           string
	x0, x1, y0, y1 float64
	base           float64 // of its writing
	size           float64
	first          float64 // width of its first word
	letters        int
	fixed          bool // in a font whose characters are all of one width
	turned         int
}

// line is a line of a column, or a row of a table.
type line struct {
	text           string
	x0, x1, y0, y1 float64
	base           float64 // of its writing
	size           float64
	first          float64 // width of the first word
	letters        int
	row            bool    // of a table; text has its bars
	fixed          bool    // of a listing
	right          float64 // where lines of its column end
	column         int     // changes where the reading goes on at another place
}

// layout is a page in reading order.
type layout struct {
	number int
	lines  []line
}

// arrange brings the characters of a page into reading order. Writing in other directions than most of the page, such as
// notes along the margin, comes last.
func arrange(number int, glyphs []glyph) layout {
	page := layout{number: number}
	var directions [4][]fragment
	for _, f := range fragments(glyphs) {
		directions[f.turned] = append(directions[f.turned], f)
	}
	a := arranger{}
	for _, f := range directions {
		a.region(f, 0)
	}
	page.lines = a.lines
	return page
}

// fragments puts characters together to words and words to fragments.
func fragments(glyphs []glyph) []fragment {
	var out []fragment
	var b fragmentBuilder
	space := false
	for _, g := range glyphs {
		switch {
		case g.ending:
			out = b.finish(out)
			space = false
			continue
		case g.space:
			space = true
			continue
		}
		if b.open && !b.continues(g) {
			out = b.finish(out)
		}
		b.add(g, space)
		space = false
	}
	return b.finish(out)
}

type fragmentBuilder struct {
	fragment
	text  strings.Builder
	open  bool
	words int
	last  glyph
	bases int     // characters that stand on the base line
	sum   float64 // of their lower ends
}

// descenders are the characters whose ink goes below the base line or does not reach it.
const descenders = "gjpqyQJ,;()[]{}|/@$&'\"`*-+=~^<>_"

// standsOnBase reports whether the ink of a character ends at the base line.
func standsOnBase(text string) bool {
	for _, r := range text {
		return isLetter(r) && !strings.ContainsRune(descenders, r)
	}
	return false
}

// continues reports whether g stands beside the last character.
func (b *fragmentBuilder) continues(g glyph) bool {
	size := max(g.size, b.last.size)
	gap := g.x0 - b.last.x1
	apart := max(g.y0-b.last.y1, b.last.y0-g.y1) // negative: they overlap in height
	return g.turned == b.turned && gap < splitGap*size && gap > -2*size && apart < otherLine*size/2 && math.Abs(g.y0-b.last.y0) < 1.5*size
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

// row is the fragments beside each other, from left to right.
type row []fragment

// rows groups fragments that overlap in height, from the top down.
func rows(all []fragment) []row {
	slices.SortStableFunc(all, func(a, b fragment) int { return cmp.Compare(b.y0+b.y1, a.y0+a.y1) })
	var out []row
	var low, high float64 // of the tallest fragment of the last row
	for _, f := range all {
		common := min(high, f.y1) - max(low, f.y0)
		if n := len(out); n > 0 && common > 0.5*min(high-low, f.y1-f.y0) {
			out[n-1] = append(out[n-1], f)
			if f.y1-f.y0 > high-low && f.y1-f.y0 < 2*f.size {
				low, high = f.y0, f.y1
			}
			continue
		}
		out = append(out, row{f})
		low, high = f.y0, f.y1
	}
	for _, r := range out {
		slices.SortStableFunc(r, func(a, b fragment) int { return cmp.Compare(a.x0, b.x0) })
	}
	return out
}

// Bounds of the search for columns.
const (
	maxNesting = 6   // columns within columns
	maxRun     = 400 // rows that one pair of columns is followed for
	maxGaps    = 12  // gaps of a row that are tried
)

// arranger collects lines in reading order.
type arranger struct {
	lines  []line
	column int
}

// region reads a part of a page: where text stands in columns, one column after the other, else row by row.
func (a *arranger) region(all []fragment, depth int) {
	rs := rows(all)
	start := len(a.lines)
	flush := func() {
		a.finishColumn(start)
		start = len(a.lines)
	}
	for i := 0; i < len(rs); {
		if n, at := columns(rs, i); n > 0 && depth < maxNesting {
			flush()
			var left, right []fragment
			for _, r := range rs[i : i+n] {
				for _, f := range r {
					if (f.x0+f.x1)/2 < at {
						left = append(left, f)
					} else {
						right = append(right, f)
					}
				}
			}
			a.region(left, depth+1)
			a.region(right, depth+1)
			start = len(a.lines)
			i += n
			continue
		}
		n := table(rs[i:])
		for _, r := range rs[i : i+max(1, n)] {
			a.lines = append(a.lines, r.line(n > 0))
		}
		i += max(1, n)
	}
	flush()
}

// finishColumn completes the lines from start on, which stand below each other.
func (a *arranger) finishColumn(start int) {
	var ends []float64
	for _, l := range a.lines[start:] {
		ends = append(ends, l.x1)
	}
	if len(ends) == 0 {
		return
	}
	slices.Sort(ends)
	a.column++
	for i := start; i < len(a.lines); i++ {
		a.lines[i].right, a.lines[i].column = ends[len(ends)*9/10], a.column
	}
}

// columns tells whether two columns of running text begin at row i: how many rows they share, and an x between them.
func columns(rs []row, i int) (n int, at float64) {
	tried := 0
	for k := 0; k+1 < len(rs[i]) && tried < maxGaps; k++ {
		lo, hi := rs[i][k].x1, rs[i][k+1].x0
		if hi-lo < splitGap*rs[i][k].size {
			continue
		}
		tried++
		if rows, mid := follow(rs[i:min(len(rs), i+maxRun)], lo, hi); rows > n {
			n, at = rows, mid
		}
	}
	return n, at
}

// side adds up what stands on one side of a gap.
type side struct {
	rows, letters int
	x0, x1, width float64
	base, size    float64 // of its last row
}

func (s *side) add(f fragment, sameRow bool) {
	if s.rows == 0 {
		s.x0, s.x1 = f.x0, f.x1
	}
	if !sameRow {
		s.rows++
	}
	s.letters += f.letters
	s.x0, s.x1 = min(s.x0, f.x0), max(s.x1, f.x1)
	s.width += f.x1 - f.x0
	s.base, s.size = f.base, f.size
}

// isSteady reports whether the side is as long as a column of a list or a reference card is.
func (s *side) isSteady() bool { return s.rows >= 8 }

// isText reports whether the side is running text: its lines are long and fill its width. Cells of tables do not.
func (s *side) isText() bool {
	return s.rows >= 3 && s.letters >= 12*s.rows && s.width >= 0.55*float64(s.rows)*(s.x1-s.x0)
}

// follow tells how many of the rows stand on both sides of the gap from lo to hi, which narrows on the way; 0: they are no
// columns of text. A row on one side alone counts while it goes on without a break.
func follow(rs []row, lo, hi float64) (n int, mid float64) {
	var left, right side
	both, uneven := 0, 0
	for _, r := range rs {
		l, h := lo, hi
		onLeft, onRight := false, false
		for _, f := range r {
			if (f.x0+f.x1)/2 < (lo+hi)/2 {
				l, onLeft = max(l, f.x1), true
			} else {
				h, onRight = min(h, f.x0), true
			}
		}
		if h-l < splitGap*r[0].size*0.9 {
			break
		}
		if !onRight && left.base-r[0].base > 2.5*left.size || !onLeft && right.base-r[0].base > 2.5*right.size {
			break
		}
		if onLeft && onRight {
			both++
			if unevenRow(r, (l+h)/2) {
				uneven++
			}
		}
		seenLeft, seenRight := false, false
		for _, f := range r {
			if (f.x0+f.x1)/2 < (l+h)/2 {
				left.add(f, seenLeft)
				seenLeft = true
			} else {
				right.add(f, seenRight)
				seenRight = true
			}
		}
		lo, hi = l, h
		n++
	}
	text := both >= 3 && left.isText() && right.isText()
	apart := both >= 6 && uneven*4 >= both && left.isSteady() && right.isSteady()
	if !text && !apart {
		return 0, 0
	}
	return n, (lo + hi) / 2
}

// unevenRow reports whether the writing left and right of x stands on different base lines, as it does in columns that know
// nothing of each other and not in a table.
func unevenRow(r row, x float64) bool {
	lows, highs := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)} // left and right of x
	for _, f := range r {
		side := 0
		if f.x0 > x {
			side = 1
		} else if f.x1 >= x {
			continue
		}
		if f.letters > 1 {
			lows[side], highs[side] = min(lows[side], f.base), max(highs[side], f.base)
		}
	}
	if math.IsInf(lows[0], 1) || math.IsInf(lows[1], 1) {
		return false
	}
	return max(highs[0]-lows[1], highs[1]-lows[0]) > 0.1*r[0].size
}

// table tells how many of the first rows are rows of a table: at least three in a row, or two of three cells, with a gap in
// common.
func table(rs []row) int {
	n, most := 0, 0
	var gaps [][2]float64
	for _, r := range rs {
		here := r.gaps()
		if len(here) == 0 || r.isFixed() {
			break
		}
		if n > 0 {
			if here = common(gaps, here, r[0].size/2); len(here) == 0 {
				break
			}
		}
		gaps, most = here, max(most, len(here))
		n++
	}
	if n >= 3 || n == 2 && most >= 2 {
		return n
	}
	return 0
}

// gaps gives the gaps between the cells of a row. The sign of a list item is no cell.
func (r row) gaps() [][2]float64 {
	var out [][2]float64
	for k := 0; k+1 < len(r); k++ {
		if r[k+1].x0-r[k].x1 >= cellGap*r[k].size && !(k == 0 && isItemSign(r[0].text)) {
			out = append(out, [2]float64{r[k].x1, r[k+1].x0})
		}
	}
	return out[:min(len(out), maxGaps)]
}

func (r row) isFixed() bool {
	for _, f := range r {
		if !f.fixed {
			return false
		}
	}
	return true
}

// common gives the parts of at least least that gaps of two rows share.
func common(a, b [][2]float64, least float64) [][2]float64 {
	var out [][2]float64
	for _, x := range a {
		for _, y := range b {
			if lo, hi := max(x[0], y[0]), min(x[1], y[1]); hi-lo >= least {
				out = append(out, [2]float64{lo, hi})
			}
		}
	}
	return out[:min(len(out), maxGaps)]
}

// isItemSign reports whether s is the bullet or the number of a list item.
func isItemSign(s string) bool {
	if utf8.RuneCountInString(s) > 5 {
		return false
	}
	letters := 0
	for _, r := range s {
		if unicode.IsLetter(r) {
			letters++
		}
	}
	end := s[len(s)-1]
	return letters == 0 && !strings.ContainsFunc(s, unicode.IsDigit) || letters <= 3 && (end == '.' || end == ')' || end == ']')
}

// line makes a line of a row, or a row of a table.
func (r row) line(isTable bool) line {
	l := line{x0: r[0].x0, x1: r[0].x1, y0: r[0].y0, y1: r[0].y1, base: r[0].base, size: r[0].size, first: r[0].first, fixed: r.isFixed(), row: isTable}
	if rightToLeft(r) {
		slices.Reverse(r)
	}
	var b strings.Builder
	most := 0
	for k, f := range r {
		l.x0, l.x1, l.y0, l.y1 = min(l.x0, f.x0), max(l.x1, f.x1), min(l.y0, f.y0), max(l.y1, f.y1)
		if f.letters > most {
			l.base, l.size, most = f.base, f.size, f.letters
		}
		l.letters += f.letters
		text := f.text
		switch {
		case k == 0:
		case isTable && f.x0-r[k-1].x1 >= cellGap*f.size && !(k == 1 && isItemSign(r[0].text)):
			b.WriteString(" | ")
		default:
			b.WriteByte(' ')
		}
		if isTable {
			text = strings.ReplaceAll(text, "|", "¦")
		}
		b.WriteString(text)
	}
	l.text = shortenLeaders(b.String())
	if isTable {
		l.text = "| " + l.text + " |"
	}
	return l
}

// rightToLeft reports whether most letters of a row belong to Arabic or Hebrew.
func rightToLeft(r row) bool {
	n, letters := 0, 0
	for _, f := range r {
		letters += f.letters
		for _, c := range f.text {
			if unicode.In(c, unicode.Arabic, unicode.Hebrew) {
				n++
			}
		}
	}
	return n*2 > letters
}

// shortenLeaders makes one sign of the dots that lead from an entry of a table of contents to its page.
func shortenLeaders(s string) string {
	if !strings.Contains(s, "...") && !strings.Contains(s, ". . .") {
		return s
	}
	words := strings.Fields(s)
	out := words[:0]
	dots := 0
	for _, w := range words {
		if strings.Trim(w, ".") == "" {
			dots += len(w)
			if dots > 3 && len(out) > 0 && strings.Trim(out[len(out)-1], ".…") == "" {
				out[len(out)-1] = "…"
				continue
			}
		} else {
			dots = 0
			if body := strings.TrimRight(w, "."); len(w)-len(body) > 3 {
				w = body + " …"
			}
		}
		out = append(out, w)
	}
	return strings.Join(out, " ")
}
