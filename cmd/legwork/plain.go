package main

import (
	"regexp"
	"strings"
	"unicode"

	"legwork/api"
)

// printable leaves out what could change a terminal or the order of its text: control characters but for line breaks and tabs,
// and marks of direction. Pages and models write what is printed.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, s)
}

// sourceLine is how an answer names the source of the quote above it.
var sourceLine = regexp.MustCompile(`^\[[0-9]+\] [^\n]*$`)

// withoutQuotes leaves out of an answer the quotations that its citations repeat below it, with the lines that name their
// sources, so that each quote is printed once. An answer that is nothing else stays as it is.
func withoutQuotes(answer string, citations []api.Citation) string {
	fold := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	var excerpts []string
	for _, c := range citations {
		if c.Excerpt != nil {
			excerpts = append(excerpts, fold(*c.Excerpt))
		}
	}
	cited := func(paragraph string) bool {
		var quote []string
		for line := range strings.Lines(paragraph) {
			text, quoted := strings.CutPrefix(line, ">")
			if !quoted {
				return false
			}
			quote = append(quote, text)
		}
		text := fold(strings.Join(quote, " "))
		for _, e := range excerpts {
			if strings.Contains(e, text) {
				return true
			}
		}
		return false
	}
	var kept []string
	dropped := false
	for paragraph := range strings.SplitSeq(answer, "\n\n") {
		switch {
		case cited(paragraph):
			dropped = true
			continue
		case dropped && sourceLine.MatchString(paragraph):
		default:
			kept = append(kept, paragraph)
		}
		dropped = false
	}
	if len(kept) == 0 {
		return answer
	}
	return strings.Join(kept, "\n\n")
}
