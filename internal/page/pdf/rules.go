package pdf

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/structs"
)

// rule is a horizontal line that is drawn on a page, or the upper or lower edge of a drawn box, such as the background of a table row. Its
// coordinates are in the same system as those of glyphs.
type rule struct{ x0, x1, y float64 }

// Limits of the search for rules.
const (
	maxPageObjects     = 5000    // objects of a page that are examined
	maxDocumentObjects = 100_000 // objects of a document that are examined
	maxFormNesting     = 4       // levels of forms within forms
	minRule            = 15      // smallest length of a rule, in points; shorter lines are parts of letters and signs
	maxFrames          = 200     // greatest number of frames on a page
	maxRowHeight       = 200     // greatest height of a table row, in points
	maxThickness       = 2       // greatest thickness of a line, in points; anything thicker is a box, of which both edges are rules
)

// ruleFinder collects the rules of one page.
type ruleFinder struct {
	*reader
	turn  int // main direction of the page, in quarter turns
	left  int // number of objects that may still be examined
	rules []rule
}

// rules returns the rules of a page, in any order.
func (r *reader) rules(index, turn int) []rule {
	f := ruleFinder{reader: r, turn: turn, left: min(maxPageObjects, maxDocumentObjects-r.objects)}
	page := requests.Page{ByIndex: &requests.PageByIndex{Document: r.ref, Index: index}}
	count, err := r.pdfium.FPDFPage_CountObjects(&requests.FPDFPage_CountObjects{Page: page})
	if err != nil {
		return nil
	}
	for i := range count.Count {
		if f.left <= 0 {
			break
		}
		object, err := r.pdfium.FPDFPage_GetObject(&requests.FPDFPage_GetObject{Page: page, Index: i})
		if err != nil {
			break
		}
		f.look(object.PageObject, structs.FPDF_FS_MATRIX{A: 1, D: 1}, 0)
	}
	return f.rules
}

// look adds the rules of an object. If the object is a form, look examines the objects in it. m maps the coordinates of the object to those
// of the page.
func (f *ruleFinder) look(object references.FPDF_PAGEOBJECT, m structs.FPDF_FS_MATRIX, depth int) {
	f.left--
	f.objects++
	kind, err := f.pdfium.FPDFPageObj_GetType(&requests.FPDFPageObj_GetType{PageObject: object})
	switch {
	case err != nil:
	case kind.Type == enums.FPDF_PAGEOBJ_PATH:
		if b, err := f.pdfium.FPDFPageObj_GetBounds(&requests.FPDFPageObj_GetBounds{PageObject: object}); err == nil {
			f.add(m, float64(b.Left), float64(b.Right), float64(b.Bottom), float64(b.Top))
		}
	case kind.Type == enums.FPDF_PAGEOBJ_FORM && depth < maxFormNesting:
		f.lookInto(object, m, depth)
	}
}

// lookInto examines the objects of a form.
func (f *ruleFinder) lookInto(form references.FPDF_PAGEOBJECT, m structs.FPDF_FS_MATRIX, depth int) {
	own, err := f.pdfium.FPDFPageObj_GetMatrix(&requests.FPDFPageObj_GetMatrix{PageObject: form})
	if err != nil {
		return
	}
	count, err := f.pdfium.FPDFFormObj_CountObjects(&requests.FPDFFormObj_CountObjects{PageObject: form})
	if err != nil {
		return
	}
	m = multiply(own.Matrix, m)
	for i := range count.Count {
		if f.left <= 0 {
			return
		}
		object, err := f.pdfium.FPDFFormObj_GetObject(&requests.FPDFFormObj_GetObject{PageObject: form, Index: uint64(i)})
		if err != nil {
			return
		}
		f.look(object.PageObject, m, depth+1)
	}
}

// add adds the rules of a path. x0, y0, x1 and y1 are the box around the path.
func (f *ruleFinder) add(m structs.FPDF_FS_MATRIX, x0, x1, y0, y1 float64) {
	ax, ay := apply(m, x0, y0)
	bx, by := apply(m, x1, y1)
	x0, x1, y0, y1 = turnBox(f.turn, min(ax, bx), max(ax, bx), min(ay, by), max(ay, by))
	switch {
	case !(x1-x0 >= minRule && y1-y0 < 1e6): // also true if a coordinate is NaN
	case y1-y0 <= maxThickness:
		f.rules = append(f.rules, rule{x0, x1, (y0 + y1) / 2})
	default:
		f.rules = append(f.rules, rule{x0, x1, y0}, rule{x0, x1, y1})
	}
}

// apply maps a point by a matrix (ISO 32000-1 §8.3.4).
func apply(m structs.FPDF_FS_MATRIX, x, y float64) (float64, float64) {
	return float64(m.A)*x + float64(m.C)*y + float64(m.E), float64(m.B)*x + float64(m.D)*y + float64(m.F)
}

// multiply returns the matrix that maps by a first and then by b.
func multiply(a, b structs.FPDF_FS_MATRIX) structs.FPDF_FS_MATRIX {
	return structs.FPDF_FS_MATRIX{
		A: a.A*b.A + a.B*b.C, B: a.A*b.B + a.B*b.D,
		C: a.C*b.A + a.D*b.C, D: a.C*b.B + a.D*b.D,
		E: a.E*b.A + a.F*b.C + b.E, F: a.E*b.B + a.F*b.D + b.F,
	}
}

// joinRules joins rules that continue each other, because many programs draw the line below a table row cell by cell. It returns the rules
// sorted from the top down.
func joinRules(rules []rule) (out []rule) {
	const slack = 2 // points
	slices.SortFunc(rules, func(a, b rule) int {
		return cmp.Or(cmp.Compare(math.Round(b.y), math.Round(a.y)), cmp.Compare(a.x0, b.x0))
	})
	for _, r := range rules {
		if n := len(out); n > 0 && math.Round(out[n-1].y) == math.Round(r.y) && r.x0 <= out[n-1].x1+slack {
			out[n-1].x1 = max(out[n-1].x1, r.x1)
			continue
		}
		out = append(out, r)
	}
	return out
}

// within returns the rules between two heights. The slice rules must be sorted from the top down, by whole points.
func within(rules []rule, bottom, top float64) []rule {
	from := sort.Search(len(rules), func(i int) bool { return math.Round(rules[i].y) <= math.Round(top) })
	to := sort.Search(len(rules), func(i int) bool { return math.Round(rules[i].y) < math.Round(bottom) })
	return rules[from:max(from, to)]
}

// between returns the number of different heights from bottom to top at which a rule reaches from x0 to x1 or beyond.
func between(rules []rule, x0, x1, bottom, top float64) (n int) {
	const slack = 1 // point
	last := top + 2*maxThickness
	for _, l := range within(rules, bottom, top) {
		if l.y < top && l.y > bottom && l.x0 <= x0+slack && l.x1 >= x1-slack && last-l.y > maxThickness {
			n++
			last = l.y
		}
	}
	return n
}

// frame is the area of a table that has equally long rules between its rows.
type frame struct {
	x0, x1, bottom, top float64
	rules               int
}

// frames finds the tables that have at least three equally long rules between their rows. The distance from one rule to the next is at most
// maxRowHeight.
func frames(rules []rule) (out []frame) {
	const slack = 3           // points
	for _, r := range rules { // from the top down
		k := slices.IndexFunc(out, func(f frame) bool {
			return math.Abs(f.x0-r.x0) <= slack && math.Abs(f.x1-r.x1) <= slack && f.bottom-r.y <= maxRowHeight
		})
		switch {
		case k < 0 && len(out) < maxFrames:
			out = append(out, frame{x0: r.x0, x1: r.x1, top: r.y, bottom: r.y, rules: 1})
		case k >= 0 && out[k].bottom-r.y > maxThickness:
			out[k].bottom = r.y
			out[k].rules++
		}
	}
	return slices.DeleteFunc(out, func(f frame) bool { return f.rules < 3 })
}

// rowsIn returns how many rows, beginning with the first, are within one frame. It returns 0 if there is no such frame, or if the frame has
// too few rules: at most eight rows may be between two rules.
func rowsIn(rs []row, all []frame) int {
	for _, f := range all {
		n := 0
		for n < len(rs) && (f.holds(rs[n], f.bottom) || n > 0 && f.holds(rs[n], math.Inf(-1)) && rs[n-1][0].base-rs[n][0].base < closeLines*rs[n][0].size) {
			n++ // the last row of a table often has no rule below it
		}
		if n >= 2 && n <= 8*(f.rules-1) {
			return n
		}
	}
	return 0
}

// holds reports whether all fragments of a row are in the frame and above bottom. For the height, only the base lines are compared, because
// a rule may touch the letters.
func (f frame) holds(r row, bottom float64) bool {
	for _, g := range r {
		if g.x0 < f.x0-1 || g.x1 > f.x1+1 || g.base > f.top || g.base < bottom {
			return false
		}
	}
	return true
}
