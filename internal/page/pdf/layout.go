package pdf

import (
	"slices"
	"sync"
)

// Distances, in multiples of the font size.
const (
	splitGap   = 0.75 // smallest gap between words that may belong to different columns
	gutterGap  = 2.0  // smallest gap between columns of a page that contain tables
	cellGap    = 1.2  // smallest gap between cells in a row of a table
	newWord    = 0.30 // smallest gap between words where the content stream has no space
	newFixed   = 0.6  // like newWord, for a monospaced font, whose narrow letters are far apart
	closeRows  = 0.75 // greatest distance of rows that overlap in height
	closeLines = 1.8  // greatest distance of lines that may belong to one cell
	otherLine  = 0.6  // smallest step up or down that begins another line
)

// line is a line of text, or a row of a table.
type line struct {
	text           string
	x0, x1, y0, y1 float64
	base           float64 // y of its base line
	size           float64
	first          float64 // width of its first word
	letters        int
	row            bool       // true if this is a row of a table, whose text is in cells
	cells          [][]string // of a table row: the lines of each cell, from left to right
	fixed          bool       // all characters are monospaced
	right          float64    // x at which most lines of this column end
	column         int        // number of this line's column, in reading order; lines of the same column are below each other
}

// layout is a page in reading order.
type layout struct {
	number int
	lines  []line
}

// arrange brings the characters of a page into reading order. Text that runs in another direction than most of the page, such as a note
// along the margin, comes last. drawn returns the rules of the page, which are drawn lines. It is called only if a row has a gap that is
// as wide as a gap between cells.
func arrange(number int, glyphs []glyph, drawn func() []rule) layout {
	page := layout{number: number}
	var directions [4][]fragment
	for _, f := range fragments(glyphs) {
		directions[f.turned] = append(directions[f.turned], f)
	}
	a := arranger{rules: sync.OnceValue(func() []rule { return joinRules(drawn()) })}
	a.frames = sync.OnceValue(func() []frame { return frames(a.rules()) })
	for turned, f := range directions {
		if turned > 0 || !hasGap(rows(f)) {
			a.rules, a.frames = func() []rule { return nil }, func() []frame { return nil }
		}
		a.region(f, 0)
	}
	page.lines = a.lines
	return page
}

// hasGap reports whether a row has a gap that is as wide as a gap between cells. If so, the page may have a table.
func hasGap(rs []row) bool {
	for _, r := range rs {
		for k := 1; k < len(r); k++ {
			if r[k].x0-r[k-1].x1 >= cellGap*r[k].size {
				return true
			}
		}
	}
	return false
}

// Limits of the search for columns.
const (
	maxNesting = 6   // levels of columns within columns
	maxRun     = 400 // rows of one block
	maxPlaces  = 128 // places at which a gap between columns of a page is looked for
	maxGaps    = 12  // gaps of a row that are tried; a table has at most one column more
)

// arranger collects lines in reading order.
type arranger struct {
	lines  []line
	column int
	rules  func() []rule // returns the rules of the page, from the top down
	frames func() []frame
}

// region reads a part of a page. If the part has columns, each column is read as a region of its own, one after the other. Tables are read
// row by row. All other text is read line by line.
func (a *arranger) region(all []fragment, depth int) { a.rows(rows(all), depth) }

func (a *arranger) rows(rs []row, depth int) {
	if depth < maxNesting {
		if first, b := gutter(rs, a.rules); b.n > 0 {
			a.rows(rs[:first], depth+1)
			a.columns(rs[first:first+b.n], (b.lo+b.hi)/2, depth+1)
			a.rows(rs[first+b.n:], depth+1)
			return
		}
	}
	start, plain := len(a.lines), 0 // start: index of the first line of this column; plain: index of the first row that was not read yet
	for i := 0; i < len(rs); {
		if n := rowsIn(rs[i:], a.frames()); n > 0 && len(edges(rs[i:i+n])) > 0 {
			a.plain(rs[plain:i])
			a.table(rs[i : i+n])
			i += n
			plain = i
			continue
		}
		b := findBlock(rs, i)
		if b.n == 0 {
			i++
			continue
		}
		if b.isColumns(rs[i:], a.rules) && depth < maxNesting {
			a.plain(rs[plain:i])
			a.finishColumn(start)
			a.columns(rs[i:i+b.n], (b.lo+b.hi)/2, depth+1)
			start = len(a.lines)
		} else {
			first := i - above(rs[plain:i], rs[i], b)
			a.plain(rs[plain:first])
			a.table(rs[first : i+b.n])
		}
		i += b.n
		plain = i
	}
	a.plain(rs[plain:])
	a.finishColumn(start)
}

// columns reads the text on the left of x, then the text on the right of x.
func (a *arranger) columns(rs []row, x float64, depth int) {
	var left, right []fragment
	for _, r := range rs {
		for _, f := range r {
			if (f.x0+f.x1)/2 < x {
				left = append(left, f)
			} else {
				right = append(right, f)
			}
		}
	}
	a.region(left, depth)
	a.region(right, depth)
}

// above returns how many of the last rows before a table belong to the table's first row. They are lines of a long cell on the right; they
// are higher than the cell on the left, which is centred beside the long cell.
func above(before []row, next row, b block) (n int) {
	for i := len(before) - 1; i >= 0; i-- {
		f := before[i][0]
		if f.x0 < b.lo || f.base-next[0].base > 1.5*f.size || f.size > 1.05*next[0].size {
			break
		}
		next = before[i]
		n++
	}
	return n
}

// plain reads rows line by line.
func (a *arranger) plain(rs []row) {
	for _, r := range rs {
		a.lines = append(a.lines, r.line())
	}
}

// finishColumn sets the fields right and column of the lines from start on, which form one column.
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
