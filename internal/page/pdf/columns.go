package pdf

import (
	"math"
)

// block is a sequence of rows that have a gap at the same place. It may be columns of running text beside each other, or a table.
type block struct {
	n           int     // rows
	lo, hi      float64 // left and right end of the part of the gap that is empty in all rows
	left, right side    // the text on the left and on the right of the gap
	both        int     // rows with text on both sides
	beside      int     // rows with text on one side only that overlap in height with the row above, which has text only on the other side
	uneven      int     // rows with text on both sides whose two sides are on different base lines
	wide        int     // rows with text on both sides whose gap is at least as wide as a gap between cells
	fixed       int     // rows that are entirely monospaced, as in a listing
	onLeft      bool    // the last row has text on the left
	base        float64 // base line of the last row
}

// side has the totals of the text on one side of a gap.
type side struct {
	rows, letters int
	parted        int // rows that have a gap within this side that is as wide as a gap between cells
	x0, x1, width float64
}

// add adds the fragments of one row to the totals.
func (s *side) add(r row) {
	if len(r) == 0 {
		return
	}
	if s.rows == 0 {
		s.x0, s.x1 = r[0].x0, r[0].x1
	}
	s.rows++
	parted := false
	for i, f := range r {
		s.letters += f.letters
		s.x0, s.x1 = min(s.x0, f.x0), max(s.x1, f.x1)
		s.width += f.x1 - f.x0
		parted = parted || i > 0 && f.x0-r[i-1].x1 >= cellGap*f.size && !(i == 1 && isItemSign(r[0].text))
	}
	if parted {
		s.parted++
	}
}

// isSteady reports whether the side is as long as a column of a list or of a reference card.
func (s *side) isSteady() bool { return s.rows >= 8 }

// isText reports whether the side is running text: its lines are long and fill the width of the side. The cells of a table do not.
func (s *side) isText() bool {
	return s.rows >= 3 && s.letters >= 12*s.rows && s.width >= 0.55*float64(s.rows)*(s.x1-s.x0)
}

// isWhole reports whether the side is running text or a table of its own. A single column of a table is neither.
func (s *side) isWhole() bool { return s.isText() || s.parted*4 >= s.rows }

// findBlock returns the block that begins at row i, or a block with n = 0 if there is none. Of several blocks of about the same height, it
// returns the block with the widest gap, since the gap between the columns of a page is wider than gaps within a column.
func findBlock(rs []row, i int) (best block) {
	tried := 0
	for k := 0; k+1 < len(rs[i]) && tried < maxGaps; k++ {
		lo, hi := rs[i][k].x1, rs[i][k+1].x0
		if hi-lo < splitGap*rs[i][k].size || k == 0 && isItemSign(rs[i][0].text) {
			continue
		}
		tried++
		b := follow(rs[i:min(len(rs), i+maxRun)], lo, hi)
		if b.n == 0 {
			continue
		}
		much := b.n*10 > best.n*9 && best.n*10 > b.n*9
		if much && b.hi-b.lo > best.hi-best.lo || !much && b.n > best.n {
			best = b
		}
	}
	return best
}

// isText reports whether the two sides may be columns of running text.
func (b *block) isText() bool { return b.both >= 3 && b.left.isText() && b.right.isText() }

// isApart reports whether the two sides are long and too many of their lines are at different heights for a table.
func (b *block) isApart() bool {
	return b.both+b.beside >= 6 && (b.uneven+b.beside)*4 >= b.both+b.beside && b.left.isSteady() && b.right.isSteady()
}

// isIndependent reports whether the two sides are columns of a page that contain tables or text of their own, as on a reference card. Their
// gap is wide, and their lines do not form rows: some lines are missing on one side, and some are at other heights. Rules on both sides
// that do not cross the gap are a further sign.
func (b *block) isIndependent(rs []row, drawn func() []rule) bool {
	if b.both+b.beside < 6 || b.both*10 > b.n*9 || !b.left.isSteady() || !b.right.isSteady() {
		return false
	}
	rules := drawn()
	if b.isRuled(rs, rules) {
		return false
	}
	bottom, top := rs[b.n-1][0].y0, rs[0][0].y1
	left, right := 0, 0
	for _, r := range within(rules, bottom, top) {
		if r.x1-r.x0 > (b.left.x1-b.left.x0)/2 && r.x1 < b.hi {
			left++
		} else if r.x0 > b.lo {
			right++
		}
	}
	return left >= 3 && right >= 3 || (b.uneven+b.beside)*10 >= b.both+b.beside && b.left.isWhole() && b.right.isWhole()
}

// isRuled reports whether at least two drawn lines cross the gap of a block with the rows rs. If so, the block is a table.
func (b *block) isRuled(rs []row, rules []rule) bool {
	return between(rules, b.lo, b.hi, rs[b.n-1][0].y0, rs[0][0].y1) >= 2
}

// isEven reports whether each side is as wide as one, two or three columns of a page whose columns are equally wide.
func (b *block) isEven() bool {
	narrow, wide, gap := b.left.x1-b.left.x0, b.right.x1-b.right.x0, b.hi-b.lo
	if narrow > wide {
		narrow, wide = wide, narrow
	}
	for k := 1.0; k <= 3; k++ {
		if math.Abs(k*narrow+(k-1)*gap-wide) <= 0.1*narrow {
			return true
		}
	}
	return false
}

// isColumns reports whether the two sides of a block with the rows rs must be read one after the other. This is not so if the lines of the
// two sides form rows. But if the sides are as wide as the columns of a page, such rows may be chance.
func (b *block) isColumns(rs []row, rules func() []rule) bool {
	if !b.isApart() && !b.isText() {
		return false
	}
	return !b.isRuled(rs, rules()) && (b.isEven() || !newTable(rs[:b.n], []float64{(b.lo + b.hi) / 2}, rules()).isAligned())
}

// gutter finds the highest block of a region whose sides are independent columns. It returns the index of the block's first row, or a block
// with n = 0 if there is none. It tries places at intervals of one em.
func gutter(rs []row, rules func() []rule) (first int, best block) {
	left, right := math.Inf(1), math.Inf(-1)
	for _, r := range rs {
		left, right = min(left, r[0].x0), max(right, r[len(r)-1].x1)
	}
	size := typicalSize(rs)
	step := max(size, (right-left)/maxPlaces)
	for x := left + step; x < right; x += step {
		from, b := 0, newBlock()
		for i, r := range rs {
			lo, hi, ok := sides(r, x)
			if !ok || min(hi, b.hi)-max(lo, b.lo) < gutterGap*size {
				if b.n > best.n && b.isIndependent(rs[from:], rules) {
					first, best = from, b
				}
				from, b = i, newBlock()
				if !ok {
					from++
					continue
				}
			}
			b.lo, b.hi = max(lo, b.lo), min(hi, b.hi)
			b.add(r, x, hi-lo)
		}
		if b.n > best.n && b.isIndependent(rs[from:], rules) {
			first, best = from, b
		}
	}
	return first, best
}

func newBlock() block { return block{lo: math.Inf(-1), hi: math.Inf(1)} }

// sides returns the end lo of a row's text on the left of x, and the start hi of its text on the right of x. lo or hi is infinite if there
// is no text on that side. ok is false if text of the row crosses x.
func sides(r row, x float64) (lo, hi float64, ok bool) {
	lo, hi = math.Inf(-1), math.Inf(1)
	for _, f := range r {
		switch {
		case f.x1 <= x:
			lo = max(lo, f.x1)
		case f.x0 >= x:
			hi = min(hi, f.x0)
		default:
			return lo, hi, false
		}
	}
	return lo, hi, true
}

// isDistant reports whether a row has text on one side only and empty space above it. The row's text ends on the left at lo and begins on
// the right at hi.
func isDistant(above, r row, lo, hi float64) bool {
	return (math.IsInf(lo, -1) || math.IsInf(hi, 1)) && above[0].base-r[0].base > 2.5*r[0].size
}

// typicalSize returns the mean font size, weighted by letters.
func typicalSize(rs []row) float64 {
	sum, letters := 0.0, 0.0
	for _, r := range rs {
		for _, f := range r {
			sum += f.size * float64(f.letters)
			letters += float64(f.letters)
		}
	}
	return max(1, sum/max(1, letters))
}

// isTable reports whether the block may be a table: at least three rows with cells on both sides.
func (b *block) isTable() bool {
	return b.both >= 3 && b.wide*5 >= b.both*4 && b.fixed*2 <= b.n
}

// follow finds the block that begins with the first row, which has a gap from lo to hi. It goes down as long as the rows leave a common
// part of the gap empty. A row with text on one side only belongs to the block unless there is empty space above it. The result has n = 0
// if the rows are neither columns nor a table.
func follow(rs []row, lo, hi float64) block {
	b := block{lo: lo, hi: hi}
	for i, r := range rs {
		l, h := b.lo, b.hi
		mid := (b.lo + b.hi) / 2
		onLeft, onRight := math.Inf(-1), math.Inf(1) // where the row's text ends on the left and begins on the right
		for _, f := range r {
			if (f.x0+f.x1)/2 < mid {
				onLeft = max(onLeft, f.x1)
			} else {
				onRight = min(onRight, f.x0)
			}
		}
		l, h = max(l, onLeft), min(h, onRight)
		if h-l < splitGap*r[0].size*0.9 {
			break
		}
		if i > 0 && isDistant(rs[i-1], r, onLeft, onRight) {
			break
		}
		b.add(r, (l+h)/2, onRight-onLeft)
		b.lo, b.hi = l, h
	}
	if !b.isText() && !b.isApart() && !b.isTable() {
		b.n = 0
	}
	return b
}

// add adds a row to the block. The gap between its two sides has its middle at x, and the given width.
func (b *block) add(r row, x, gap float64) {
	b.n++
	if r.isFixed() {
		b.fixed++
	}
	k := 0
	for k < len(r) && (r[k].x0+r[k].x1)/2 < x {
		k++
	}
	b.left.add(r[:k])
	b.right.add(r[k:])
	seenLeft, seenRight := k > 0, k < len(r)
	if seenLeft && seenRight {
		b.both++
		if unevenRow(r, x) {
			b.uneven++
		}
		if gap >= cellGap*r[0].size {
			b.wide++
		}
	} else if b.n > 1 && b.onLeft != seenLeft && b.base-r[0].base < closeRows*r[0].size {
		b.beside++
	}
	b.onLeft, b.base = seenLeft, r[0].base
}

// unevenRow reports whether the text on the left and on the right of x is on different base lines. This is common in independent columns of
// text, and rare in a table.
func unevenRow(r row, x float64) bool {
	lows, highs := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)} // lowest and highest base line, on the left and on the right of x
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
