package research

import "unicode/utf8"

// Cutter cuts pieces out of a text by their positions in code points, from its beginning to its end. So cutting a text
// into many pieces takes time linear in its length.
type Cutter struct {
	text           string
	atByte, atRune int // the position up to which the text was read
}

// Cut returns the text from start to end. start must not be less than the end of the piece before. Otherwise, or if the
// text is shorter, Cut returns false.
func (c *Cutter) Cut(start, end int) (string, bool) {
	if start > end || !c.seek(start) {
		return "", false
	}
	from := c.atByte
	if !c.seek(end) {
		return "", false
	}
	return c.text[from:c.atByte], true
}

// NewCutter returns a Cutter of a text.
func NewCutter(text string) *Cutter { return &Cutter{text: text} }

// seek reads on to a position in code points. It returns false if the position was already passed or is behind the end.
func (c *Cutter) seek(pos int) bool {
	for c.atRune < pos && c.atByte < len(c.text) {
		_, n := utf8.DecodeRuneInString(c.text[c.atByte:])
		c.atByte, c.atRune = c.atByte+n, c.atRune+1
	}
	return c.atRune == pos
}
