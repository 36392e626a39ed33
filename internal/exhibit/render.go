package exhibit

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// blocks parses the blocks that package page writes. It does not parse inline markup: inside blocks a snapshot has plain
// text, so an asterisk is just an asterisk. For the same reason HTML, rules and underlined headings are treated as text.
func blocks(source []byte) ast.Node {
	p := parser.NewParser(parser.WithBlockParsers(
		util.Prioritized(parser.NewListParser(), 300),
		util.Prioritized(parser.NewListItemParser(), 400),
		util.Prioritized(parser.NewCodeBlockParser(), 500),
		util.Prioritized(aloneHeading{parser.NewATXHeadingParser()}, 600),
		util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
		util.Prioritized(parser.NewBlockquoteParser(), 800),
		util.Prioritized(parser.NewParagraphParser(), 1000),
	))
	return p.Parse(text.NewReader(source))
}

// aloneHeading accepts a heading only if the lines before and after it are blank. Code in a snapshot has no fences, so a
// number sign between other lines is probably a comment in code.
type aloneHeading struct{ parser.BlockParser }

// Open implements parser.BlockParser.
func (h aloneHeading) Open(parent ast.Node, r text.Reader, pc parser.Context) (ast.Node, parser.State) {
	source := r.Source()
	_, line := r.PeekLine()
	start, end := line.Start, line.Stop
	for start > 0 && source[start-1] != '\n' {
		start--
	}
	if !isBlank(source[:max(start-1, 0)], true) || !isBlank(source[end:], false) {
		return nil, parser.NoChildren
	}
	return h.BlockParser.Open(parent, r, pc)
}

// CanInterruptParagraph implements parser.BlockParser.
func (aloneHeading) CanInterruptParagraph() bool { return false }

// isBlank reports whether the first line of s is blank. If last is true, it looks at the last line instead.
func isBlank(s []byte, last bool) bool {
	if last {
		s = s[bytes.LastIndexByte(s, '\n')+1:]
	} else if i := bytes.IndexByte(s, '\n'); i >= 0 {
		s = s[:i]
	}
	return len(bytes.TrimSpace(s)) == 0
}

// maxNesting is the limit of block signs (">", "-", "1." …) at the beginning of one line. A text with a line that
// reaches it is shown without blocks. Real pages have fewer, and the parser's time grows with the square of their
// number.
const maxNesting = 24

var nesting = regexp.MustCompile(fmt.Sprintf(`(?m)^(?:[ \t]*(?:>|[-+*][ \t]|[0-9]{1,9}[.)][ \t])){%d}`, maxNesting))

// rendering is a page as HTML that is not yet sanitised. The keys of its maps are numbers of quotes.
type rendering struct {
	body     []byte         // the text of the page, with its quotes marked
	shown    map[int]bool   // whether at least a part of the quote was marked
	excerpts map[int][]byte // the HTML of each quote alone; the map is empty if the blocks of the page are not known
}

// render renders a page. If its blocks are not known, they are guessed from the Markdown signs in the text.
func render(p Page) rendering {
	w := &writer{source: []byte(p.Text), shown: map[int]bool{}}
	w.place(p.Quotes)
	r := rendering{shown: w.shown, excerpts: map[int][]byte{}}
	if p.Blocks != nil {
		if all, ok := pieces(p.Text, p.Blocks); ok {
			(&layout{writer: w}).write(all)
			r.body = w.out.Bytes()
			for _, s := range w.spans {
				part := &writer{source: w.source, excerpt: true, from: s.start, to: s.end}
				(&layout{writer: part}).write(all)
				r.excerpts[s.n] = part.out.Bytes()
			}
			return r
		}
	}
	if nesting.Match(w.source) {
		w.open("pre")
		w.text(0, len(w.source))
		w.close("pre")
	} else {
		w.block(blocks(w.source))
	}
	r.body = w.out.Bytes()
	return r
}

// span is the span of the quote with number n. start and end are offsets in bytes.
type span struct{ n, start, end int }

// writer writes blocks as HTML. All parts of the source are written by its method text, which escapes them and marks the
// quotes.
type writer struct {
	source []byte
	out    bytes.Buffer
	spans  []span // sorted by start
	cuts   []int  // sorted offsets at which a span begins or ends
	shown  map[int]bool

	excerpt  bool // whether only the part of the source between from and to is written
	from, to int
}

// outside reports whether a part of the source is left out, because it is outside the excerpt.
func (w *writer) outside(start, end int) bool {
	return w.excerpt && (end <= w.from || start >= w.to)
}

// byteOffsets converts offsets in s from code points to bytes. Each key of at is an offset in code points; its value
// becomes the offset in bytes. Values of keys beyond the end of s do not change.
func byteOffsets(s string, at map[int]int) {
	n := 0
	for i := range s {
		if _, ok := at[n]; ok {
			at[n] = i
		}
		n++
	}
	if _, ok := at[n]; ok {
		at[n] = len(s)
	}
}

// place converts the spans of quotes from code points to bytes.
func (w *writer) place(quotes []Quote) {
	at := make(map[int]int, 2*len(quotes)) // from offsets in code points to offsets in bytes
	for _, q := range quotes {
		at[q.Start], at[q.End] = -1, -1
	}
	byteOffsets(string(w.source), at)
	for _, q := range quotes {
		if s, e := at[q.Start], at[q.End]; s >= 0 && e > s {
			w.spans = append(w.spans, span{q.N, s, e})
			w.cuts = append(w.cuts, s, e)
		}
	}
	slices.SortFunc(w.spans, func(a, b span) int { return a.start - b.start })
	slices.Sort(w.cuts)
	w.cuts = slices.Compact(w.cuts)
}

func (w *writer) open(tag string)  { w.out.WriteString("<" + tag + ">") }
func (w *writer) close(tag string) { w.out.WriteString("</" + tag + ">") }

// text writes a part of the source, escaped, and marks what the spans of quotes cover.
func (w *writer) text(start, end int) {
	if w.excerpt {
		start, end = max(start, w.from), min(end, w.to)
	}
	for start < end {
		stop := end
		if i, found := slices.BinarySearch(w.cuts, start); found {
			if i+1 < len(w.cuts) {
				stop = min(stop, w.cuts[i+1])
			}
		} else if i < len(w.cuts) {
			stop = min(stop, w.cuts[i])
		}
		marks := 0
		for _, s := range w.spans {
			if s.start >= stop {
				break
			}
			if s.end <= start {
				continue
			}
			id := ""
			if !w.shown[s.n] {
				w.shown[s.n] = true
				id = fmt.Sprintf(` id="cite-%d"`, s.n)
			}
			fmt.Fprintf(&w.out, `<mark%s class="cite-%d">`, id, s.n)
			marks++
		}
		w.out.WriteString(html.EscapeString(string(w.source[start:stop])))
		w.out.WriteString(strings.Repeat("</mark>", marks))
		start = stop
	}
}

// block writes a node of the parsed Markdown and the nodes below it.
func (w *writer) block(n ast.Node) {
	switch n := n.(type) {
	case *ast.Heading:
		tag := fmt.Sprintf("h%d", min(n.Level+1, 6)) // h1 is used for the page's title
		w.open(tag)
		w.lines(n.Lines())
		w.close(tag)
	case *ast.Paragraph:
		w.paragraph(n.Lines(), "p")
	case *ast.TextBlock:
		w.paragraph(n.Lines(), "")
	case *ast.CodeBlock:
		w.code(n.Lines())
	case *ast.FencedCodeBlock:
		if n.Info != nil {
			w.out.WriteString(`<div class="info">`)
			w.text(n.Info.Segment.Start, n.Info.Segment.Stop)
			w.close("div")
		}
		w.code(n.Lines())
	case *ast.Blockquote:
		w.within("blockquote", n)
	case *ast.List:
		if n.IsOrdered() {
			fmt.Fprintf(&w.out, `<ol start="%d">`, n.Start)
			w.children(n)
			w.close("ol")
		} else {
			w.within("ul", n)
		}
	case *ast.ListItem:
		w.within("li", n)
	default:
		w.children(n)
	}
}

func (w *writer) within(tag string, n ast.Node) {
	w.open(tag)
	w.children(n)
	w.close(tag)
}

func (w *writer) children(n ast.Node) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if c.Type() == ast.TypeBlock {
			w.block(c)
		}
	}
}

func (w *writer) code(lines *text.Segments) {
	w.out.WriteString("<pre><code>")
	for i := range lines.Len() {
		l := lines.At(i)
		w.out.WriteString(strings.Repeat(" ", l.Padding))
		w.text(l.Start, l.Stop)
	}
	w.out.WriteString("</code></pre>")
}

// paragraph writes lines of text, or a table if the lines are table rows.
func (w *writer) paragraph(lines *text.Segments, tag string) {
	if rows := w.rows(lines); rows != nil {
		w.table(rows)
		return
	}
	if tag == "" {
		w.lines(lines)
		return
	}
	w.open(tag)
	w.lines(lines)
	w.close(tag)
}

// term matches a line that consists of a defined term. The lines below it are the definition.
var term = regexp.MustCompile(`^\*\*[^*]+\*\*$`)

// lines writes lines without changing them.
func (w *writer) lines(lines *text.Segments) {
	for i := range lines.Len() {
		if i > 0 {
			w.out.WriteString("<br>")
		}
		start, end := w.trim(lines.At(i))
		for i > 0 && start > 0 && (w.source[start-1] == ' ' || w.source[start-1] == '\t') { // the white space before a line of code belongs to the line
			start--
		}
		if term.Match(w.source[start:end]) {
			w.open("strong")
			w.text(start+2, end-2)
			w.close("strong")
			continue
		}
		w.text(start, end)
	}
}

// trim returns a line without white space at its ends.
func (w *writer) trim(l text.Segment) (start, end int) {
	start, end = l.Start, l.Stop
	for start < end && isSpace(w.source[start]) {
		start++
	}
	for start < end && isSpace(w.source[end-1]) {
		end--
	}
	return start, end
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

// rows returns the cells of table rows, as segments of the source. It returns nil if the lines are not a table.
func (w *writer) rows(lines *text.Segments) [][]text.Segment {
	if lines.Len() < 2 {
		return nil
	}
	var rows [][]text.Segment
	for i := range lines.Len() {
		cells := w.cells(w.trim(lines.At(i)))
		if cells == nil {
			return nil
		}
		rows = append(rows, cells)
	}
	return rows
}

// cells returns the cells of a table row, as segments of the source. It returns nil if the line is not a table row.
func (w *writer) cells(start, end int) []text.Segment {
	if end-start < 3 || w.source[start] != '|' || w.source[end-1] != '|' {
		return nil
	}
	var cells []text.Segment
	for at := start + 1; at < end; {
		bar := at + bytes.IndexByte(w.source[at:end], '|')
		s, e := w.trim(text.NewSegment(at, bar))
		cells = append(cells, text.NewSegment(s, e))
		at = bar + 1
	}
	return cells
}

// rule matches a cell of the line below a table's head.
var rule = regexp.MustCompile(`^:?-{3,}:?$`)

func (w *writer) isRule(row []text.Segment) bool {
	return !slices.ContainsFunc(row, func(c text.Segment) bool { return !rule.Match(w.source[c.Start:c.Stop]) })
}

func (w *writer) table(rows [][]text.Segment) {
	w.out.WriteString(`<div class="wide"><table>`)
	if len(rows) > 1 && w.isRule(rows[1]) {
		w.open("thead")
		w.row(rows[0], "th")
		w.close("thead")
		rows = rows[2:]
	}
	w.open("tbody")
	for _, r := range rows {
		w.row(r, "td")
	}
	w.close("tbody")
	w.out.WriteString("</table></div>")
}

func (w *writer) row(cells []text.Segment, tag string) {
	w.open("tr")
	for _, c := range cells {
		w.open(tag)
		w.text(c.Start, c.Stop)
		w.close(tag)
	}
	w.close("tr")
}
