package plaintext

import (
	"strings"

	"legwork/internal/research"
)

// NewPage makes a page from clean text. It finds the blocks by the signs of plain text and Markdown. The page's ID is the SHA-256 of the
// text, in hexadecimal digits.
func NewPage(title, language, text string) research.Page {
	return research.Page{ID: textID(text), Title: title, Language: language, Text: text, Passages: Passages(text)}
}

// Language returns the primary subtag of the first BCP 47 tag in a list, in lower case; empty: there is none.
func Language(tag string) string {
	tag, _, _ = strings.Cut(tag, ",")
	tag, _, _ = strings.Cut(strings.TrimSpace(tag), "-")
	tag, _, _ = strings.Cut(tag, "_")
	tag = strings.ToLower(tag)
	if len(tag) < 2 || len(tag) > 3 || strings.Trim(tag, "abcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	return tag
}

// FirstOf returns the first value that is not blank, without white space around it; empty: all are blank.
func FirstOf(values ...string) string {
	for _, v := range values {
		if v = strings.TrimSpace(v); v != "" {
			return v
		}
	}
	return ""
}
