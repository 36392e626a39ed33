package pdf

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// table is a block of rows whose text is in columns. A cell may have several lines. The lines of neighbouring cells need not be at the same
// height: a short cell may be centred beside a long one.
//
// Cells and rows are found in three steps. First, the fragments of each column are grouped into lines. Second, consecutive lines of a
// column form one cell if the lower line continues the upper one (see joinLines). Third, cells that overlap in height form one row of the
// table. Such a row is called a band here, because the type row stands for fragments beside each other.
type table struct {
	rules []rule       // all rules of the page, from the top down
	lines [][]cellLine // the lines of each column, from the top down
	cells []cell       // the cells of all columns, from the top down
}

// cellLine is a line of one column of a table.
type cellLine struct {
	row
	column         int
	x0, x1         float64
	base, size     float64
	first          float64 // width of its first word
	words, letters int
	ruled          bool // there is a rule between this line and the line above
	joined         bool // this line belongs to the same cell as the line above
}

// cell is a cell of a table: lines of one column.
type cell struct {
	column      int
	lines       []cellLine
	top, bottom float64 // upper end of the first line, base line of the last line
}

// newTable splits the fragments of rows at the given edges into columns.
func newTable(rs []row, edges []float64, rules []rule) *table {
	t := &table{rules: rules, lines: make([][]cellLine, len(edges)+1)}
	parts := make([][]fragment, len(edges)+1)
	for _, r := range rs {
		for _, f := range r {
			c, _ := slices.BinarySearch(edges, (f.x0+f.x1)/2)
			parts[c] = append(parts[c], f)
		}
	}
	for c, part := range parts {
		for _, r := range rows(part) {
			t.lines[c] = append(t.lines[c], newCellLine(r, c))
		}
	}
	t.joinLines()
	for _, lines := range t.lines {
		for i, l := range lines {
			top, bottom := l.base+0.6*l.size, l.base
			if n := len(t.cells); i > 0 && l.joined {
				t.cells[n-1].lines = append(t.cells[n-1].lines, l)
				t.cells[n-1].bottom = bottom
				continue
			}
			t.cells = append(t.cells, cell{column: l.column, lines: []cellLine{l}, top: top, bottom: bottom})
		}
	}
	slices.SortStableFunc(t.cells, func(a, b cell) int { return cmp.Compare(b.top, a.top) })
	return t
}

func newCellLine(r row, column int) cellLine {
	l := cellLine{row: r, column: column, x0: r[0].x0, x1: r[0].x1, base: r[0].base, size: r[0].size, first: r[0].first}
	most := 0
	for _, f := range r {
		l.x1 = max(l.x1, f.x1)
		if f.letters > most {
			l.base, l.size, most = f.base, f.size, f.letters
		}
		l.letters += f.letters
		l.words += 1 + strings.Count(f.text, " ")
	}
	return l
}

// joinLines finds the lines that belong to the same cell as the line above them.
//
// A rule between two lines separates cells. In a table with rules between all rows, nothing else separates cells. In most other tables the
// distance between rows is larger than the distance between the lines of a cell; then the distance decides. Otherwise lines are compared
// across columns, since a new row begins with all its cells: the lines at one height continue their cells if, in every column with a line
// at this height, the line above ran out of width. A line ran out of width if the first word of the next line would not have fitted behind
// it.
func (t *table) joinLines() {
	if t.markRules() {
		return
	}
	var within, other []float64 // distances below lines that ran out of width, and below other lines
	for _, lines := range t.lines {
		right := math.Inf(-1)
		for _, l := range lines {
			right = max(right, l.x1)
		}
		for i := 1; i < len(lines); i++ {
			above, l := lines[i-1], &lines[i]
			l.joined = !l.ruled && above.words+l.words > 2 && above.letters > 3 && above.x1+0.2*above.size+l.first > right
			step, size := above.base-l.base, max(above.size, l.size)
			if step < 0.8*size || step > 3*size {
				l.joined = l.joined && step < size
				continue
			}
			if l.joined {
				within = append(within, step)
			} else {
				other = append(other, step)
			}
		}
	}
	if len(within) == 0 {
		return // no line is joined
	}
	slices.Sort(within)
	slices.Sort(other)
	if len(within) >= 2 && len(other) >= 2 {
		if a, b := within[len(within)/2], other[len(other)/2]; b >= 1.06*a {
			t.joinNear((a + b) / 2)
			return
		}
	}
	t.joinLevel(1.08 * within[len(within)/4])
}

// markRules sets ruled for the lines below rules. If there is a rule between all rows, markRules joins all other lines to the lines close
// above them and returns true. It assumes rules between all rows if the lines of the first column are in at least three groups, with at
// most 2.5 lines per group on average.
func (t *table) markRules() bool {
	if len(t.rules) == 0 {
		return false
	}
	for c, lines := range t.lines {
		if len(lines) == 0 {
			continue
		}
		x0, x1 := math.Inf(1), math.Inf(-1)
		for _, l := range lines {
			x0, x1 = min(x0, l.x0), max(x1, l.x1)
		}
		groups := 1
		for i := 1; i < len(lines); i++ {
			if between(t.rules, x0, x1, lines[i].base, lines[i-1].base) > 0 {
				lines[i].ruled = true
				groups++
			}
		}
		if c == 0 && (groups < 3 || len(lines)*2 > groups*5) {
			return false
		}
	}
	for _, lines := range t.lines {
		for i := range lines {
			lines[i].joined = i > 0 && !lines[i].ruled && lines[i-1].base-lines[i].base < closeLines*max(lines[i-1].size, lines[i].size)
		}
	}
	return true
}

// joinNear joins each line of a column to the line above it if their base lines are at most `most` points apart and
// no rule is between them.
func (t *table) joinNear(most float64) {
	for _, lines := range t.lines {
		for i := range lines {
			lines[i].joined = i > 0 && !lines[i].ruled && lines[i-1].base-lines[i].base <= most
		}
	}
}

// joinLevel joins lines to the lines above them only if this is possible for all lines at the same height. The distance to the line above
// must be at most `most` points.
func (t *table) joinLevel(most float64) {
	var all []*cellLine
	for _, lines := range t.lines {
		for i := range lines {
			l := &lines[i]
			l.joined = l.joined && i > 0 && lines[i-1].base-l.base <= most
			all = append(all, l)
		}
	}
	slices.SortStableFunc(all, func(a, b *cellLine) int { return cmp.Compare(b.base, a.base) })
	for from := 0; from < len(all); {
		to, joined := from, true
		for ; to < len(all) && all[from].base-all[to].base <= levelSlack*all[from].size; to++ {
			joined = joined && all[to].joined
		}
		for _, l := range all[from:to] {
			l.joined = joined
		}
		from = to
	}
}

// levelSlack is the greatest distance of base lines that count as being at the same height, in multiples of the font size.
const levelSlack = 0.25

// bands groups cells that overlap in height. The cells must be sorted from the top down.
func bands(cells []cell) [][]cell {
	var out [][]cell
	bottom := 0.0
	for _, c := range cells {
		if n := len(out); n > 0 && c.top > bottom+0.1*c.lines[0].size {
			out[n-1] = append(out[n-1], c)
			bottom = min(bottom, c.bottom)
			continue
		}
		out = append(out, []cell{c})
		bottom = c.bottom
	}
	return out
}

// isAligned reports whether the cells of two columns form rows. They do if most lines are in bands with one cell on one of the sides, and
// the text on the two sides begins at the same height or has the same middle. In columns of running text, paragraphs begin at any height.
func (t *table) isAligned() bool {
	aligned, lines, alignedLines := 0, 0, 0
	for _, band := range bands(t.cells) {
		var top, bottom [2]float64
		var n [2]int
		all := 0
		for _, c := range band {
			s := min(c.column, 1)
			if n[s] == 0 {
				top[s], bottom[s] = c.top, c.bottom
			}
			bottom[s] = min(bottom[s], c.bottom)
			n[s]++
			all += len(c.lines)
		}
		if n[0] == 0 || n[1] == 0 {
			continue
		}
		lines += all
		slack := levelSlack * band[0].lines[0].size
		if min(n[0], n[1]) == 1 && (math.Abs(top[0]-top[1]) <= slack || math.Abs(top[0]+bottom[0]-top[1]-bottom[1]) <= 2*slack) {
			aligned++
			alignedLines += all
		}
	}
	return aligned >= 3 && alignedLines*10 >= lines*7
}

// edges finds the gaps between the columns of a table: places at which at most a fifth of the rows has text. It returns the middle of each
// gap.
func edges(rs []row) []float64 {
	type change struct {
		x float64
		n int
	}
	var changes []change
	size := 0.0
	for _, r := range rs {
		size = max(size, r[0].size)
		end := math.Inf(-1)
		for _, f := range r { // a row counts only once at each place
			if f.x1 <= end {
				continue
			}
			changes = append(changes, change{max(f.x0, end), 1}, change{f.x1, -1})
			end = f.x1
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.x, b.x), cmp.Compare(b.n, a.n)) })
	var out []float64
	covered, begun := 0, math.NaN()
	for _, c := range changes {
		before := covered
		covered += c.n
		switch few := len(rs) / 5; {
		case before > few && covered <= few:
			begun = c.x
		case before <= few && covered > few && c.x-begun >= 0.5*size: // false before the first column
			out = append(out, (begun+c.x)/2)
		}
	}
	return out[:min(len(out), maxGaps)]
}

// table reads the rows as a table.
func (a *arranger) table(rs []row) {
	t := newTable(rs, edges(rs), a.rules())
	for _, band := range bands(t.cells) {
		a.band(band, 0)
	}
}

// band adds the cells of one band of a table to the output. A band is one row of the table, unless its tallest cell is beside several rows
// of the other columns. Then each of these rows is added on its own, from the top down, and the tall cell is put into the first row.
func (a *arranger) band(band []cell, depth int) {
	if len(band) == 1 && band[0].column == 0 { // not a row of the table, perhaps a heading
		for _, l := range band[0].lines {
			a.lines = append(a.lines, l.line())
		}
		return
	}
	tallest := 0
	for i, c := range band {
		if c.top-c.bottom > band[tallest].top-band[tallest].bottom {
			tallest = i
		}
	}
	others := slices.Delete(slices.Clone(band), tallest, tallest+1)
	parts := bands(others)
	columns := map[int]bool{}
	for _, c := range others {
		columns[c.column] = true
	}
	if len(parts) < 2 || len(columns) < 2 || depth >= maxNesting {
		a.lines = append(a.lines, tableRow(band))
		return
	}
	a.lines = append(a.lines, tableRow(append(parts[0], band[tallest])))
	for _, part := range parts[1:] {
		a.band(part, depth+1)
	}
}

// tableRow makes a line from the cells of a table row. A column may have several of these cells.
func tableRow(cells []cell) line {
	slices.SortStableFunc(cells, func(a, b cell) int { return cmp.Or(cmp.Compare(a.column, b.column), cmp.Compare(b.top, a.top)) })
	out := line{row: true}
	column := -1
	var all row
	for _, c := range cells {
		if c.column != column {
			out.cells = append(out.cells, nil)
			column = c.column
		}
		for _, l := range c.lines {
			text := l.line()
			last := &out.cells[len(out.cells)-1]
			*last = append(*last, text.text)
			all = append(all, l.row...)
		}
	}
	box := all.line()
	box.row, box.cells = true, out.cells
	if rightToLeft(all) {
		slices.Reverse(box.cells)
	}
	return box
}
