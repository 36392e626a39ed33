package pdf

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// row is a list of fragments beside each other, from left to right.
type row []fragment

// rows groups fragments that overlap in height by more than half. It returns the rows from the top down, and sorts the slice all.
func rows(all []fragment) []row {
	slices.SortStableFunc(all, func(a, b fragment) int { return cmp.Compare(b.y0+b.y1, a.y0+a.y1) })
	var out []row
	var low, high float64 // lower and upper end of the tallest fragment in the last row
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

// isFixed reports whether all text of the row is monospaced, as in a listing.
func (r row) isFixed() bool {
	for _, f := range r {
		if !f.fixed {
			return false
		}
	}
	return true
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

// line makes one line from the fragments of a row.
func (r row) line() line {
	l := line{x0: r[0].x0, x1: r[0].x1, y0: r[0].y0, y1: r[0].y1, base: r[0].base, size: r[0].size, first: r[0].first, fixed: r.isFixed()}
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
		if k > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(f.text)
	}
	l.text = shortenLeaders(b.String())
	return l
}

// rightToLeft reports whether most letters of a row are Arabic or Hebrew.
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

// shortenLeaders replaces a sequence of dots by "…". In a table of contents such dots are between an entry and its page number.
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
