package pdf

import "math"

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
