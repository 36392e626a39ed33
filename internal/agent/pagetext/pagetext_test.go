package pagetext

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"legwork/internal/agent/quotes"
	"legwork/internal/research"
)

// book returns a page with chapters and sections, each of which has paragraphs, and a listing in the second.
func book(chapters, paragraphs int) research.Page {
	var b strings.Builder
	p := research.Page{}
	runes := 0
	add := func(kind research.BlockKind, text string) {
		if kind != "" {
			p.Blocks = append(p.Blocks, research.Block{Kind: kind, Start: runes, End: runes + utf8.RuneCountInString(text)})
		}
		b.WriteString(text + "\n\n")
		runes += utf8.RuneCountInString(text) + 2
	}
	add("h1", "# Böök")
	for c := 1; c <= chapters; c++ {
		add("h2", fmt.Sprintf("## Chapter %d", c))
		for i := range paragraphs {
			if i == 3 {
				add("h3", fmt.Sprintf("### Details of %d", c))
			}
			add("", fmt.Sprintf("Paragraph %d of chapter %d says with many words what it has to say, and then ends here.", i, c))
		}
	}
	p.Text = b.String()
	return p
}

// TestChunks: chunks have no gaps, are not too long, and begin with a heading or a paragraph.
func TestChunks(t *testing.T) {
	t.Parallel()
	p := book(9, 30)
	d := New(p)
	require.Greater(t, d.Chunks(), 4)
	at := 0
	for n := 1; n <= d.Chunks(); n++ {
		c := d.Chunk(n)
		require.Equal(t, at, c.Start)
		require.LessOrEqual(t, c.End-c.Start, ChunkSize)
		text := d.Slice(c.Start, c.End)
		require.True(t, strings.HasPrefix(text, "#") || strings.HasPrefix(text, "Paragraph"), text[:20])
		require.Equal(t, n, d.ChunkAt(c.Start))
		require.Equal(t, n, d.ChunkAt(c.End-1))
		at = c.End
	}
	require.Equal(t, d.Len(), at)
	whole := New(research.Page{Text: strings.Repeat("x", ChunkSize)})
	require.Equal(t, 1, whole.Chunks())
	require.Equal(t, 1, New(research.Page{}).Chunks())
	require.Equal(t, 2, New(research.Page{Text: strings.Repeat("x", ChunkSize+1)}).Chunks(), "a text without blocks, lines and words")
}

// TestChunksKeepListings: a chunk does not end inside a listing if it can end before it.
func TestChunksKeepListings(t *testing.T) {
	t.Parallel()
	intro, code := strings.Repeat("Words of the introduction. ", 150), strings.Repeat("a line of code\n\n", 150)
	text := intro + "\n\n" + code
	n := utf8.RuneCountInString(intro) + 2
	d := New(research.Page{Text: text, Blocks: []research.Block{{Kind: research.BlockCode, Start: n, End: utf8.RuneCountInString(text)}}})
	require.Equal(t, n, d.Chunk(1).End)
}

func TestOutline(t *testing.T) {
	t.Parallel()
	d := New(book(9, 30))
	url := "https://a.example/book.html"
	out := d.Outline(url, []research.Link{{URL: url, Frag: "ch-2", Text: "Chapter 2"}, {URL: "https://a.example/other.html", Frag: "no", Text: "Chapter 3"}})
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 19)
	require.Equal(t, "1 Böök", lines[0])
	require.Regexp(t, `^\d  Chapter 2 #ch-2$`, lines[3])
	require.Regexp(t, `^\d  Chapter 3$`, lines[5])
	at, ok := d.Fragment(url, "ch-2", []research.Link{{URL: url, Frag: "ch-2", Text: "Chapter 2"}})
	require.True(t, ok)
	require.True(t, strings.HasPrefix(d.Slice(at, d.From(at).End), "## Chapter 2"))
	_, ok = d.Fragment(url, "details-of-4", nil)
	require.True(t, ok, "a heading with the words of the fragment")
	_, ok = d.Fragment(url, "no", nil)
	require.False(t, ok)

	for _, chapters := range []int{1, 20, 59, 61, 500} {
		lines := strings.Count(New(book(chapters, 4)).Outline(url, nil), "\n")
		require.LessOrEqual(t, lines, maxOutline+1)
		require.GreaterOrEqual(t, lines, min(2*chapters+1, leastOutline))
	}
	require.Empty(t, New(research.Page{Text: "Short."}).Outline(url, nil))
}

// TestPath: a position in a definition is under its term.
func TestPath(t *testing.T) {
	t.Parallel()
	text := "## Settings\n\nmax_slots (integer)\n\n The default is 10.\n\n It needs a start.\n\nAfter the list.\n\n## Others\n\n No term."
	d := New(research.Page{Text: text, Blocks: []research.Block{{Kind: "h2", Start: 0, End: 11}, {Kind: research.BlockTerm, Start: 13, End: 32}, {Kind: "h2", Start: strings.Index(text, "## Others"), End: strings.Index(text, "## Others") + 9}}})
	for words, want := range map[string]string{"max_slots": "Settings › max_slots (integer)", "default": "Settings › max_slots (integer)", "a start": "Settings › max_slots (integer)",
		"After": "Settings", "No term": "Others", "## Settings": "Settings"} {
		require.Equal(t, want, d.Path(strings.Index(text, words)), words)
	}
}

// TestShown: the targets of links stand behind their texts, relative to the page, and without them the text is that of the
// page.
func TestShown(t *testing.T) {
	t.Parallel()
	text := "See Locks and Lockssmiths for more. The List of Locks is at Other.\n\nNext"
	d := New(research.Page{Text: text})
	url := "https://a.example/doc/index.html"
	links := []research.Link{{URL: url, Text: "See"}, {URL: "https://a.example/doc/locks.html", Frag: "x", Text: "Locks"}, {URL: "https://a.example/list", Text: "List of Locks"},
		{URL: "https://b.example/o", Text: "Other"}, {URL: "https://a.example/zzz", Text: "Not there"}}
	shown, more := d.Shown(quotes.Span{End: d.Len()}, url, links, nil)
	require.Zero(t, more)
	require.Equal(t, "See Locks ⟨locks.html#x⟩ and Lockssmiths for more. The List of Locks ⟨/list⟩ is at Other ⟨https://b.example/o⟩.\n\nNext", shown)
	f, ok := quotes.NewText(text).Find("See Locks ⟨locks.html#x⟩ and Lockssmiths for more.")
	require.True(t, ok, "a quote with targets is found")
	require.Equal(t, "See Locks and Lockssmiths for more.", text[f.Start:f.End])
}

// TestShownBounds: of many links, only those that fit have their targets in line.
func TestShownBounds(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	var links []research.Link
	for i := range 100 {
		fmt.Fprintf(&text, "The page%d is here.\n", i)
		links = append(links, research.Link{URL: fmt.Sprintf("https://a.example/%d", i), Text: fmt.Sprintf("page%d", i)})
	}
	d := New(research.Page{Text: text.String()})
	shown, more := d.Shown(quotes.Span{End: d.Len()}, "https://a.example/", links, func(l research.Link) bool { return l.Text == "page90" })
	require.Equal(t, 99, more)
	require.Equal(t, 1, strings.Count(shown, "⟨"))
	require.Contains(t, shown, "page90 ⟨90⟩")
}

// FuzzDoc: for any text, blocks and links, the chunks make up the text, and the shown text without targets is the text.
func FuzzDoc(f *testing.F) {
	f.Add("# A\n\nb c", "b", 0, 3, 5)
	f.Add(strings.Repeat("wörd ", 3000), "wörd", 3, 9, 7000)
	f.Fuzz(func(t *testing.T, text, link string, start, end, at int) {
		if !utf8.ValidString(text) || len(text) > 64<<10 || strings.ContainsAny(text, "⟨⟩") {
			return
		}
		d := New(research.Page{Text: text, Blocks: []research.Block{{Kind: "h2", Start: start, End: end}, {Kind: research.BlockCode, Start: end, End: end + 10}}})
		var b strings.Builder
		for n := 1; n <= d.Chunks(); n++ {
			c := d.Chunk(n)
			require.LessOrEqual(t, c.End-c.Start, ChunkSize)
			shown, _ := d.Shown(c, "https://a.example/", []research.Link{{URL: "https://a.example/x", Text: link}}, nil)
			b.WriteString(strings.ReplaceAll(shown, " ⟨x⟩", ""))
		}
		require.Equal(t, text, b.String())
		_ = d.Outline("https://a.example/", nil)
		if _, ok := d.Fragment("https://a.example/", link, nil); ok {
			require.NotEmpty(t, link)
		}
		if 0 <= at && at < d.Len() {
			s := d.From(at)
			require.True(t, slices.IsSorted([]int{0, s.Start, s.End, d.Len()}))
		}
	})
}
