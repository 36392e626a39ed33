package agent

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"legwork/internal/research"
)

// folded is a text in the form in which quotes are compared: compatibility forms composed (NFKC), white space folded into
// single spaces, quotation marks and dashes of one kind each, soft hyphens, zero-width characters and Markdown's emphasis
// marks left out. Case and all else counts. It knows where in the source, in code points, each character comes from.
type folded struct {
	text       string
	start, end []int // by byte of text: span of the source that its character stands for
}

// typography maps characters to the one that they are compared as; -1: left out.
func typography(r rune) rune {
	switch r {
	case '“', '”', '„', '‟', '«', '»', '″', '＂':
		return '"'
	case '‘', '’', '‚', '‛', '′', '‹', '›', '´':
		return '\''
	case '‐', '‑', '‒', '–', '—', '―', '−', '⁃', '﹣', '－':
		return '-'
	case '\u00AD', '\u200B', '\u200C', '\u200D', '\u2060', '\uFEFF', '\u200E', '\u200F', '*', '`':
		return -1
	}
	if unicode.IsSpace(r) {
		return ' '
	}
	return r
}

// fold brings a text into the form of comparison.
func fold(s string) folded {
	var b strings.Builder
	var f folded
	at, space := 0, true // code points before s; leading space is left out
	for len(s) > 0 {
		n := norm.NFKC.NextBoundaryInString(s, true)
		if n <= 0 {
			n = len(s)
		}
		from := at
		at += utf8.RuneCountInString(s[:n])
		for _, r := range typographic(s[:n]) {
			if r < 0 || r == ' ' && space {
				continue
			}
			space = r == ' '
			for range utf8.RuneLen(r) {
				f.start, f.end = append(f.start, from), append(f.end, at)
			}
			b.WriteRune(r)
		}
		s = s[n:]
	}
	f.text = b.String()
	return f
}

// typographic maps one segment: before it is normalised, because NFKC takes some quotation marks apart, and after.
func typographic(segment string) []rune {
	var before strings.Builder
	for _, r := range segment {
		if r = typography(r); r >= 0 {
			before.WriteRune(r)
		}
	}
	var out []rune
	for _, r := range norm.NFKC.String(before.String()) {
		out = append(out, typography(r))
	}
	return out
}

// find gives the source's span of a quote, in code points. Quotation marks and ellipses around the quote do not count.
func (f folded) find(quote string) (start, end int, ok bool) {
	for _, q := range quoteForms(quote) {
		if i := strings.Index(f.text, q); i >= 0 {
			return f.start[i], f.end[i+len(q)-1], true
		}
	}
	return 0, 0, false
}

// minQuote is the least length of a folded quote, in code points: less stands on every page.
const minQuote = 8

// quoteForms gives a folded quote as it is, then without what models put around it.
func quoteForms(quote string) []string {
	whole := strings.TrimSpace(fold(quote).text)
	bare := strings.Trim(whole, `"'. `)
	var out []string
	for _, q := range []string{whole, strings.Trim(whole, `"' `), bare} {
		if utf8.RuneCountInString(q) >= minQuote {
			out = append(out, q)
		}
	}
	return out
}

// cutExcerpt shortens a span of runes to what a citation may hold: at the end of a sentence, else of a word. White space
// at its ends is left out.
func cutExcerpt(runes []rune, start, end int) (from, to int) {
	for start < end && unicode.IsSpace(runes[start]) {
		start++
	}
	if end-start > research.MaxExcerpt {
		end = start + research.MaxExcerpt
		for _, stops := range []func(i int) bool{
			func(i int) bool { return strings.ContainsRune(".!?。", runes[i-1]) && unicode.IsSpace(runes[i]) },
			func(i int) bool { return unicode.IsSpace(runes[i]) },
		} {
			cut := end
			for cut > start+research.MaxExcerpt/2 && !stops(cut) {
				cut--
			}
			if cut > start+research.MaxExcerpt/2 {
				end = cut
				break
			}
		}
	}
	for end > start && unicode.IsSpace(runes[end-1]) {
		end--
	}
	return start, end
}

// placedWord is a word with its place in code points.
type placedWord struct {
	word       string
	start, end int
}

func placedWords(runes []rune) []placedWord {
	var out []placedWord
	for i := 0; i < len(runes); {
		if !wordRune(runes[i]) {
			i++
			continue
		}
		start := i
		for i < len(runes) && wordRune(runes[i]) {
			i++
		}
		out = append(out, placedWord{strings.ToLower(string(runes[start:i])), start, i})
	}
	return out
}

// Bounds of the search for what a wrong quote may have meant.
const (
	maxQuoteWords  = 80
	closestOverlap = 0.4 // least share of the quote's words
)

// closest gives the span with most of a quote's words, about as long as the quote; ok is false when none has many.
func closest(runes []rune, quote string) (start, end int, ok bool) {
	wanted := placedWords([]rune(quote))
	wanted = wanted[:min(len(wanted), maxQuoteWords)]
	words := placedWords(runes)
	if len(wanted) == 0 || len(words) == 0 {
		return 0, 0, false
	}
	need := map[string]int{}
	for _, w := range wanted {
		need[w.word]++
	}
	n := min(len(wanted)+2, len(words))
	overlap, best, at := 0, 0, 0
	for i, w := range words {
		if need[w.word] > 0 {
			overlap++
		}
		need[w.word]--
		if i >= n {
			gone := words[i-n].word
			need[gone]++
			if need[gone] > 0 {
				overlap--
			}
		}
		if overlap > best {
			best, at = overlap, i
		}
	}
	if float64(best) < closestOverlap*float64(len(wanted)) {
		return 0, 0, false
	}
	start, end = cutExcerpt(runes, words[max(0, at-n+1)].start, words[at].end)
	return start, end, true
}
