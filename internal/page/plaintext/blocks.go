package plaintext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// blockSpan is a block of a text: the bytes from start to end, without white space around it.
type blockSpan struct {
	kind       Kind
	start, end int
	runes      int    // length in code points
	indent     int    // number of spaces before the block
	level      int    // level of a heading, 1..6
	label      string // the words of a heading or a term
	above      string // for a table row: the heads of its columns
}

// trimTo moves the start of the block to the first character at or after pos that is not white space. It updates runes by counting only the
// skipped characters, so cutting a long block into many pieces takes linear time.
func (k *blockSpan) trimTo(text string, pos int) {
	start := k.end - len(strings.TrimLeftFunc(text[pos:k.end], unicode.IsSpace))
	k.runes -= utf8.RuneCountInString(text[k.start:start])
	k.start = start
}

// inside returns a code block without its fences.
func (k blockSpan) inside(text string) blockSpan {
	body := text[k.start:k.end]
	if body == "" {
		return k
	}
	open := strings.IndexByte(body, '\n') + 1
	fence := fenceLine(strings.TrimSpace(body[:max(open, 1)]))
	if fence == "" {
		return k
	}
	if last := strings.LastIndexByte(body, '\n'); last >= open && closes(body[last+1:], fence) {
		body = body[:last]
	}
	k.end = k.start + len(strings.TrimRightFunc(body, unicode.IsSpace))
	k.runes = utf8.RuneCountInString(text[k.start:k.end])
	if k.start+open < k.end {
		k.trimTo(text, k.start+open)
	}
	return k
}

// scanBlocks finds the blocks of a text by the signs of Markdown. Any text is valid.
func scanBlocks(text string) []blockSpan {
	s := blockScanner{text: text}
	for pos := 0; pos < len(text); {
		end := pos + len(text[pos:])
		if i := strings.IndexByte(text[pos:], '\n'); i >= 0 {
			end = pos + i
		}
		pos = s.line(pos, end)
	}
	s.close()
	return s.blocks
}

type blockScanner struct {
	text   string
	blocks []blockSpan
	open   blockSpan // the paragraph or item that may continue on the next line
	opened bool
}

// line reads the line from pos to end and returns the start of the next line.
func (s *blockScanner) line(pos, end int) int {
	line := s.text[pos:end]
	words := strings.TrimSpace(line)
	next := end + 1
	if words == "" {
		s.close()
		return next
	}
	if fence := fenceLine(words); fence != "" {
		s.close()
		return s.code(pos, end, fence)
	}
	if level, label := HeadingLine(words); level > 0 && !s.opened && s.blankAt(next) {
		s.emit(blockSpan{kind: Heading, start: pos, end: end, level: level, label: label})
		return next
	}
	switch {
	case strings.HasPrefix(words, "|") && strings.Trim(words, "|-: ") == "" && strings.Contains(words, "-"):
		s.close() // the line below a table's header is not a row
	case len(words) > 1 && words[0] == '|' && words[len(words)-1] == '|':
		s.close()
		s.emit(blockSpan{kind: Row, start: pos, end: end})
	case isItem(words):
		s.close()
		s.open, s.opened = blockSpan{kind: Item, start: pos, end: end}, true
	case s.opened:
		s.open.end = end
	default:
		s.open, s.opened = blockSpan{kind: Paragraph, start: pos, end: end}, true
	}
	return next
}

// code reads a fenced code block, up to its closing fence or the end of the text.
func (s *blockScanner) code(pos, end int, fence string) int {
	stop := len(s.text)
	for at := end + 1; at < len(s.text); {
		eol := at + len(s.text[at:])
		if i := strings.IndexByte(s.text[at:], '\n'); i >= 0 {
			eol = at + i
		}
		if closes(s.text[at:eol], fence) {
			stop = eol
			break
		}
		at = eol + 1
	}
	s.emit(blockSpan{kind: Code, start: pos, end: stop})
	return stop + 1
}

func (s *blockScanner) close() {
	if !s.opened {
		return
	}
	s.opened = false
	if s.open.kind == Paragraph {
		if label := termLabel(s.text[s.open.start:s.open.end]); label != "" {
			s.open.kind, s.open.label = Term, label
		}
	}
	s.emit(s.open)
}

// emit trims and measures a block, and appends it.
func (s *blockScanner) emit(k blockSpan) {
	raw := s.text[k.start:k.end]
	k.indent = len(raw) - len(strings.TrimLeft(raw, " "))
	k.end = k.start + len(strings.TrimRightFunc(raw, unicode.IsSpace))
	k.runes = utf8.RuneCountInString(s.text[k.start:k.end])
	k.trimTo(s.text, k.start)
	s.blocks = append(s.blocks, k)
}

// blankAt reports whether the line at pos is empty, a heading, or beyond the end of the text. A line with # counts as a heading only if the
// lines before and after it are of these kinds. Otherwise it may be a comment in a configuration file.
func (s *blockScanner) blankAt(pos int) bool {
	if pos >= len(s.text) {
		return true
	}
	line, _, _ := strings.Cut(s.text[pos:], "\n")
	return strings.TrimSpace(line) == ""
}

// HeadingLine splits an ATX heading into its level and text. Level 0 means that the line is not a heading.
func HeadingLine(line string) (level int, label string) {
	rest := strings.TrimLeft(line, "#")
	level = len(line) - len(rest)
	if level < 1 || level > 6 || !strings.HasPrefix(rest, " ") || strings.TrimSpace(rest) == "" {
		return 0, ""
	}
	return level, strings.TrimSpace(rest)
}

// fenceLine returns the code fence with which a line begins, without the language, or an empty string.
func fenceLine(line string) string {
	for _, c := range []string{"`", "~"} {
		rest := strings.TrimLeft(line, c)
		if n := len(line) - len(rest); n >= 3 && !strings.Contains(rest, c) {
			return line[:n]
		}
	}
	return ""
}

func closes(line, fence string) bool {
	line = strings.TrimSpace(line)
	return fence != "" && strings.HasPrefix(line, fence) && strings.Trim(line, fence[:1]) == ""
}

// isItem reports whether a line begins a list item: "- ", "* ", "+ ", "1. " or "1) ".
func isItem(line string) bool {
	marker, _, found := strings.Cut(line, " ")
	if !found {
		return false
	}
	if marker == "-" || marker == "*" || marker == "+" {
		return true
	}
	digits := strings.TrimRight(marker, ".)")
	return len(digits) == len(marker)-1 && len(digits) > 0 && len(digits) < 5 && strings.Trim(digits, "0123456789") == ""
}

// termLabel returns the text of a block whose lines are all bold, joined with commas. If not all lines are bold, it returns an empty
// string.
func termLabel(raw string) string {
	var labels []string
	for _, line := range strings.Split(raw, "\n") {
		line = strings.TrimSpace(line)
		inner := strings.TrimSuffix(strings.TrimPrefix(line, "**"), "**")
		if len(inner) != len(line)-4 || strings.TrimSpace(inner) == "" {
			return ""
		}
		labels = append(labels, strings.TrimSpace(inner))
	}
	return strings.Join(labels, ", ")
}
