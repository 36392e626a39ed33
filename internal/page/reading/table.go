package reading

import (
	"bytes"
	"strings"

	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// renderTable renders a table of data as one line per row, cells between bars. Tables whose cells hold whole blocks
// (lists, headings, other tables: page layout of old) are rendered as what they contain, one block after the other, and
// so are tables of one column.
func renderTable(ctx converter.Context, w converter.Writer, n *html.Node) converter.RenderStatus {
	rows := tableRows(n)
	width := 0
	for _, r := range rows {
		width = max(width, len(r.cells))
	}
	write := func(s string) { _, _ = w.WriteString(s) }
	write("\n\n")
	if caption := child(n, atom.Caption); caption != nil {
		ctx.RenderChildNodes(ctx, w, caption)
		write("\n\n")
	}
	switch {
	case width < 2:
		for _, r := range rows {
			for _, c := range r.cells {
				renderLines(ctx, w, c)
			}
		}
	case isLayout(n):
		for _, r := range rows {
			for _, c := range r.cells {
				ctx.RenderChildNodes(ctx, w, c)
				write("\n\n")
			}
		}
	default:
		for i, r := range rows {
			renderRow(ctx, w, r, width)
			if i == 0 && r.header && len(rows) > 1 {
				write("|" + strings.Repeat(" --- |", width) + "\n")
			}
		}
	}
	write("\n\n")
	return converter.RenderSuccess
}

type tableRow struct {
	cells  []*html.Node
	header bool // all cells are th, or the row stands in thead
}

// tableRows lists the rows of n itself, not those of tables inside it.
func tableRows(n *html.Node) []tableRow {
	var rows []tableRow
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		switch c.DataAtom {
		case atom.Thead, atom.Tbody, atom.Tfoot:
			for _, r := range tableRows(c) {
				r.header = r.header || c.DataAtom == atom.Thead
				rows = append(rows, r)
			}
		case atom.Tr:
			row := tableRow{header: true}
			for cell := c.FirstChild; cell != nil; cell = cell.NextSibling {
				if cell.DataAtom == atom.Td || cell.DataAtom == atom.Th {
					row.cells = append(row.cells, cell)
					row.header = row.header && cell.DataAtom == atom.Th
				}
			}
			if len(row.cells) > 0 {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// isLayout reports whether a cell below n holds blocks that do not fit into a line.
func isLayout(n *html.Node) bool {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		switch c.DataAtom {
		case atom.Table, atom.Ul, atom.Ol, atom.Dl, atom.Blockquote, atom.Pre,
			atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Article, atom.Section:
			return true
		}
		if c.DataAtom != atom.Caption && isLayout(c) {
			return true
		}
	}
	return false
}

// renderRow writes one row. An empty row is left out; cells that are missing at its end are not made up.
func renderRow(ctx converter.Context, w converter.Writer, r tableRow, width int) {
	var line bytes.Buffer
	empty := true
	for _, c := range r.cells[:min(len(r.cells), width)] {
		var buf bytes.Buffer
		ctx.RenderChildNodes(ctx, &buf, c)
		text := bytes.Join(bytes.Fields(buf.Bytes()), []byte(" "))
		empty = empty && len(text) == 0
		line.WriteString("| ")
		line.Write(text)
		if len(text) > 0 {
			line.WriteByte(' ')
		}
	}
	if !empty {
		line.WriteString("|\n")
		_, _ = w.Write(line.Bytes())
	}
}

// renderLines writes the single cell of a row as one paragraph that keeps the cell's lines, or, when it holds blocks, as
// these blocks.
func renderLines(ctx converter.Context, w converter.Writer, cell *html.Node) {
	var buf bytes.Buffer
	ctx.RenderChildNodes(ctx, &buf, cell)
	if isLayout(cell) {
		_, _ = w.Write(buf.Bytes())
		_, _ = w.WriteString("\n\n")
		return
	}
	for _, line := range bytes.Split(buf.Bytes(), []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			_, _ = w.Write(line)
			_ = w.WriteByte('\n')
		}
	}
	_ = w.WriteByte('\n')
}

func child(n *html.Node, a atom.Atom) *html.Node {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.DataAtom == a {
			return c
		}
	}
	return nil
}
