package plaintext

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"legwork/internal/research"
)

// Kind is what a block of a page is.
type Kind int

// Kinds of blocks.
const (
	Paragraph Kind = iota
	Heading
	Term // of a definition list: a line that names what the indented blocks below it are about
	Item // of a list, without the blocks that follow its first; its text begins with its marker
	Row  // of a table: cells between bars
	Code // a listing, as it stands
)

// Block is a block of text as a reader of HTML finds it. What it is stands beside the text and not in it.
type Block struct {
	Kind   Kind
	Text   string // clean, without white space around it
	Indent int    // spaces before each line
	Level  int    // of a heading, 1 to 6
	Above  string // for a row: the table's caption and the heads of its columns, where the row is not itself one of them
	Tight  bool   // no empty line before it
}

// Build writes blocks as the text of a page, and cuts it into passages by what the blocks are.
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
	if clean := Clean(text); clean != text { // what two blocks make together: rare, and then read as any text
		return NewPage(title, language, clean)
	}
	return research.Page{ID: textID(text), Title: title, Language: language, Text: text, Passages: passages(text, spans, MaxPassages)}
}

func textID(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// writeIndented writes text with spaces before every line that is not empty.
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
