package research

// Block is a part of a page's text that is not an ordinary paragraph. Between the blocks, the text consists of
// paragraphs, which are separated by blank lines. The kind of a block is stored because the text alone does not show it:
// a line that begins with a number sign may be a heading, or a comment in a listing.
type Block struct {
	Kind       BlockKind
	Start, End int // offsets in code points into Page.Text, End exclusive, without the white space around the block
}

// BlockKind is the kind of a block: one of the constants, or "h1" to "h6" for a heading.
type BlockKind string

// Kinds of blocks.
const (
	BlockTerm BlockKind = "term" // a term of a definition list; its definition is indented below it
	BlockItem BlockKind = "item" // an item of a list, with its marker: "- ", "3. " or "b. "
	BlockHead BlockKind = "head" // the rows with the column heads of a table; each row is a line with bars (|) around its cells
	BlockRows BlockKind = "rows" // the other rows of a table
	BlockCode BlockKind = "code" // a listing
	BlockText BlockKind = "text" // text without markup, with its own line breaks
)

// HeadingBlock returns the kind of a heading with a level from 1 to 6. The text of such a block begins with as many
// number signs as its level.
func HeadingBlock(level int) BlockKind {
	return "h" + BlockKind('0'+rune(min(max(level, 1), 6)))
}

// Level returns the level of a heading, 1 to 6, and 0 for any other kind.
func (k BlockKind) Level() int {
	if len(k) == 2 && k[0] == 'h' && k[1] >= '1' && k[1] <= '6' {
		return int(k[1] - '0')
	}
	return 0
}

// Known reports whether k is one of the known kinds.
func (k BlockKind) Known() bool {
	switch k {
	case BlockTerm, BlockItem, BlockHead, BlockRows, BlockCode, BlockText:
		return true
	}
	return k.Level() > 0
}
