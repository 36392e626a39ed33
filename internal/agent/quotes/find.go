package quotes

import (
	"html"
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Span is a part of a text, in code points. End is exclusive.
type Span struct{ Start, End int }

// overlaps reports whether two spans have a code point in common.
func (s Span) overlaps(o Span) bool { return s.Start < o.End && o.Start < s.End }

// Found says where the words of a quote stand in a text.
type Found struct {
	Span               // the occurrence that was chosen
	Number      int    // of this occurrence in the order of the text, from 1
	Occurrences []Span // all of them in the order of the text, at most MaxOccurrences
}

// MaxOccurrences bounds the occurrences of a quote that are looked at.
const MaxOccurrences = 256

// Find looks for a quote. If the quote occurs several times, Find chooses an occurrence in three steps. It takes the
// spans of near in their order, and chooses the first occurrence that overlaps one of them, since the author of the
// quote has seen these parts. If none overlaps, it chooses the first occurrence that has exactly the characters of
// the quote. If there is none of these either, it chooses the first occurrence of all. Marks around the quote are
// ignored. An occurrence that begins or ends inside a number does not count: "holds 40" is not in "holds 400". Find
// does not limit the length of the span; the caller must check that it is not longer than research.MaxExcerpt.
func (t *Text) Find(quote string, near ...Span) (f Found, ok bool) {
	for _, form := range forms(quote) {
		if f.Occurrences = t.occurrences(form); len(f.Occurrences) > 0 {
			i := t.choose(f.Occurrences, quote, near)
			f.Span, f.Number = f.Occurrences[i], i+1
			return f, true
		}
	}
	return Found{}, false
}

// choose returns the index of the occurrence that a quote means.
func (t *Text) choose(all []Span, quote string, near []Span) int {
	for _, seen := range near {
		if i := slices.IndexFunc(all, seen.overlaps); i >= 0 {
			return i
		}
	}
	return max(0, slices.IndexFunc(all, func(s Span) bool { return strings.Contains(quote, t.Slice(s.Start, s.End)) }))
}

// occurrences returns the spans of a normalised text, which may overlap.
func (t *Text) occurrences(form string) []Span {
	if t.normalised == nil {
		n := normalise(t.runes)
		t.normalised = &n
	}
	n := t.normalised
	var out []Span
	for at := 0; len(out) < MaxOccurrences; {
		i := strings.Index(n.text[at:], form)
		if i < 0 {
			break
		}
		from := at + i
		if s := t.trimmed(int(n.start[from]), int(n.end[from+len(form)-1])); s.Start < s.End && !t.insideNumber(s) {
			out = append(out, s)
		}
		at = from + len(form)
	}
	return out
}

// trimmed returns a span without the white space at its ends.
func (t *Text) trimmed(start, end int) Span {
	for start < end && unicode.IsSpace(t.runes[start]) {
		start++
	}
	for end > start && unicode.IsSpace(t.runes[end-1]) {
		end--
	}
	return Span{start, end}
}

// insideNumber reports whether a span begins or ends between two digits of one number.
func (t *Text) insideNumber(s Span) bool { return t.splitsNumber(s.Start) || t.splitsNumber(s.End) }

// splitsNumber reports whether the code points before and after a position belong to one number, like 4|00, 1|.7 and 1.|7.
func (t *Text) splitsNumber(at int) bool {
	digit := func(i int) bool { return i >= 0 && i < len(t.runes) && unicode.IsDigit(t.runes[i]) }
	point := func(i int) bool { return i >= 0 && i < len(t.runes) && (t.runes[i] == '.' || t.runes[i] == ',') }
	return digit(at-1) && (digit(at) || point(at) && digit(at+1)) || digit(at) && point(at-1) && digit(at-2)
}

// forms returns the ways to read a quote, normalised: as it is, without the marks that models put around quotes, and with its
// character references of HTML resolved.
func forms(quote string) []string {
	var out []string
	written := []string{quote}
	if plain := html.UnescapeString(quote); plain != quote {
		written = append(written, plain)
	}
	for _, w := range written {
		whole := strings.TrimSpace(normalise([]rune(w)).text)
		for _, f := range []string{whole, strings.Trim(whole, `"' `), strings.Trim(whole, `"'. `)} {
			if utf8.RuneCountInString(f) >= MinLength && !slices.Contains(out, f) {
				out = append(out, f)
			}
		}
	}
	return out
}

var ellipsis = regexp.MustCompile(`\s*(?:\[\s*(?:…|\.{3,})\s*\]|\(\s*(?:…|\.{3,})\s*\)|…|\.{3,})\s*`)

// maxParts bounds the parts of a quote with ellipses.
const maxParts = 6

// Parts returns the pieces of a quote that has ellipses between them ("A … B"). It returns nil for a quote in one piece, and for one
// with a piece that is too short to be looked for.
func Parts(quote string) []string {
	var out []string
	for _, p := range ellipsis.Split(quote, maxParts+1) {
		if p = strings.Trim(p, "\"'“”‘’„«» \t\n"); p == "" {
			continue
		}
		if TooShort(p) {
			return nil
		}
		out = append(out, p)
	}
	if len(out) < 2 || len(out) > maxParts {
		return nil
	}
	return out
}

// heading is a heading of a text.
type heading struct {
	at    int // where it begins
	level int
	text  string
}

// SetHeading tells the text that a heading of a level, 1 to 6, stands at a span. Headings are given in the order of the text.
func (t *Text) SetHeading(level int, s Span) {
	text := strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(t.Slice(s.Start, s.End)), "#"))
	t.headings = append(t.headings, heading{at: s.Start, level: level, text: text})
}

// HeadingPath returns the headings above a position, outermost first, joined with " › "; empty: there are none.
func (t *Text) HeadingPath(at int) string {
	last := sort.Search(len(t.headings), func(i int) bool { return t.headings[i].at > at }) - 1
	var path []string
	for level, i := 7, last; i >= 0 && level > 1; i-- {
		if h := t.headings[i]; h.level < level {
			level, path = h.level, append(path, h.text)
		}
	}
	slices.Reverse(path)
	return strings.Join(path, " › ")
}
