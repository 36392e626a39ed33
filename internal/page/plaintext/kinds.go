package plaintext

import (
	"strings"
	"unicode/utf8"

	"legwork/internal/research"
)

// maxKinds bounds the blocks of a page whose kinds are kept. A page with more keeps none: where its headings and listings are is then
// guessed from the text.
const maxKinds = 20_000

// kinds gives the blocks of a text that are not ordinary paragraphs. The rows of a table are one block, or two with those that name its
// columns. The result is not nil unless there are too many.
func kinds(text string, spans []blockSpan) []research.Block {
	out := []research.Block{}
	atByte, atRune := 0, 0
	runes := func(pos int) int { // positions only grow
		atRune += utf8.RuneCountInString(text[atByte:pos])
		atByte = pos
		return atRune
	}
	add := func(kind research.BlockKind, first, last blockSpan) {
		start := runes(first.start)
		out = append(out, research.Block{Kind: kind, Start: start, End: runes(last.end)})
	}
	for len(spans) > 0 && len(out) <= maxKinds {
		k, n := spans[0], 1
		switch k.kind {
		case Heading:
			add(research.HeadingBlock(k.level), k, k)
		case Term:
			add(research.BlockTerm, k, k)
		case Item:
			add(research.BlockItem, k, k)
		case Code:
			add(research.BlockCode, k, k)
		case Row:
			n = rowsOfTable(text, spans)
			heads := headsOf(spans[:n])
			if heads > 0 {
				add(research.BlockHead, k, spans[heads-1])
			}
			add(research.BlockRows, spans[heads], spans[n-1])
		}
		spans = spans[n:]
	}
	if len(out) > maxKinds {
		return nil
	}
	return out
}

// rowsOfTable counts the rows of the table that spans begin with: those that stand on lines one below the other.
func rowsOfTable(text string, spans []blockSpan) int {
	n := 1
	for n < len(spans) && spans[n].kind == Row && strings.Count(text[spans[n-1].end:spans[n].start], "\n") == 1 {
		n++
	}
	return n
}

// headsOf counts the first rows of a table that name its columns: the rows after them have these names above them.
func headsOf(rows []blockSpan) int {
	n := 0
	for n < len(rows) && rows[n].above == "" {
		n++
	}
	if n == len(rows) {
		return 0
	}
	return n
}
