package pdf

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

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
