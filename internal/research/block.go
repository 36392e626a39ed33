package research

// Block is a part of a page's text that is not an ordinary paragraph. What stands between the blocks of a page is paragraphs, with
// blank lines between them. The kind is stored because the text does not tell it: a line that begins with a number sign is a heading
// or a comment in a listing.
type Block struct {
	Kind       BlockKind
	Start, End int // code points into Page.Text, End exclusive; the white space around the block is left out
}

// BlockKind is what a block is: one of the constants, or a heading's level ("h1" to "h6").
type BlockKind string

// Kinds of blocks.
const (
	BlockTerm BlockKind = "term" // of a definition list; its definition is indented below it
	BlockItem BlockKind = "item" // of a list, with its marker: "- ", "3. " or "b. "
	BlockHead BlockKind = "head" // the rows of a table that name its columns; a row is a line with bars around its cells
	BlockRows BlockKind = "rows" // the other rows of a table
	BlockCode BlockKind = "code" // a listing
	BlockText BlockKind = "text" // plain text in the lines of its author, from a document without markup
)

// HeadingBlock is the kind of a heading: a line that begins with as many number signs as its level says, 1 to 6.
func HeadingBlock(level int) BlockKind {
	return "h" + BlockKind('0'+rune(min(max(level, 1), 6)))
}

// Level is the level of a heading, 1 to 6; 0: the block is no heading.
func (k BlockKind) Level() int {
	if len(k) == 2 && k[0] == 'h' && k[1] >= '1' && k[1] <= '6' {
		return int(k[1] - '0')
	}
	return 0
}

// Known reports whether k is one of the kinds.
func (k BlockKind) Known() bool {
	switch k {
	case BlockTerm, BlockItem, BlockHead, BlockRows, BlockCode, BlockText:
		return true
	}
	return k.Level() > 0
}
