package progress

import (
	"regexp"
	"strings"

	"legwork/api"
)

// sourceLine matches the line of an answer that names the source of the quote above it.
var sourceLine = regexp.MustCompile(`^\[[0-9]+\] [^\n]*$`)

// withoutQuotes removes quotes from an answer, and the lines that name their sources, when the list of citations prints the same
// quotes. So each quote is printed once. An answer that has nothing but such quotes is returned unchanged.
func withoutQuotes(answer string, citations []api.Citation) string {
	singleSpaced := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	var excerpts []string
	for _, c := range citations {
		if c.Excerpt != nil {
			excerpts = append(excerpts, singleSpaced(*c.Excerpt))
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
		text := singleSpaced(strings.Join(quote, " "))
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
