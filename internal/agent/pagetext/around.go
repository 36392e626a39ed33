package pagetext

import (
	"fmt"
	"sort"
	"strings"
	"unicode"

	"legwork/internal/agent/quotes"
	"legwork/internal/research"
)

// Path returns the headings above a position, outermost first, and the term whose definition the position is in, joined
// with " › ". It is empty if there are none.
func (d *Doc) Path(at int) string {
	path := d.HeadingPath(at)
	i := sort.Search(len(d.terms), func(i int) bool { return d.terms[i].span.Start > at }) - 1
	if i < 0 {
		return path
	}
	term := d.terms[i]
	if h := sort.Search(len(d.heads), func(h int) bool { return d.heads[h].span.Start > at }) - 1; h >= 0 && d.heads[h].span.Start > term.span.Start {
		return path
	}
	if before := d.Slice(term.span.End, max(at, term.span.End)); at >= term.span.End {
		line := before[strings.LastIndexByte(before, '\n')+1:] + d.Slice(at, min(at+1, d.Len()))
		if !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t") { // the lines of a definition are indented
			return path
		}
	}
	if path != "" {
		path += " › "
	}
	return path + research.Truncate(term.text, maxHeadLength)
}

// around is how many code points Before and After return at most.
const around = 160

// Before returns the words before a position in its paragraph, from the beginning of a sentence if there is one.
func (d *Doc) Before(at int) string {
	from := max(0, at-around)
	text := d.Slice(from, at)
	if i := strings.LastIndex(text, "\n\n"); i >= 0 {
		text = text[i:]
	} else if from > 0 {
		if i := strings.Index(text, ". "); i >= 0 {
			text = text[i+2:]
		} else if i := strings.IndexFunc(text, unicode.IsSpace); i >= 0 {
			text = "… " + text[i:]
		}
	}
	return plainLine(text)
}

// After returns the words after a position in its paragraph, up to the end of a sentence if there is one.
func (d *Doc) After(at int) string {
	to := min(d.Len(), at+around)
	text := d.Slice(at, to)
	if i := strings.Index(text, "\n\n"); i >= 0 {
		text = text[:i]
	} else if to < d.Len() {
		if i := strings.LastIndex(text, ". "); i >= 0 {
			text = text[:i+1]
		} else if i := strings.LastIndexFunc(text, unicode.IsSpace); i >= 0 {
			text = text[:i] + " …"
		}
	}
	return plainLine(text)
}

// plainLine returns a text on one line. It is empty if the text has no words.
func plainLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
		return ""
	}
	return text
}

// Seen are the parts of pages that were shown, by page id, without overlap and in order.
type Seen map[string][]quotes.Span

// Add adds a part. It reports whether some of it was not there before.
func (s Seen) Add(pageID string, part quotes.Span) (fresh bool) {
	if part.Start >= part.End {
		return false
	}
	var out []quotes.Span
	merged := part
	for _, o := range s[pageID] {
		switch {
		case o.Start <= part.Start && part.End <= o.End:
			return false
		case o.End < merged.Start:
			out = append(out, o)
		case merged.End < o.Start:
			out, merged = append(out, merged), o
		default:
			merged = quotes.Span{Start: min(o.Start, merged.Start), End: max(o.End, merged.End)}
		}
	}
	s[pageID] = append(out, merged)
	return true
}

// Under returns a line with the headings above a place, and an empty line. It returns an empty text if there are none.
func (d *Doc) Under(at int) string {
	if path := d.Path(at); path != "" {
		return "Under: " + path + "\n\n"
	}
	return ""
}

// Head returns the line above a passage in a list of passages: its headings and its chunk, in parentheses.
func (d *Doc) Head(at int, headings string) string {
	if headings != "" {
		return fmt.Sprintf("(%s, chunk %d)", headings, d.ChunkAt(at))
	}
	return fmt.Sprintf("(chunk %d)", d.ChunkAt(at))
}

// maxPlaces is the greatest number of lines of Places.
const maxPlaces = 8

// Places lists under which headings spans begin, and in which chunk, one line for each different path of headings. A line
// begins with the number of its span, from 1. Spans without headings are left out.
func (d *Doc) Places(spans []quotes.Span) string {
	var b strings.Builder
	seen := map[string]bool{}
	for i, s := range spans {
		path := d.Path(s.Start)
		if path == "" || seen[path] || len(seen) == maxPlaces {
			continue
		}
		seen[path] = true
		fmt.Fprintf(&b, "%d. %s (chunk %d)\n", i+1, path, d.ChunkAt(s.Start))
	}
	return strings.TrimSpace(b.String())
}
