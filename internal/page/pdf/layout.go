package pdf

import "slices"

// Distances, in multiples of the font size.
const (
	splitGap  = 0.75 // a gap between words from which on they may belong to different columns
	cellGap   = 1.2  // a gap from which on a row of a table may have another cell
	newWord   = 0.30 // a gap that divides words where the content stream has no space
	newFixed  = 0.6  // the same in a font of one width, whose narrow letters stand far apart
	otherLine = 0.6  // a step up or down that begins another line
)

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
