package pdf

import (
	"bytes"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Smallest font sizes of headings, in multiples of the font size of most text in the document.
const (
	headingSize = 1.12 // "####"
	largeSize   = 1.5  // "###"
)

// maxHeadingText is the longest heading, in bytes. Longer text in a large font is a paragraph.
const maxHeadingText = 200

// render writes the text of all pages to d.Pages, and sets d.Title if it is empty.
func (d *Document) render(pages []layout) {
	w := writer{body: bodySize(pages), words: vocabulary(pages)}
	for _, p := range pages {
		if text := w.page(p); text != "" {
			d.Pages = append(d.Pages, Page{Number: p.number, Text: text})
		}
	}
	if d.Title == "" && len(pages) > 0 && pages[0].number == 1 {
		d.Title = largest(pages[0], w.body)
	}
}

// bodySize returns the font size that most letters have.
func bodySize(pages []layout) float64 {
	count := map[float64]int{}
	best := 0.0
	for _, p := range pages {
		for _, l := range p.lines {
			size := math.Round(l.size*4) / 4
			count[size] += l.letters
			if count[size] > count[best] {
				best = size
			}
		}
	}
	return best
}

// largest returns the first line in the largest font of a page, together with the lines of the same size that follow it. It
// returns "" if no line is larger than the rest of the document.
func largest(p layout, body float64) string {
	size, title := body*headingSize, ""
	for i, l := range p.lines {
		if l.size > size*1.02 && l.letters > 3 {
			size, title = l.size, l.text
			for _, more := range p.lines[i+1:] {
				if math.Abs(more.size-size) > 0.02*size || len(title) > maxHeadingText {
					break
				}
				title += " " + more.text
			}
		}
	}
	return strings.Trim(title, "| ")
}

// vocabulary returns the hyphenated words within lines, in lower case. If a line ends in a hyphen and the word joined with the hyphen is in
// the vocabulary, the hyphen belongs to the word and is not removed.
func vocabulary(pages []layout) map[string]bool {
	words := map[string]bool{}
	for _, p := range pages {
		for _, l := range p.lines {
			for w := range strings.FieldsSeq(l.text) {
				if w = strings.ToLower(strings.TrimFunc(w, notLetter)); strings.Contains(w, "-") {
					words[w] = true
				}
			}
		}
	}
	return words
}

func notLetter(r rune) bool { return !isLetter(r) }

// writer writes the lines of a page as paragraphs.
type writer struct {
	body  float64         // font size of most of the document
	words map[string]bool // see vocabulary
	out   []byte          // the text of the page so far
}

func (w *writer) page(p layout) string {
	w.out = w.out[:0]
	var prev line
	for i, l := range p.lines {
		if l.row {
			l.text = w.tableRow(l.cells)
		}
		if l.text = strings.TrimSpace(l.text); l.text == "" {
			continue
		}
		if level := w.heading(l); level != "" {
			w.writeHeading(level, l, prev, i > 0)
		} else {
			w.write(l, prev, leading(p.lines, i))
		}
		prev = l
	}
	return strings.TrimSpace(string(w.out))
}

// tableRow returns the cells of a table row, with bars between them.
func (w *writer) tableRow(cells [][]string) string {
	cell := writer{words: w.words}
	for i, lines := range cells {
		if i > 0 {
			cell.out = append(cell.out, " | "...)
		}
		for k, l := range lines {
			if l = strings.ReplaceAll(l, "|", "¦"); k == 0 {
				cell.out = append(cell.out, l...)
			} else {
				cell.join(l)
			}
		}
	}
	return "| " + string(cell.out) + " |"
}

// heading returns the Markdown signs ("###" or "####") for a line that is a heading, and "" for any other line.
func (w *writer) heading(l line) string {
	if l.row || l.letters < 2 || len(l.text) > maxHeadingText || l.size < w.body*headingSize {
		return ""
	}
	if l.size < w.body*largeSize {
		return "#### "
	}
	return "### "
}

// writeHeading begins a heading, or continues the heading of the previous line.
func (w *writer) writeHeading(level string, l, prev line, follows bool) {
	sameSize := math.Abs(prev.size-l.size) < 0.05*l.size
	if follows && w.heading(prev) == level && sameSize && prev.column == l.column && prev.base-l.base < 1.8*l.size && len(prev.text)+len(l.text) < maxHeadingText {
		w.join(l.text)
		return
	}
	w.gap("\n\n")
	w.out = append(w.out, level+l.text...)
}

// write continues the paragraph with a line, or begins a new paragraph. leading is the usual distance of the lines around l.
func (w *writer) write(l, prev line, leading float64) {
	switch {
	case len(w.out) == 0, w.heading(prev) != "":
		w.gap("\n\n")
	case l.row || prev.row:
		w.gap(map[bool]string{true: "\n", false: "\n\n"}[l.row && prev.row])
	case l.column != prev.column:
		if !w.goesOn(l) {
			w.gap("\n\n")
			break
		}
		w.join(l.text)
		return
	case prev.base-l.base > 1.3*leading, prev.base < l.base, math.Abs(l.size-prev.size) > 0.15*prev.size, l.fixed != prev.fixed:
		w.gap("\n\n")
	case l.fixed, isItem(l.text):
		w.gap("\n")
	case l.x0 > prev.x0+0.8*l.size && l.x0 < prev.x0+4*l.size && !w.endsInHyphen():
		w.gap("\n\n") // an indented line begins a paragraph
	case prev.x1+l.first+0.4*l.size < prev.right-0.5*l.size && !w.endsInHyphen():
		w.gap("\n") // the line's first word would have fitted into the previous line, so the author broke the line
	default:
		w.join(l.text)
		return
	}
	w.out = append(w.out, literal(l.text, l.row)...)
}

// goesOn reports whether the first line of a column continues the sentence at the end of the previous column.
func (w *writer) goesOn(l line) bool {
	first, _ := utf8.DecodeRuneInString(l.text)
	last, _ := utf8.DecodeLastRune(w.out)
	return unicode.IsLower(first) && (unicode.IsLetter(last) || last == ',' || last == '-')
}

func (w *writer) endsInHyphen() bool { return bytes.HasSuffix(w.out, []byte("-")) }

func (w *writer) gap(s string) {
	if len(w.out) > 0 {
		w.out = append(w.out, s...)
	}
}

// join appends the next line of a paragraph. It writes a space before the line, except between ideographs and after the hyphen of a divided
// word.
func (w *writer) join(text string) {
	last, _ := utf8.DecodeLastRune(w.out)
	first, _ := utf8.DecodeRuneInString(text)
	switch {
	case len(w.out) == 0:
	case last == '-' && isLetter(first):
		if w.divided(w.out, text) {
			w.out = w.out[:len(w.out)-1]
		}
	case isIdeographic(last) && isIdeographic(first):
	default:
		w.out = append(w.out, ' ')
	}
	w.out = append(w.out, text...)
}

// divided reports whether the hyphen at the end of a line is there only because the word was divided.
func (w *writer) divided(before []byte, after string) bool {
	head := string(before[bytes.LastIndexAny(before, " \n")+1 : len(before)-1])
	tail := after
	if i := strings.IndexByte(tail, ' '); i >= 0 {
		tail = tail[:i]
	}
	last, _ := utf8.DecodeLastRuneInString(head)
	first, _ := utf8.DecodeRuneInString(tail)
	if !unicode.IsLetter(last) || !unicode.IsLower(first) && !(unicode.IsUpper(first) && isUpper(head)) {
		return false
	}
	compound := strings.ToLower(strings.TrimFunc(head, notLetter) + "-" + strings.TrimFunc(tail, notLetter))
	return !w.words[compound]
}

func isUpper(s string) bool { return len(s) > 1 && strings.ToUpper(s) == s }

// literal protects a line that begins with one of the Markdown signs that this package writes for headings, tables and listings. It puts an
// invisible word joiner (U+2060) before the line. When quotes are matched, the word joiner is ignored.
func literal(text string, row bool) string {
	if !row && (strings.HasPrefix(text, "#") || strings.HasPrefix(text, "|") || strings.HasPrefix(text, "```") || strings.HasPrefix(text, "~~~")) {
		return "\u2060" + text
	}
	return text
}

// isItem reports whether a line begins with a bullet.
func isItem(text string) bool {
	first, n := utf8.DecodeRuneInString(text)
	return strings.ContainsRune("•▪◦‣·●○■□–*", first) && len(text) > n && text[n] == ' '
}

// leading returns the usual distance between the base lines of the lines around i, in points.
func leading(lines []line, i int) float64 {
	best := 0.0
	for k := max(1, i-6); k < min(len(lines), i+7); k++ {
		step := lines[k-1].base - lines[k].base
		if lines[k].column == lines[i].column && step > 0.8*lines[k].size && (best == 0 || step < best) {
			best = step
		}
	}
	if best == 0 {
		return 1.3 * lines[i].size
	}
	return best
}
