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
	goodPassage = 200 // a shorter paragraph is joined with the next one
	minRoom     = 100 // a definition starts in the same passage as its term only if at least this much of it fits
)

// MaxPassages is the greatest number of passages of one page. The text after the last passage is in the snapshot, but is not searched.
const MaxPassages = 5000

// Passages cuts the text of a page into spans that are ranked and cited as a whole. Each span has at most research.MaxExcerpt code points.
// The spans are in order, do not overlap and have no white space at their ends. The text is cut between blocks if possible, else after a
// sentence, else between words. Every character except white space is in a passage; but headings, code fences and the rules below table
// headers are included only if a passage spans them. A term and its definition share a passage if they fit. If a long definition is split,
// the heading paths of its later passages end with the term. There are at most MaxPassages passages, for about two million characters.
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

// builder joins blocks to passages. Positions are in bytes until a passage is finished; then they are converted to code points.
type builder struct {
	text string
	out  []research.Passage

	path  [7]string // headings above the current block, by level
	terms []term    // terms whose definitions contain the current block, outermost first

	start, end int // span of the open passage; if both are equal, no passage is open
	size       int // length of the open passage in code points
	last       Kind
	heading    string // heading path of the open passage

	atByte, atRune int // the last position converted, in bytes and in code points
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
		b.flush() // consecutive terms share a passage
	}
	if k.kind == Term {
		b.terms = append(b.terms, term{indent: k.indent, text: Cut(k.label, MaxHeading)})
	}
	b.extend(k)
}

// leave closes the definitions that a block with this indentation is not part of. It reports whether it has closed any.
func (b *builder) leave(indent int) bool {
	n := len(b.terms)
	for n > 0 && b.terms[n-1].indent >= indent {
		n--
	}
	left := n < len(b.terms)
	b.terms = b.terms[:n]
	return left
}

// joins reports whether k belongs to the open passage, provided that there is room for it.
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
	case b.last == Item && k.indent > 1: // a further paragraph of a list item
		return true
	case k.kind == Paragraph:
		return b.last == Paragraph && b.size < goodPassage
	}
	return k.kind == b.last // true for items of one list, or rows of one table
}

// extend adds k to the open passage if it fits, else starts new passages. Only a definition is split between the open passage and a new
// one, so that it begins in the same passage as its term.
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

// open starts a passage with k, up to end. Its heading path ends with the term of k and the column heads of k, if k has them.
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

// flush finishes the open passage, if there is one.
func (b *builder) flush() {
	if b.start == b.end {
		return
	}
	start := b.runes(b.start)
	b.out = append(b.out, research.Passage{Ord: len(b.out), Start: start, End: b.runes(b.end), Heading: b.heading})
	b.start = b.end
}

// runes converts a position in bytes to code points. Positions must not decrease from call to call.
func (b *builder) runes(pos int) int {
	b.atRune += utf8.RuneCountInString(b.text[b.atByte:pos])
	b.atByte = pos
	return b.atRune
}

// cutPoint returns where to cut s, so that at most room code points come before the cut: after the last sentence that fits, unless
// this is less than a third of room; else after the last line; else after the last word; else after exactly room code points.
func cutPoint(s string, room int) int {
	sentence, line, word := 0, 0, 0
	count, ended := 0, false // ended is true if the characters just read may end a sentence
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

// startsLower reports whether the next word of s begins with a lower-case letter, as after "e.g.".
func startsLower(s string) bool {
	for _, r := range s {
		if !unicode.IsSpace(r) {
			return unicode.IsLower(r)
		}
	}
	return false
}
