package exhibit_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"

	"legwork/internal/exhibit"
	"legwork/internal/research"
)

// part is a piece of a test page: a block, or a paragraph if kind is empty.
type part struct {
	kind   research.BlockKind
	before string // white space before the text
	text   string
}

// assemble returns the text and the blocks of a page with the given parts.
func assemble(parts ...part) (string, []research.Block) {
	var text strings.Builder
	at, blocks := 0, []research.Block{}
	for _, p := range parts {
		text.WriteString(p.before + p.text)
		at += utf8.RuneCountInString(p.before)
		end := at + utf8.RuneCountInString(p.text)
		if p.kind != "" {
			blocks = append(blocks, research.Block{Kind: p.kind, Start: at, End: end})
		}
		at = end
	}
	return text.String(), blocks
}

func page(t *testing.T, text string, blocks []research.Block, quotes ...exhibit.Quote) *html.Node {
	t.Helper()
	out, err := exhibit.HTML(exhibit.Page{Title: "A page", URL: "https://example.org/a", ReadAt: time.Unix(1_770_000_000, 0), Text: text, Blocks: blocks, Quotes: quotes})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// inner returns the HTML inside an element, without the attributes and white space that do not matter for the tests.
func inner(t *testing.T, n *html.Node) string {
	t.Helper()
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if err := html.Render(&b, c); err != nil {
			t.Fatal(err)
		}
	}
	return strings.TrimSpace(strings.NewReplacer("<br/>", "<br>", "<code>", "", "</code>", "", "<tbody>", "", "</tbody>", "", `<div class="wide">`, "", "</div>", "").Replace(b.String()))
}

// TestBlocks: each block is shown according to its kind, whatever its text looks like.
func TestBlocks(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		parts []part
		want  string
	}{
		"a listing with a comment that looks like a heading": {
			[]part{{"h1", "", "# Set up"}, {"", "\n\n", "Run this:"}, {"code", "\n\n", "make\n\n# then\n\n  ./run --all\n| a | b |"}, {"", "\n\n", "Done."}},
			"<h2>Set up</h2><p>Run this:</p><pre>make\n\n# then\n\n  ./run --all\n| a | b |</pre><p>Done.</p>"},
		"a paragraph that looks like a heading, an item and a row": {
			[]part{{"", "", "# 1 in the charts"}, {"", "\n\n", "- 5 degrees"}, {"", "\n\n", "| x |\n| y |"}, {"", "\n\n", "```"}},
			"<p># 1 in the charts</p><p>- 5 degrees</p><p>| x |<br>| y |</p><p>```</p>"},
		"a table with heads": {
			[]part{{"head", "", "| Name | Fare |"}, {"rows", "\n", "| North | 4 |\n| South | |"}},
			"<table><thead><tr><th>Name</th><th>Fare</th></tr></thead><tr><td>North</td><td>4</td></tr><tr><td>South</td><td></td></tr></table>"},
		"a table of one row": {[]part{{"rows", "", "| a | b |"}}, "<table><tr><td>a</td><td>b</td></tr></table>"},
		"lists in lists": {
			[]part{{"item", "", "- one\n  more"}, {"item", "\n  ", "3. three"}, {"item", "\n  ", "4. four"}, {"", "\n\n     ", "about four"}, {"item", "\n", "- two"}, {"", "\n\n", "After."}},
			`<ul><li>one<br>more<ul class="numbered"><li>3. three</li><li>4. four<p>about four</p></li></ul></li><li>two</li></ul><p>After.</p>`},
		"letters and numbers": {
			[]part{{"item", "", "b. bee"}, {"item", "\n", "c. sea"}, {"item", "\n\n", "2. two"}, {"item", "\n", "-1. less"}},
			`<ul class="numbered"><li>b. bee</li><li>c. sea</li><li>2. two</li><li>-1. less</li></ul>`},
		"terms and definitions": {
			[]part{{"term", "", "lid\ncover"}, {"", "\n\n ", "Closes it."}, {"code", "\n\n ", "lid --close\n   --now"}, {"term", "\n\n ", "inner"}, {"", "\n\n  ", "Deep."}, {"term", "\n\n", "pot"}, {"item", "\n\n ", "- holds"}, {"", "\n\n", "End."}},
			"<dl><dt>lid<br>cover</dt><dd><p>Closes it.</p><pre>lid --close\n  --now</pre><dl><dt>inner</dt><dd><p>Deep.</p></dd></dl></dd><dt>pot</dt><dd><ul><li>holds</li></ul></dd></dl><p>End.</p>"},
		"plain text": {[]part{{"text", "", "TITLE\n=====\n\n  # not a heading\n\n- x"}}, `<pre class="plain">TITLE` + "\n=====\n\n  # not a heading\n\n- x</pre>"},
		"no blocks":  {[]part{{"", "", "One."}, {"", "\n\n\n", "Two\nlines."}}, "<p>One.</p><p>Two<br>lines.</p>"},
	} {
		text, blocks := assemble(tt.parts...)
		if got := inner(t, element(page(t, text, blocks), "main")); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, tt.want)
		}
	}
}

// TestExcerptsAreShownAsTheyStand: in the list of citations, code is shown as code and table rows as table rows, and
// only the cited text is shown.
func TestExcerptsAreShownAsTheyStand(t *testing.T) {
	t.Parallel()
	text, blocks := assemble(part{"h2", "", "## Ports"}, part{"", "\n\n", "Before. Cited words. After."}, part{"code", "\n\n", "# listen\nport = 80\n"},
		part{"head", "\n", "| Name | Port |"}, part{"rows", "\n", "| web | 80 |\n| mail | 25 |"})
	for excerpt, want := range map[string]string{
		"Cited words.":                  "<p>Cited words.</p>",
		"port = 80":                     "<pre>port = 80</pre>",
		"web | 80 |\n| mail":            "<table><tr><td>web</td><td>80</td></tr><tr><td>mail</td><td></td></tr></table>",
		"| Name | Port |\n| web | 80 |": "<table><thead><tr><th>Name</th><th>Port</th></tr></thead><tr><td>web</td><td>80</td></tr></table>",
		"Ports\n\nBefore.":              "<p><strong>Ports</strong></p><p>Before.</p>",
	} {
		doc := page(t, text, blocks, find(t, 1, text, excerpt))
		var got string
		walk(element(doc, "nav"), func(n *html.Node) {
			if attr(n, "class") == "excerpt" {
				got = inner(t, n)
			}
		})
		if got != want {
			t.Errorf("%q:\n%s\nwant\n%s", excerpt, got, want)
		}
		if text, ids := marked(doc, 1); bare(text) != bare(excerpt) || ids != 1 {
			t.Errorf("%q: marked %q (%d ids)", excerpt, text, ids)
		}
	}
}

// TestBlocksThatDoNotFit: the blocks are not used if one of them is out of order, beyond the end of the text or of an
// unknown kind.
func TestBlocksThatDoNotFit(t *testing.T) {
	t.Parallel()
	const text = "# Kettles\n\nDescale them."
	for _, blocks := range [][]research.Block{
		nil, {{Kind: "h1", Start: 0, End: 90}}, {{Kind: "h1", Start: -1, End: 9}}, {{Kind: "h9", Start: 0, End: 9}}, {{Kind: "code", Start: 9, End: 9}},
		{{Kind: "code", Start: 11, End: 14}, {Kind: "h1", Start: 0, End: 9}},
	} {
		if got := inner(t, element(page(t, text, blocks), "main")); got != "<h2>Kettles</h2><p>Descale them.</p>" {
			t.Errorf("%v: %s", blocks, got)
		}
	}
}

// TestMarksInAnyBlocks checks, for random texts and blocks, that the page shows all of the text, that the marks cover
// the quote, and that function harmless finds no tag or attribute that does not belong there.
func TestMarksInAnyBlocks(t *testing.T) {
	t.Parallel()
	kinds := []research.BlockKind{"h1", "h4", "term", "item", "head", "rows", "code", "text"}
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 11))
		var b strings.Builder
		for range 1 + r.IntN(40) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		text := b.String()
		n := len([]rune(text))
		blocks := []research.Block{}
		for at := r.IntN(4); at < n; {
			end := at + 1 + r.IntN(n-at)/(1+r.IntN(8))
			blocks = append(blocks, research.Block{Kind: kinds[r.IntN(len(kinds))], Start: at, End: end})
			at = end + r.IntN(6)
		}
		start := r.IntN(n)
		q := quote(1, text, start, start+1+r.IntN(n-start))
		doc := page(t, text, blocks, q)
		if got, want := bare(textOf(element(doc, "main"))), bare(text); got != want {
			t.Errorf("the page says %q, the snapshot %q", got, want)
		}
		if got, ids := marked(doc, 1); bare(got) != bare(q.Text) || ids > 1 {
			t.Errorf("marked %q (%d ids), want %q", got, ids, q.Text)
		}
		harmless(t, doc)
		if t.Failed() {
			t.Fatalf("seed %d: %q %v", seed, text, blocks)
		}
	}
}

// TestManyBlocks: a page with very many blocks, and a page with very deeply nested lists, are rendered in little time.
func TestManyBlocks(t *testing.T) {
	t.Parallel()
	flat, deep := make([]part, 20_000), make([]part, 2_000)
	for i := range flat {
		flat[i] = part{"item", "\n", fmt.Sprintf("%d. item", i)}
	}
	for i := range deep {
		deep[i] = part{"item", "\n" + strings.Repeat(" ", i), "- x"}
	}
	for _, parts := range [][]part{flat, deep} {
		text, blocks := assemble(parts...)
		began := time.Now()
		page(t, text, blocks, quote(1, text, 0, len(text)))
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%d blocks: %s", len(blocks), took)
		}
	}
}
