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

// Found says where the words of a quote occur in a text.
type Found struct {
	Span               // the occurrence that was chosen
	Number      int    // number of the chosen occurrence in the order of the text, from 1
	Occurrences []Span // all occurrences in the order of the text, at most MaxOccurrences
}

// MaxOccurrences is the greatest number of occurrences of a quote that are considered.
const MaxOccurrences = 256

// Find looks for a quote. If the quote occurs several times, Find chooses one occurrence. Its first choice is an
// occurrence that overlaps one of the spans in near, which are the parts that the author of the quote has seen; an
// earlier span has precedence. Its second choice is the first occurrence with exactly the characters of the quote.
// Otherwise it takes the first occurrence. Marks around the quote are ignored. An occurrence that begins or ends inside
// a number does not count: "holds 40" is not found in "holds 400". Find does not limit the length of the span; the
// caller must check that it is not longer than research.MaxExcerpt.
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

// choose returns the index of the occurrence that a quote most likely means (see Find).
func (t *Text) choose(all []Span, quote string, near []Span) int {
	for _, seen := range near {
		if i := slices.IndexFunc(all, seen.overlaps); i >= 0 {
			return i
		}
	}
	return max(0, slices.IndexFunc(all, func(s Span) bool { return strings.Contains(quote, t.Slice(s.Start, s.End)) }))
}

// occurrences returns the spans at which a normalised text occurs. They may overlap.
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

// splitsNumber reports whether the code points before and after a position belong to one number, as at the bars in 4|00,
// 1|.7 and 1.|7.
func (t *Text) splitsNumber(at int) bool {
	digit := func(i int) bool { return i >= 0 && i < len(t.runes) && unicode.IsDigit(t.runes[i]) }
	point := func(i int) bool { return i >= 0 && i < len(t.runes) && (t.runes[i] == '.' || t.runes[i] == ',') }
	return digit(at-1) && (digit(at) || point(at) && digit(at+1)) || digit(at) && point(at-1) && digit(at-2)
}

// linkTarget matches the target of a link as models are shown it behind the text of the link.
var linkTarget = regexp.MustCompile(`\s?⟨[^⟩\n]{0,300}⟩`)

// forms returns the normalised texts that a quote may mean: the quote as it is, the quote without the marks that models
// put around quotes, the quote with its HTML character references resolved, and the quote without targets of links.
func forms(quote string) []string {
	var out []string
	written := []string{quote}
	if plain := html.UnescapeString(quote); plain != quote {
		written = append(written, plain)
	}
	if plain := linkTarget.ReplaceAllString(quote, ""); plain != quote {
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

// maxParts is the greatest number of parts of a quote with ellipses.
const maxParts = 6

// Parts returns the pieces of a quote that has ellipses between them ("A … B"). It returns nil if the quote has no
// ellipsis, or if one of the pieces is too short to be looked for.
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
	at    int // position where the heading begins, in code points
	level int
	text  string
}

// SetHeading records that the span s of the text is a heading with a level from 1 to 6. Headings must be given in the
// order of the text.
func (t *Text) SetHeading(level int, s Span) {
	text := strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(t.Slice(s.Start, s.End)), "#"))
	t.headings = append(t.headings, heading{at: s.Start, level: level, text: text})
}

// HeadingPath returns the headings above a position, outermost first, joined with " › ". It is empty if there are none.
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
