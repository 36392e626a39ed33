package plaintext

import (
	"strings"
	"unicode/utf8"

	"legwork/internal/research"
)

// maxKinds is the greatest number of blocks that are stored for a page. For a page with more blocks none are stored. Then the web page that
// shows the snapshot guesses the blocks from the text.
const maxKinds = 20_000

// kinds returns the blocks of a text that are not ordinary paragraphs. The rows of a table are one block. If a table has column heads, they
// are a block of their own. The result is nil only if there are too many blocks.
func kinds(text string, spans []blockSpan) []research.Block {
	out := []research.Block{}
	atByte, atRune := 0, 0
	runes := func(pos int) int { // pos never decreases from call to call, so only the text in between is counted
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

// rowsOfTable returns the number of rows of the table with which spans begins. The rows of one table are on consecutive lines.
func rowsOfTable(text string, spans []blockSpan) int {
	n := 1
	for n < len(spans) && spans[n].kind == Row && strings.Count(text[spans[n-1].end:spans[n].start], "\n") == 1 {
		n++
	}
	return n
}

// headsOf returns the number of rows with column heads at the beginning of a table. In all later rows, the field above has these heads.
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
