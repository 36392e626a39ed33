package agent

import (
	"fmt"
	"strings"

	"legwork/internal/research"
)

// Bounds of the lists in an answer that says that nothing was found.
const (
	maxListedQueries = 8
	maxListedPages   = 12
)

// SearchedAndRead returns the end of an answer that does not answer the question: the queries that were searched for and
// the pages that were read.
func SearchedAndRead(queries []string, pages []Opened) string {
	var b strings.Builder
	if len(queries) > 0 {
		var quoted []string
		for _, q := range queries[:min(len(queries), maxListedQueries)] {
			quoted = append(quoted, "“"+research.Truncate(oneLine(q), 120)+"”")
		}
		fmt.Fprintf(&b, "Searched for: %s%s.\n", strings.Join(quoted, ", "), more(len(queries), maxListedQueries))
	}
	if len(pages) > 0 {
		b.WriteString("Read:\n")
		for _, o := range pages[:min(len(pages), maxListedPages)] {
			title := oneLine(o.Title)
			if title == "" {
				title = HostDomain(o.URL)
			}
			fmt.Fprintf(&b, "- %s (%s)\n", research.Truncate(title, 120), o.URL)
		}
		if n := len(pages) - maxListedPages; n > 0 {
			fmt.Fprintf(&b, "- and %d more\n", n)
		}
	}
	return strings.TrimSpace(b.String())
}

func more(n, shown int) string {
	if n <= shown {
		return ""
	}
	return fmt.Sprintf(" and %d more", n-shown)
}

// oneLine returns a text from outside on one line, without the characters that would make it a link, an image, code or
// HTML.
func oneLine(s string) string {
	plain := strings.Map(func(r rune) rune {
		if strings.ContainsRune("[]<>`", r) {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(plain), " ")
}
