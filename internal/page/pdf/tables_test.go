package pdf

import (
	"fmt"
	"strings"
)

// ruleAt draws a horizontal line.
func ruleAt(x0, x1, y float64) string { return fmt.Sprintf("%g %g m %g %g l S\n", x0, y, x1, y) }

// entry is a row of a table of two columns: the lines of its cells.
type entry [2][]string

var entries = []entry{
	{{"restart", "service"}, {"Ends the service and starts it", "again with the same options as", "before, in its old place."}},
	{{"stop"}, {"Ends the service. It stays ended", "until somebody starts it again."}},
	{{"status", "service", "verbose"}, {"Tells how long the service ran."}},
	{{"list"}, {"Names all services of this host", "and of the hosts that it serves."}},
}

// inTable are the lines that the text of a table of entries must contain.
var inTable = []string{
	"| restart service | Ends the service and starts it again with the same options as before, in its old place. |",
	"| stop | Ends the service. It stays ended until somebody starts it again. |",
	"| status service verbose | Tells how long the service ran. |",
	"| list | Names all services of this host and of the hosts that it serves. |",
}

// drawTable draws entries at x and y, in a font of size 10 with lines 12 points apart. The distance between rows is larger by apart. If
// centred is true, a short cell is in the middle of the height of its row. If ruled is true, lines are drawn between rows.
func drawTable(x, y, apart float64, centred, ruled bool) string {
	var b strings.Builder
	for _, e := range entries {
		lines := max(len(e[0]), len(e[1]))
		for c, cell := range e {
			top := y
			if centred {
				top -= 6 * float64(lines-len(cell))
			}
			b.WriteString(prose(x+90*float64(c), top, cell...))
		}
		if ruled {
			b.WriteString(ruleAt(x-2, x+80, y+9) + ruleAt(x+80, x+260, y+9)) // cell by cell
		}
		y -= 12*float64(lines) + apart
	}
	return b.String()
}

func tableKinds() []kind {
	return []kind{
		{name: "cells of several lines, with space between rows", file: func() *file { return newFile().page(drawTable(72, 700, 5, false, false)) }, want: inTable},
		{name: "cells of several lines, ruled", file: func() *file { return newFile().page(drawTable(72, 700, 0, false, true)) }, want: inTable},
		{name: "cells of several lines, ruled and centred", file: func() *file { return newFile().page(drawTable(72, 700, 0, true, true)) }, want: inTable},
		{name: "cells of several lines, ruled and centred, on a turned page", file: func() *file {
			return newFile().page("q 0 1 -1 0 612 0 cm\n"+drawTable(72, 500, 0, true, true)+"Q\n", "/Rotate 90")
		}, want: inTable},
		{name: "cells of several lines, ruled and centred, in a form", file: func() *file {
			f := newFile()
			n := f.addStream("/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Matrix [1 0 0 1 40 -90] /Resources << /Font << /F1 3 0 R >> >>", drawTable(72, 700, 0, true, true))
			return f.pageWith(fmt.Sprintf("/XObject << /X %d 0 R >>", n), "/X Do\n")
		}, want: inTable},
		{name: "cells that ran out of width, without space between rows", file: func() *file {
			return newFile().page(prose(72, 700, "Harbour", "Bridge") + prose(72, 664, "Mill") + prose(150, 700, "Bay", "River") + prose(150, 664, "Brook") +
				prose(220, 700, "built of grey stone from the quarry", "crosses at the narrowest place that", "was found", "ground corn for the whole valley"))
		}, want: []string{"| Harbour | Bay | built of grey stone from the quarry |", "| Bridge | River | crosses at the narrowest place that was found |", "| Mill | Brook | ground corn for the whole valley |"}},
		{name: "a cell that spans rows", file: func() *file {
			var b strings.Builder
			for i, r := range [][2]string{{"Standard", "cv01"}, {"Alternate", "cv02"}, {"Standard", "cv03"}, {"Alternate", "cv04"}, {"Second", "cv05"}} {
				b.WriteString(prose(200, 700-20*float64(i), r[0]) + prose(320, 700-20*float64(i), r[1]))
			}
			return newFile().page(prose(72, 700, "Shape of the very", "first of the letters", "in the font") + prose(72, 660, "Shape of the very", "last of the letters", "in the font") + b.String())
		}, want: []string{"| Shape of the very first of the letters in the font | Standard | cv01 |", "Alternate | cv02 |", "| Shape of the very last of the letters in the font | Standard | cv03 |", "Alternate | cv04 |", "Second | cv05 |"}},
		{name: "a reference card: columns of tables", file: func() *file {
			var b strings.Builder
			for c, name := range []string{"alder", "birch", "cedar"} {
				x, y := 40+190*float64(c), 700-5*float64(c)
				for i := range 20 {
					if i%7 == 6-c {
						b.WriteString(at(x, y-6, "/F3 11", 12, "Of the "+name))
						y -= 23
					}
					b.WriteString(at(x, y, "/F2 8", 10, fmt.Sprintf("%s-%d", name, i)) + at(x+60, y, "/F1 8", 10, fmt.Sprintf("does what %s %d does", name, i)))
					y -= 10
				}
			}
			return newFile().page(b.String())
		}, want: []string{"alder-0 | does what alder 0 does", "alder-19", "birch-0 | does what birch 0 does", "birch-19", "cedar-0 | does what cedar 0 does", "cedar-19"}},
		{name: "columns of ruled tables, one of them shorter", file: func() *file {
			return newFile().page(prose(40, 720, "Of the host") + drawTable(40, 700, 0, true, true) + prose(330, 737, "Of the guest") + drawTable(330, 717, 0, true, true) +
				prose(330, 590, "Of the line") + drawTable(330, 570, 0, true, true))
		}, want: append(append(append([]string{"Of the host"}, inTable...), append([]string{"Of the guest"}, inTable...)...), append([]string{"Of the line"}, inTable...)...)},
		{name: "a listing with line numbers", file: func() *file {
			return newFile().page(at(60, 700, "/F1 6", 12, "1", "2", "3", "4", "5", "6") + at(90, 700, "/F2 10", 12, "begin one long group here", "set the width to ten", "set the height to ten", "draw", "end the group that began", "stop"))
		}, want: []string{"begin one long group here", "2", "set the width to ten", "3", "set the height to ten", "6", "stop"}},
		{name: "two columns whose headings and lists are level", file: func() *file {
			left := []string{"The first port", "It trades in slate and stone.", "The river runs for forty miles before it", "meets the sea in a wide bay, where a wall", "was built of grey stone.", "It sells clay and chalk.", "Its wall is long."}
			right := []string{"The next port", "It trades in wood and peat.", "A second harbour was begun in the year", "when the railway came, and was finished", "only after the war had ended.", "It sells tar and rope.", "Its wall is deep."}
			return newFile().page(prose(60, 700, left...) + prose(320, 700, right...))
		}, want: []string{"The first port", "It trades in slate", "before it meets the sea", "chalk", "is long.", "The next port", "It trades in wood", "when the railway came", "rope", "is deep."}},
	}
}
