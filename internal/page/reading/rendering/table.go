package rendering

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/plaintext"
	"legwork/internal/page/reading/dom"
)

// Limits for a table.
const (
	maxColumns = 200
	maxCells   = 100_000
)

type tableRow struct {
	cells  []*html.Node
	header bool // all cells are th, or the row is in thead
}

// table writes a data table: one line per row, with bars between the cells. A cell that spans several rows is repeated in each of them, so
// that each row is complete. If a table is used only for layout, it is written as the blocks that it contains. In a table with one column,
// the paragraphs of a row are joined to one block.
func (r *renderer) table(n *html.Node) {
	rows := r.rows(n, 0)
	caption := dom.Child(n, atom.Caption)
	if caption != nil && !r.skip[caption] {
		r.children(caption)
		r.flush()
	}
	width := 0
	for _, row := range rows {
		width = max(width, len(row.cells))
	}
	if code, ok := r.codeTable(n, rows); ok {
		r.add(plaintext.Block{Kind: plaintext.Code, Text: code})
		return
	}
	layout := isLayout(n, rows)
	if width < 2 || layout || r.nested && r.inCell {
		for _, row := range rows {
			for _, c := range row.cells {
				from := len(r.out)
				r.children(c)
				r.flush()
				if !layout {
					r.out = append(r.out[:from], together(r.out[from:])...)
				}
			}
		}
		return
	}
	name := ""
	if caption != nil {
		name = dom.OneLine(caption, plaintext.MaxHeading)
	}
	r.writeRows(rows, r.grid(rows), name)
}

// together joins consecutive paragraphs into one paragraph with several lines.
func together(blocks []plaintext.Block) []plaintext.Block {
	var out []plaintext.Block
	for len(blocks) > 0 {
		b, lines := blocks[0], []string{blocks[0].Text}
		blocks = blocks[1:]
		for b.Kind == plaintext.Paragraph && len(blocks) > 0 && blocks[0].Kind == plaintext.Paragraph && blocks[0].Indent == b.Indent {
			lines, blocks = append(lines, blocks[0].Text), blocks[1:]
		}
		b.Text = strings.Join(lines, "\n")
		out = append(out, b)
	}
	return out
}

// rows returns the rows of n, without the rows of tables inside n.
func (r *renderer) rows(n *html.Node, depth int) []tableRow {
	var rows, last []tableRow // last are the rows of <tfoot>, which a browser shows below all others
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		switch c.DataAtom {
		case atom.Thead, atom.Tbody, atom.Tfoot:
			if depth > 3 || r.skip[c] {
				continue
			}
			for _, row := range r.rows(c, depth+1) {
				if c.DataAtom == atom.Tfoot {
					last = append(last, row)
					continue
				}
				row.header = row.header || c.DataAtom == atom.Thead
				rows = append(rows, row)
			}
		case atom.Tr:
			row := tableRow{header: true}
			for cell := c.FirstChild; cell != nil; cell = cell.NextSibling {
				if (cell.DataAtom == atom.Td || cell.DataAtom == atom.Th) && !r.skip[cell] {
					row.cells = append(row.cells, cell)
					row.header = row.header && cell.DataAtom == atom.Th
				}
			}
			if len(row.cells) > 0 && !r.skip[c] {
				rows = append(rows, row)
			}
		}
	}
	return append(rows, last...)
}

// isLayout reports whether a table only arranges parts of the page: its role says so, or its cells contain sections, many letters or other
// blocks.
func isLayout(n *html.Node, rows []tableRow) bool {
	if role := dom.Attr(n, "role"); role == "presentation" || role == "none" {
		return true
	}
	heads, cells, letters, blocks := false, 0, 0, false
	for _, row := range rows {
		for _, c := range row.cells {
			heads = heads || c.DataAtom == atom.Th
			cells++
			letters += dom.LettersUpTo(c, 5000)
			blocks = blocks || dom.Has(c, dom.Of(atom.Ul, atom.Ol, atom.Dl, atom.Blockquote, atom.Pre, atom.Table, atom.Article, atom.Section)) && len(row.cells) < 3
			if dom.Has(c, dom.Of(atom.H1, atom.H2, atom.H3, atom.Article, atom.Section)) {
				return true
			}
		}
	}
	if heads || dom.Child(n, atom.Caption) != nil || dom.Child(n, atom.Thead) != nil {
		return letters > 800*max(cells, 1)
	}
	return blocks && len(rows) < 3 || letters > 300*max(cells, 1) || blocks && dom.Has(n, dom.Of(atom.Table, atom.Pre))
}

// cell writes the content of a cell on one line.
func (r *renderer) cell(n *html.Node) string {
	inner := renderer{skip: r.skip, boxed: true, nested: true, inCell: true, alts: true}
	inner.children(n)
	return joined(inner.finish(), " ")
}

// grid returns the text of all cells by row and column. Cells with rowspan or colspan are repeated.
func (r *renderer) grid(rows []tableRow) [][]string {
	type span struct {
		text string
		rows int
	}
	var down []span // by column: cells with a rowspan that continue in the next row
	var out [][]string
	total := 0
	width := 0
	for i, row := range rows {
		var line []string
		put := func(text string) { line = append(line, text) }
		fill := func() {
			for len(line) < len(down) && down[len(line)].rows > 0 {
				down[len(line)].rows--
				put(down[len(line)].text)
			}
		}
		for _, c := range row.cells {
			fill()
			cols := spanOf(c, "colspan", maxColumns)
			height := spanOf(c, "rowspan", len(rows)-i)
			text := r.cell(c)
			wide := len(row.cells) == 1 && cols > 1 && len(line) == 0 // one cell across all columns: a heading for the rows below
			for k := range cols {
				if len(line) >= maxColumns {
					break
				}
				at := len(line)
				for len(down) <= at {
					down = append(down, span{})
				}
				if k > 0 && wide {
					down[at] = span{"", height - 1}
					put("")
					continue
				}
				down[at] = span{text, height - 1}
				put(text)
			}
		}
		fill()
		width = max(width, len(line))
		if total += len(line); total > maxCells {
			break
		}
		out = append(out, line)
	}
	for i := range out {
		for len(out[i]) < width && total <= maxCells {
			out[i] = append(out[i], "")
			total++
		}
	}
	return out
}

// spanOf returns the value of colspan or rowspan, at most limit. A rowspan of 0 means that the cell reaches to the last row.
func spanOf(c *html.Node, key string, limit int) int {
	v := strings.TrimSpace(dom.Attr(c, key))
	if v == "" {
		return 1
	}
	n, err := strconv.Atoi(v)
	switch {
	case err != nil || n < 0:
		return 1
	case n == 0 && key == "rowspan":
		return limit
	}
	return min(max(n, 1), max(limit, 1))
}

func (r *renderer) writeRows(rows []tableRow, grid [][]string, caption string) {
	heads := 0
	for heads < len(grid)-1 && heads < 4 && rows[heads].header {
		heads++
	}
	if heads == 0 && namesColumns(grid) {
		heads = 1
	}
	above := columnNames(grid[:heads], caption)
	first := true
	for i, cells := range grid {
		if strings.Join(cells, "") == "" {
			continue
		}
		b := plaintext.Block{Kind: plaintext.Row, Text: rowText(cells), Tight: !first}
		if i >= heads {
			b.Above = above
		}
		r.add(b)
		first = false
	}
}

func rowText(cells []string) string {
	var b strings.Builder
	b.WriteByte('|')
	for _, c := range cells {
		b.WriteByte(' ')
		if c != "" {
			b.WriteString(c)
			b.WriteByte(' ')
		}
		b.WriteByte('|')
	}
	return b.String()
}

// namesColumns reports whether the first row of a table without th cells contains column names: short words above numbers.
func namesColumns(grid [][]string) bool {
	if len(grid) < 3 {
		return false
	}
	for _, c := range grid[0] {
		if c == "" || len(c) > 40 || strings.ContainsFunc(c, unicode.IsDigit) {
			return false
		}
	}
	for _, row := range grid[1:3] {
		if !strings.ContainsFunc(strings.Join(row, ""), unicode.IsDigit) {
			return false
		}
	}
	return true
}

// columnNames returns the caption and the heads of all columns, as one line.
func columnNames(heads [][]string, caption string) string {
	var columns []string
	for i := 0; len(heads) > 0 && i < len(heads[0]); i++ {
		name := ""
		for k, row := range heads {
			if i < len(row) && row[i] != "" && (k == 0 || row[i] != heads[k-1][i]) {
				name = strings.TrimSpace(name + " " + row[i])
			}
		}
		if name != "" {
			columns = append(columns, name)
		}
	}
	names := strings.Join(columns, " | ")
	if caption != "" && names != "" {
		names = caption + ": " + names
	}
	return plaintext.Cut(plaintext.FirstOf(names, caption), plaintext.MaxHeading)
}
