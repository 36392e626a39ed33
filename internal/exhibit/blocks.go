package exhibit

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/text"

	"legwork/internal/research"
)

// piece is a block of the text, or a paragraph between two blocks. Its offsets are in bytes.
type piece struct {
	kind       research.BlockKind // empty for a paragraph
	start, end int
	indent     int // number of spaces before the piece on its first line
}

// pieces splits a text into its blocks and the paragraphs between them. It returns false if the blocks do not fit the text.
func pieces(source string, blocks []research.Block) ([]piece, bool) {
	at := make(map[int]int, 2*len(blocks))
	for _, b := range blocks {
		at[b.Start], at[b.End] = -1, -1
	}
	byteOffsets(source, at)
	var out []piece
	last := 0
	for _, b := range blocks {
		start, end := at[b.Start], at[b.End]
		if start < last || end <= start || !b.Kind.Known() {
			return nil, false
		}
		out = append(paragraphs(out, source, last, start), piece{b.Kind, start, end, indentOf(source, start)})
		last = end
	}
	return paragraphs(out, source, last, len(source)), true
}

// paragraphs appends the paragraphs of source[start:end] to out. Blank lines separate paragraphs.
func paragraphs(out []piece, source string, start, end int) []piece {
	open := false
	for start < end {
		stop := end
		if i := strings.IndexByte(source[start:end], '\n'); i >= 0 {
			stop = start + i + 1
		}
		line := source[start:stop]
		words := strings.TrimSpace(line)
		switch {
		case words == "":
			open = false
		case open:
			out[len(out)-1].end = stop
		default:
			first := start + strings.Index(line, words)
			out = append(out, piece{start: first, end: stop, indent: indentOf(source, first)})
			open = true
		}
		start = stop
	}
	return out
}

// indentOf returns the number of spaces before the offset at, if its line has only spaces before it, and otherwise 0.
func indentOf(source string, at int) int {
	start := at
	for start > 0 && source[start-1] == ' ' {
		start--
	}
	if start > 0 && source[start-1] != '\n' {
		return 0
	}
	return at - start
}

// maxOpen is the greatest number of nested containers. Items that are nested deeper are written as paragraphs.
const maxOpen = 100

// container is an HTML element that is open and contains other pieces: a list (ul, dl), or an item (li) or a definition
// (dd) of a list.
type container struct {
	tag    string // name of the element, with its attributes
	indent int    // indentation of the item's marker or of the term. Pieces inside an li or dd have a greater indentation
}

// layout writes pieces as HTML. The indentation of a piece decides to which list item or definition it belongs.
type layout struct {
	*writer
	containers []container
}

func (l *layout) write(all []piece) {
	for i := 0; i < len(all); i++ {
		p := all[i]
		if l.outside(p.start, p.end) {
			continue
		}
		switch level := p.kind.Level(); {
		case level > 0:
			l.enter(p.indent, "")
			l.heading(p, level)
		case p.kind == research.BlockItem:
			l.item(p)
		case p.kind == research.BlockTerm:
			l.enter(p.indent, "dl")
			l.open("dt")
			l.flow(p.start, p.end)
			l.close("dt")
		case p.kind == research.BlockCode:
			l.enter(p.indent, "")
			l.out.WriteString("<pre><code>")
			l.listing(p)
			l.out.WriteString("</code></pre>")
		case p.kind == research.BlockText:
			l.enter(p.indent, "")
			l.out.WriteString(`<pre class="plain">`)
			l.listing(p)
			l.close("pre")
		case p.kind == research.BlockHead && i+1 < len(all) && all[i+1].kind == research.BlockRows:
			l.enter(p.indent, "")
			l.grid(&p, &all[i+1])
			i++
		case p.kind == research.BlockHead, p.kind == research.BlockRows:
			l.enter(p.indent, "")
			l.grid(nil, &p)
		default:
			l.enter(p.indent, "")
			l.open("p")
			l.flow(p.start, p.end)
			l.close("p")
		}
	}
	l.enter(-1, "")
}

// enter closes the containers that do not contain a piece with this indentation. If list is not empty, the piece belongs
// to a list with that tag. Then enter opens the list, unless it is open already.
func (l *layout) enter(indent int, list string) {
	top := func() container {
		if len(l.containers) == 0 {
			return container{indent: -1}
		}
		return l.containers[len(l.containers)-1]
	}
	for len(l.containers) > 0 {
		c := top()
		if c.indent < indent && (c.tag == "dl" || c.tag == "dd" || c.tag == "li") || list != "" && c.tag == list && c.indent == indent {
			break
		}
		tag, _, _ := strings.Cut(c.tag, " ")
		l.close(tag)
		l.containers = l.containers[:len(l.containers)-1]
	}
	if c := top(); c.tag == "dl" && c.indent < indent {
		l.push("dd", c.indent)
	}
	if c := top(); list != "" && (c.tag != list || c.indent != indent) {
		l.push(list, indent)
	}
}

func (l *layout) push(tag string, indent int) {
	l.open(tag)
	l.containers = append(l.containers, container{tag, indent})
}

// heading writes a heading without its number signs. In an excerpt it writes a bold line, so that the heading does not
// become a heading of the whole page.
func (l *layout) heading(p piece, level int) {
	for p.start < p.end && l.source[p.start] == '#' {
		p.start++
	}
	tag := "h" + string(rune('0'+min(level+1, 6))) // the page's title is h1
	if l.excerpt {
		l.open("p")
		tag = "strong"
	}
	l.open(tag)
	l.flow(p.start, p.end)
	l.close(tag)
	if l.excerpt {
		l.close("p")
	}
}

// item writes a list item. It leaves out a dash, because the list shows a bullet. It writes a number or a letter as
// text.
func (l *layout) item(p piece) {
	if len(l.containers) >= maxOpen {
		l.enter(p.indent, "")
		l.open("p")
		l.flow(p.start, p.end)
		l.close("p")
		return
	}
	list := `ul class="numbered"`
	if bytes.HasPrefix(l.source[p.start:p.end], []byte("- ")) {
		list = "ul"
		p.start += 2
	}
	l.enter(p.indent, list)
	l.push("li", p.indent)
	l.flow(p.start, p.end)
}

// flow writes text line by line, without the white space around each line.
func (l *layout) flow(start, end int) {
	for first := true; start < end; first = false {
		stop := l.lineEnd(start, end)
		if !first {
			l.out.WriteString("<br>")
		}
		from, to := l.trim(text.NewSegment(start, stop))
		l.text(from, to)
		start = stop
	}
}

// listing writes the lines of a piece unchanged, but without the indentation of the whole piece.
func (l *layout) listing(p piece) {
	for start := p.start; start < p.end; {
		stop := l.lineEnd(start, p.end)
		for n := 0; start > p.start && n < p.indent && start < stop && l.source[start] == ' '; n++ {
			start++
		}
		l.text(start, stop)
		start = stop
	}
}

// lineEnd returns the offset after the line that begins at start, but at most end.
func (l *layout) lineEnd(start, end int) int {
	if i := bytes.IndexByte(l.source[start:end], '\n'); i >= 0 {
		return start + i + 1
	}
	return end
}

// grid writes a table. head is nil if the table has no column heads.
func (l *layout) grid(head, rows *piece) {
	l.out.WriteString(`<div class="wide"><table>`)
	if head != nil {
		l.open("thead")
		l.rowsOf(*head, "th")
		l.close("thead")
	}
	l.open("tbody")
	l.rowsOf(*rows, "td")
	l.close("tbody")
	l.out.WriteString("</table></div>")
}

func (l *layout) rowsOf(p piece, tag string) {
	for start := p.start; start < p.end; {
		stop := l.lineEnd(start, p.end)
		from, to := l.trim(text.NewSegment(start, stop))
		if from < to && !l.outside(from, to) {
			cells := l.cells(from, to)
			if cells == nil {
				cells = []text.Segment{text.NewSegment(from, to)}
			}
			l.row(cells, tag)
		}
		start = stop
	}
}
