package plaintext

import (
	"strings"

	"legwork/internal/research"
)

// NewPage gives the page of a text that is clean, in which blocks are found by the signs that plain text and Markdown have for them. Its
// ID is the SHA-256 of the text in hexadecimal digits.
func NewPage(title, language, text string) research.Page {
	return research.Page{ID: textID(text), Title: title, Language: language, Text: text, Passages: Passages(text)}
}

// Language is the primary subtag of the first of a list of BCP 47 tags, in lower case; empty if it is none.
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

// FirstOf is the first value that is not blank, without the white space around it; empty: all are blank.
func FirstOf(values ...string) string {
	for _, v := range values {
		if v = strings.TrimSpace(v); v != "" {
			return v
		}
	}
	return ""
}
