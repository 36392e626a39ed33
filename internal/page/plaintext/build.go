package plaintext

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"legwork/internal/research"
)

// Kind is the kind of a block.
type Kind int

// Kinds of blocks.
const (
	Paragraph Kind = iota
	Heading
	Term // a term of a definition list; the indented blocks after it are its definition
	Item // the first block of a list item; its text begins with the marker
	Row  // a table row: cells between bars
	Code // a code block, with its lines and spaces
)

// Block is a block of text. Its kind is stored here and not marked in the text.
type Block struct {
	Kind   Kind
	Text   string // clean, without white space around it
	Indent int    // spaces before each line
	Level  int    // level of a heading, 1 to 6
	Above  string // for a table row below the heads: the table's caption and the heads of its columns
	Tight  bool   // no empty line before the block
}

// Build joins blocks to the text of a page, and cuts it into passages by the kinds of the blocks.
func Build(title, language string, blocks []Block) research.Page {
	var b strings.Builder
	spans := make([]blockSpan, 0, len(blocks))
	for _, k := range blocks {
		body := strings.TrimRightFunc(Clean(k.Text), unicode.IsSpace)
		if k.Kind != Code {
			body = strings.TrimSpace(body)
		}
		if body == "" {
			continue
		}
		switch {
		case b.Len() == 0:
		case k.Tight:
			b.WriteByte('\n')
		default:
			b.WriteString("\n\n")
		}
		s := blockSpan{kind: k.Kind, indent: k.Indent, level: k.Level, above: k.Above}
		at := b.Len()
		switch k.Kind {
		case Heading:
			body = strings.Join(strings.Fields(body), " ")
			s.label = body
			b.WriteString(strings.Repeat("#", min(max(k.Level, 1), 6)) + " ")
		case Term:
			s.label = strings.Join(strings.FieldsFunc(body, func(r rune) bool { return r == '\n' }), ", ")
		}
		writeIndented(&b, body, k.Indent)
		s.end = b.Len()
		s.start = at + len(b.String()[at:]) - len(strings.TrimLeftFunc(b.String()[at:], unicode.IsSpace))
		s.runes = utf8.RuneCountInString(b.String()[s.start:s.end])
		spans = append(spans, s)
	}
	text := b.String()
	if clean := Clean(text); clean != text { // joining two blocks may give text that Clean changes; this is rare, so the blocks are then found again from the cleaned text
		return NewPage(title, language, clean)
	}
	return research.Page{ID: textID(text), Title: title, Language: languageOf(language, text), Text: text,
		Passages: passages(text, spans, MaxPassages), Blocks: kinds(text, spans)}
}

func textID(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// writeIndented writes text with indent spaces before each line that is not empty.
func writeIndented(b *strings.Builder, text string, indent int) {
	if indent == 0 {
		b.WriteString(text)
		return
	}
	space := strings.Repeat(" ", indent)
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		if line != "" {
			b.WriteString(space)
			b.WriteString(line)
		}
	}
}
