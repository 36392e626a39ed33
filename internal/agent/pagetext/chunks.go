package pagetext

import (
	"sort"
	"strings"
	"unicode/utf8"

	"legwork/internal/agent/quotes"
	"legwork/internal/research"
)

// ChunkSize is the greatest length of a chunk. A text that is not longer has one chunk.
const ChunkSize = 6000

// Doc is the text of a snapshot. It is not safe for concurrent use.
type Doc struct {
	*quotes.Text
	heads  []head
	terms  []head // terms of definition lists, with level 7
	chunks []quotes.Span
	placed map[string][]target // positions of links in the text, by the address of the page
}

// head is a heading with its place in the text.
type head struct {
	span  quotes.Span
	level int
	text  string
}

// New prepares the text of a page. Blocks whose place is not inside the text are ignored.
func New(p research.Page) *Doc {
	d := &Doc{Text: quotes.NewText(p.Text), placed: map[string][]target{}}
	solid := []quotes.Span{} // listings and tables, which are not cut if that can be avoided
	for _, b := range p.Blocks {
		s := quotes.Span{Start: b.Start, End: b.End}
		if s.Start < 0 || s.Start > s.End || s.End > d.Len() {
			continue
		}
		switch level := b.Kind.Level(); {
		case level > 0:
			d.SetHeading(level, s)
			d.heads = append(d.heads, head{s, level, strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(d.Slice(s.Start, s.End)), "#"))})
		case b.Kind == research.BlockTerm:
			d.terms = append(d.terms, head{s, 7, strings.Join(strings.Fields(d.Slice(s.Start, s.End)), " ")})
		case b.Kind == research.BlockCode || b.Kind == research.BlockHead || b.Kind == research.BlockRows:
			solid = append(solid, s)
		}
	}
	d.chunks = d.cut([]rune(p.Text), solid)
	return d
}

// cut divides a text into chunks without gaps. A chunk ends before a heading if one is in its second half, or else
// between two blocks, between two lines, or between two words.
func (d *Doc) cut(text []rune, solid []quotes.Span) []quotes.Span {
	out := []quotes.Span{}
	for start := 0; start < len(text); {
		end := len(text)
		if end-start > ChunkSize {
			end = d.endOf(text, solid, start)
		}
		out = append(out, quotes.Span{Start: start, End: end})
		start = end
	}
	if len(out) == 0 {
		return []quotes.Span{{}}
	}
	return out
}

// endOf returns the end of the chunk that begins at start.
func (d *Doc) endOf(text []rune, solid []quotes.Span, start int) int {
	least, most := start+ChunkSize/2, start+ChunkSize
	best := -1 // the last of the headings with the highest rank
	for i := sort.Search(len(d.heads), func(i int) bool { return d.heads[i].span.Start >= least }); i < len(d.heads) && d.heads[i].span.Start <= most; i++ {
		if best < 0 || d.heads[i].level <= d.heads[best].level {
			best = i
		}
	}
	if best >= 0 {
		return d.heads[best].span.Start
	}
	inside := func(i int) bool {
		k := sort.Search(len(solid), func(k int) bool { return solid[k].End > i })
		return k < len(solid) && solid[k].Start < i
	}
	for _, stops := range []func(i int) bool{
		func(i int) bool { return text[i-1] == '\n' && text[i-2] == '\n' && !inside(i) },
		func(i int) bool { return text[i-1] == '\n' && !inside(i) },
		func(i int) bool { return text[i-1] == '\n' },
		func(i int) bool { return text[i-1] == ' ' },
	} {
		for i := most; i > least; i-- {
			if stops(i) {
				return i
			}
		}
	}
	return most
}

// Chunks returns the number of chunks, at least 1.
func (d *Doc) Chunks() int { return len(d.chunks) }

// Chunk returns the place of a chunk. Chunks are numbered from 1; the number must be in range.
func (d *Doc) Chunk(n int) quotes.Span { return d.chunks[n-1] }

// ChunkAt returns the number of the chunk that a position is in.
func (d *Doc) ChunkAt(at int) int {
	return max(1, sort.Search(len(d.chunks), func(i int) bool { return d.chunks[i].Start > at }))
}

// Beginning returns the first part of the text. The parameter most is its greatest length in code points. It ends like a chunk if possible.
func (d *Doc) Beginning(most int) quotes.Span {
	if d.Len() <= most {
		return quotes.Span{End: d.Len()}
	}
	text := d.Slice(0, most)
	for _, stop := range []string{"\n\n", "\n", ". ", " "} {
		if i := strings.LastIndex(text, stop); i > len(text)/2 {
			return quotes.Span{End: utf8.RuneCountInString(text[:i+len(stop)])}
		}
	}
	return quotes.Span{End: most}
}
