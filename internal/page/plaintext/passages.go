package plaintext

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"legwork/internal/research"
)

// Sizes of passages, in code points.
const (
	maxPassage  = research.MaxExcerpt
	goodPassage = 200 // a paragraph below this takes the next one in
	minRoom     = 100 // a definition starts beside its term only if this much of it fits there
)

// MaxPassages bounds the passages of one page. What comes after them is in the snapshot, but is not searched.
const MaxPassages = 5000

// Passages cuts the text of a page into spans that can be ranked and cited whole: at most research.MaxExcerpt code
// points, in order, without overlap, trimmed of white space, cut at the borders of blocks, else at sentence ends, else
// between words. Every character that is no white space is in one, except heading lines, code fences and the rules below
// table headers, which are in a passage only where it spans them. A term and its definition share a passage as far as
// they fit; what is left of a long definition has the term at the end of its heading path. A text has at most 5,000; they
// hold some two million characters.
func Passages(text string) []research.Passage { return passages(text, scanBlocks(text), MaxPassages) }

func passages(text string, blocks []blockSpan, most int) []research.Passage {
	b := builder{text: text}
	for _, k := range blocks {
		if len(b.out) >= most {
			break
		}
		b.add(k)
	}
	b.flush()
	return b.out[:min(len(b.out), most)]
}

// builder collects blocks into passages. Positions are bytes until a passage is written.
type builder struct {
	text string
	out  []research.Passage

	path  [7]string // headings by level
	terms []term    // definition terms that the current block is below, outermost first

	start, end int // of the open passage; equal: none is open
	size       int // its length in code points
	last       Kind
	heading    string // path above its first character

	atByte, atRune int // a position that was converted already, in both units
}

type term struct {
	indent int
	text   string
}

func (b *builder) add(k blockSpan) {
	if k.kind == Heading {
		b.flush()
		b.terms = b.terms[:0]
		b.path[k.level] = Cut(k.label, MaxHeading)
		clear(b.path[k.level+1:])
		return
	}
	left := b.leave(k.indent)
	if undefined := k.kind == Term && b.last == Term; left && !undefined || !b.joins(k) {
		b.flush() // terms without a definition of their own stay together
	}
	if k.kind == Term {
		b.terms = append(b.terms, term{indent: k.indent, text: Cut(k.label, MaxHeading)})
	}
	b.extend(k)
}

// leave ends the definitions that a block of this indentation is not part of, and reports whether there were any.
func (b *builder) leave(indent int) bool {
	n := len(b.terms)
	for n > 0 && b.terms[n-1].indent >= indent {
		n--
	}
	left := n < len(b.terms)
	b.terms = b.terms[:n]
	return left
}

// joins reports whether k belongs into the open passage, size aside.
func (b *builder) joins(k blockSpan) bool {
	switch {
	case b.start == b.end:
		return false
	case b.last == Term:
		return true
	case k.kind == Term:
		return false
	case len(b.terms) > 0, strings.HasSuffix(b.text[b.start:b.end], ":"):
		return true
	case b.last == Item && k.indent > 1: // a second paragraph of an item
		return true
	case k.kind == Paragraph:
		return b.last == Paragraph && b.size < goodPassage
	}
	return k.kind == b.last // items of a list, rows of a table
}

// extend takes k into the open passage if it fits, else into new ones. Only a definition is split to begin beside its term.
func (b *builder) extend(k blockSpan) {
	if b.start != b.end {
		gap := utf8.RuneCountInString(b.text[b.end:k.start])
		room := maxPassage - b.size - gap
		switch {
		case k.runes <= room:
			b.end, b.size, b.last = k.end, b.size+gap+k.runes, k.kind
			return
		case b.last == Term && k.kind == Paragraph && room >= minRoom:
			at := k.start + cutPoint(b.text[k.start:k.end], room)
			b.end = k.start + len(strings.TrimRightFunc(b.text[k.start:at], unicode.IsSpace))
			k.trimTo(b.text, at)
		}
		b.flush()
	}
	if k.runes > maxPassage && k.kind == Code {
		k = k.inside(b.text)
	}
	for k.runes > maxPassage {
		at := k.start + cutPoint(b.text[k.start:k.end], maxPassage)
		b.open(k, k.start+len(strings.TrimRightFunc(b.text[k.start:at], unicode.IsSpace)))
		b.flush()
		k.trimTo(b.text, at)
	}
	b.open(k, k.end)
	b.size, b.last = k.runes, k.kind
}

// open begins a passage with k. The term it is about and the heads of its columns end its heading path.
func (b *builder) open(k blockSpan, end int) {
	b.start, b.end = k.start, end
	var parts []string
	for _, h := range b.path {
		if h != "" {
			parts = append(parts, h)
		}
	}
	for _, t := range b.terms {
		parts = append(parts, t.text)
	}
	if k.above != "" {
		parts = append(parts, k.above)
	}
	b.heading = strings.Join(parts, " › ")
}

// flush writes the open passage, if there is one.
func (b *builder) flush() {
	if b.start == b.end {
		return
	}
	start := b.runes(b.start)
	b.out = append(b.out, research.Passage{Ord: len(b.out), Start: start, End: b.runes(b.end), Heading: b.heading})
	b.start = b.end
}

// runes converts a byte position, never one before the last, to code points.
func (b *builder) runes(pos int) int {
	b.atRune += utf8.RuneCountInString(b.text[b.atByte:pos])
	b.atByte = pos
	return b.atRune
}

// cutPoint says where to cut s, of more than room code points, so that at most room are before the cut: after the last
// sentence that fits, unless that leaves less than a third; else after the last line, else after the last word, else hard.
func cutPoint(s string, room int) int {
	sentence, line, word := 0, 0, 0
	count, ended := 0, false // ended: the runes just read may end a sentence
	for i, r := range s {
		switch {
		case unicode.IsSpace(r):
			word = i
			if r == '\n' {
				line = i
			}
			if ended && !startsLower(s[i:]) {
				sentence = i
			}
		case strings.ContainsRune(".!?…", r):
			ended = true
		case strings.ContainsRune("。！？", r) && count < room:
			sentence, ended = i+utf8.RuneLen(r), false
		case !strings.ContainsRune(`"'”’»)]`, r):
			ended = false
		}
		if count == room {
			for _, at := range []int{sentence, line} {
				if utf8.RuneCountInString(s[:at])*3 >= room {
					return at
				}
			}
			if word > 0 {
				return word
			}
			return i
		}
		count++
	}
	return len(s)
}

// startsLower reports whether the next word of s begins in lower case, as after "e.g.".
func startsLower(s string) bool {
	for _, r := range s {
		if !unicode.IsSpace(r) {
			return unicode.IsLower(r)
		}
	}
	return false
}
