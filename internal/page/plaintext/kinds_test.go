package plaintext

import (
	"fmt"
	"strings"
	"testing"

	"legwork/internal/research"
)

// told returns the kinds and texts of the blocks of a page, one block per line.
func told(p research.Page) string {
	runes := []rune(p.Text)
	var out []string
	for _, b := range p.Blocks {
		out = append(out, fmt.Sprintf("%s %q", b.Kind, string(runes[b.Start:b.End])))
	}
	return strings.Join(out, "\n")
}

func TestKindsOfBlocks(t *testing.T) {
	t.Parallel()
	p := Build("", "", []Block{
		{Kind: Heading, Level: 1, Text: "Größe"}, {Text: "Prose – of two\nlines."}, {Kind: Code, Text: "  a\n\n# b\n| c |"},
		{Kind: Row, Text: "| Name | Fare |"}, {Kind: Row, Text: "| Nord | 4 € |", Above: "Name | Fare", Tight: true}, {Kind: Row, Text: "| Süd | 5 € |", Above: "Name | Fare", Tight: true},
		{Kind: Row, Text: "| another | table |"}, {Kind: Item, Text: "- one"}, {Kind: Item, Text: "- two", Tight: true},
		{Kind: Term, Text: "lid"}, {Text: "Closes.", Indent: 1}, {Kind: Code, Text: "x\ny", Indent: 1}, {Kind: Heading, Level: 6, Text: "Last"},
	})
	want := strings.Join([]string{`h1 "# Größe"`, `code "a\n\n# b\n| c |"`, `head "| Name | Fare |"`, `rows "| Nord | 4 € |\n| Süd | 5 € |"`, `rows "| another | table |"`,
		`item "- one"`, `item "- two"`, `term "lid"`, `code "x\n y"`, `h6 "###### Last"`}, "\n")
	if got := told(p); got != want {
		t.Errorf("got\n%s\nwant\n%s\nin\n%s", got, want, p.Text)
	}
	if p := Build("", "", []Block{{Text: "Only prose."}}); p.Blocks == nil || len(p.Blocks) != 0 {
		t.Errorf("a page of paragraphs has blocks %#v, want none, and not nil", p.Blocks)
	}
	many := make([]Block, maxKinds+1)
	for i := range many {
		many[i] = Block{Kind: Item, Text: "- x", Tight: true}
	}
	if p := Build("", "", many); p.Blocks != nil {
		t.Errorf("%d blocks are kept", len(p.Blocks))
	}
	if p := Build("", "", many[1:]); len(p.Blocks) != maxKinds {
		t.Errorf("%d blocks are kept of %d", len(p.Blocks), maxKinds)
	}
}

// TestShorten: a shortened page has the beginning of the text, and the passages and blocks of this beginning.
func TestShorten(t *testing.T) {
	t.Parallel()
	blocks := []Block{{Kind: Heading, Level: 1, Text: "Größen"}}
	for i := range 300 {
		blocks = append(blocks, Block{Text: fmt.Sprintf("Absatz %d hat genügend Wörter, um eine Stelle zu füllen.", i)}, Block{Kind: Code, Text: fmt.Sprintf("mach --größe=%d", i)})
	}
	whole := Build("T", "de", blocks)
	for n := 1; n < len(whole.Text); n += 37 {
		p := Shorten(whole, n)
		if !strings.HasPrefix(whole.Text, p.Text) || len(p.Text) > n || p.ID != textID(p.Text) || p.Title != "T" {
			t.Fatalf("%d bytes: %q", n, p.Text)
		}
		end := len([]rune(p.Text))
		for i, ps := range p.Passages {
			if ps.Start != whole.Passages[i].Start || ps.Start >= ps.End || ps.End > end {
				t.Fatalf("%d bytes: passage %+v of %d characters", n, ps, end)
			}
		}
		for i, b := range p.Blocks {
			if b.Start != whole.Blocks[i].Start || b.Start >= b.End || b.End > end {
				t.Fatalf("%d bytes: block %+v of %d characters", n, b, end)
			}
		}
		if len(p.Blocks) < len(whole.Blocks) && whole.Blocks[len(p.Blocks)].Start < end {
			t.Fatalf("%d bytes: a block before the cut is gone", n)
		}
	}
	if p := Shorten(whole, len(whole.Text)); p.ID != whole.ID {
		t.Error("a page that is short enough was changed")
	}
}
