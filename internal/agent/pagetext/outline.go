package pagetext

import (
	"fmt"
	"strings"

	"legwork/internal/agent/quotes"
	"legwork/internal/research"
)

// Bounds of an outline.
const (
	maxOutline    = 60 // lines
	leastOutline  = 8  // lines; if there are fewer, headings of the next rank are listed too
	maxHeadLength = 60 // code points of a heading
)

// Outline lists the headings of a text, each with the number of its chunk, and with its fragment if a link of the page
// names it. If there are too many headings, those of the lowest ranks are left out, and then some of the others at equal
// distances. It is empty if there are fewer than two headings. links are the links of the page at the address url.
func (d *Doc) Outline(url string, links []research.Link) string {
	if len(d.heads) < 2 {
		return ""
	}
	rank := 6
	for ; rank > 1 && d.upTo(rank) > maxOutline; rank-- {
	}
	if rank < 6 && d.upTo(rank) < leastOutline {
		rank++
	}
	every := (d.upTo(rank) + maxOutline - 1) / maxOutline
	fragments := fragmentsOf(url, links)
	var b strings.Builder
	n := 0
	for _, h := range d.heads {
		if h.level > rank || h.text == "" {
			continue
		}
		if n++; (n-1)%every != 0 {
			continue
		}
		fmt.Fprintf(&b, "%d%s %s", d.ChunkAt(h.span.Start), strings.Repeat(" ", h.level-1), research.Truncate(strings.Join(strings.Fields(h.text), " "), maxHeadLength))
		if f := fragments[headKey(h.text)]; f != "" {
			b.WriteString(" #" + f)
		}
		b.WriteByte('\n')
	}
	if every > 1 {
		fmt.Fprintf(&b, "(every %d. of %d headings)\n", every, n)
	}
	return b.String()
}

// upTo counts the headings of the ranks 1 to level.
func (d *Doc) upTo(level int) int {
	n := 0
	for _, h := range d.heads {
		if h.level <= level {
			n++
		}
	}
	return n
}

// Fragment returns where the part of the text begins that a fragment names. It is known if a link of the page has the
// fragment, and its text is that of a heading. If there is no such link, a heading with the words of the fragment counts.
func (d *Doc) Fragment(url, fragment string, links []research.Link) (at int, ok bool) {
	if fragment == "" {
		return 0, false
	}
	fragments := fragmentsOf(url, links)
	for _, h := range d.heads {
		if fragments[headKey(h.text)] == fragment {
			return h.span.Start, true
		}
	}
	words := strings.Join(strings.FieldsFunc(headKey(fragment), func(r rune) bool { return r == '-' || r == '_' || r == ' ' || r == '.' }), " ")
	for _, h := range d.heads {
		if headKey(strings.Map(func(r rune) rune {
			if r == '-' || r == '_' || r == '.' {
				return ' '
			}
			return r
		}, h.text)) == words {
			return h.span.Start, true
		}
	}
	return 0, false
}

// From returns the part of the text that begins at a position and is at most a chunk long.
func (d *Doc) From(at int) quotes.Span {
	end := min(d.Len(), at+ChunkSize/2)
	if c := d.Chunk(d.ChunkAt(at)); c.End > at+ChunkSize/4 && c.End < end {
		end = c.End
	}
	return quotes.Span{Start: at, End: end}
}

// fragmentsOf returns the fragments that links of a page to itself name, by the text of the link.
func fragmentsOf(url string, links []research.Link) map[string]string {
	out := map[string]string{}
	for _, l := range links {
		if key := headKey(l.Text); l.URL == url && l.Frag != "" && key != "" && out[key] == "" {
			out[key] = l.Frag
		}
	}
	return out
}

func headKey(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }
