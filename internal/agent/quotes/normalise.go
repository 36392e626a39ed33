package quotes

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// typography returns the character by which r is replaced before texts are compared, or -1 if r is left out.
func typography(r rune) rune {
	switch r {
	case '“', '”', '„', '‟', '«', '»', '″', '＂':
		return '"'
	case '‘', '’', '‚', '‛', '′', '‹', '›', '´':
		return '\''
	case '‐', '‑', '‒', '–', '—', '―', '−', '⁃', '﹣', '－':
		return '-'
	case '*', '`': // marks of emphasis and code in Markdown
		return -1
	case '|': // separates the cells of a table
		return ' '
	}
	switch {
	case r < 0x80 && r > ' ':
		return r
	case unicode.IsSpace(r):
		return ' '
	case invisible(r):
		return -1
	}
	return r
}

// invisible reports whether a character cannot be seen, such as a soft hyphen, a joiner, a character without width, a
// mark of direction or a variation selector.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

// normalised is a text in the simplified form in which quotes are compared. For each character it has the position in
// the source, in code points.
type normalised struct {
	text       string
	start, end []int32 // for each byte of text, the span of the source from which its character comes
}

// listMark reports whether a character is used in the marks of lists and headings. r must already be the result of
// function typography.
func listMark(r rune) bool { return strings.ContainsRune("-#•‣◦▪●○·", r) }

// markLength returns how many characters at the start of source form a word that consists only of list or heading marks
// ("-", "•", "##"). It returns 0 if there is no such word. Models leave these marks out of quotes. A dash between two
// words counts as a mark too: models also leave it out, and where lines were joined it cannot be distinguished from a
// list mark.
func markLength(source []rune) int {
	n := 0
	for n < len(source) && listMark(typography(source[n])) {
		n++
	}
	if n < len(source) && typography(source[n]) != ' ' {
		return 0
	}
	return n
}

// normalise converts a text to the form for comparison: NFKC with case folding, one space for each run of white space,
// and none at the beginning. Function typography replaces similar characters by one of them, and removes invisible
// characters. Marks of lists and headings (markLength) count as white space. The time is linear in the length of the
// text.
func normalise(source []rune) normalised {
	w := writer{fold: cases.Fold(), atSpace: true}
	w.text.Grow(len(source))
	var kept []rune // characters of the current segment, which may combine with each other
	from := 0
	flush := func(to int) {
		if len(kept) > 0 {
			w.segment(kept, from, to)
			kept = kept[:0]
		}
	}
	end := 0             // position in source after the last character of the segment
	wordMayStart := true // true at the beginning of the text and after white space
	for i := 0; i < len(source); i++ {
		r := typography(source[i])
		if r < 0 {
			continue
		}
		if wordMayStart && listMark(r) {
			if n := markLength(source[i:]); n > 0 {
				i, r = i+n-1, ' '
			}
		}
		wordMayStart = r == ' '
		if len(kept) > 0 && boundaryBefore(r) {
			flush(end)
		}
		if len(kept) == 0 {
			from = i
		}
		kept, end = append(kept, r), i+1
	}
	flush(end)
	return normalised{text: w.text.String(), start: w.start, end: w.end}
}

// boundaryBefore reports whether r cannot combine with the character before it, so that a new segment may begin at r.
func boundaryBefore(r rune) bool {
	if r < 0x80 {
		return true
	}
	var b [utf8.UTFMax]byte
	return norm.NFKC.Properties(b[:utf8.EncodeRune(b[:], r)]).BoundaryBefore()
}

// writer builds a normalised text.
type writer struct {
	text       strings.Builder
	start, end []int32
	fold       cases.Caser
	atSpace    bool // the text is empty or ends with white space
}

// segment adds the characters that come from source[from:to].
func (w *writer) segment(kept []rune, from, to int) {
	if len(kept) == 1 && kept[0] < 0x80 {
		w.add(unicode.ToLower(kept[0]), from, to)
		return
	}
	// NFKC is applied before case folding, so that letters inside compatibility forms are folded, and after it,
	// because folding may produce such forms again.
	for _, r := range norm.NFKC.String(w.fold.String(norm.NFKC.String(string(kept)))) {
		if r = typography(r); r >= 0 {
			w.add(r, from, to)
		}
	}
}

func (w *writer) add(r rune, from, to int) {
	if r == ' ' && w.atSpace {
		return
	}
	w.atSpace = r == ' '
	for range max(1, utf8.RuneLen(r)) {
		w.start, w.end = append(w.start, int32(from)), append(w.end, int32(to))
	}
	w.text.WriteRune(r)
}
