package plaintext

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"legwork/internal/research"
	"legwork/internal/words"
)

// NewPage makes a page from clean text. If no language is given, it is found from the text. It finds the blocks by the signs of
// plain text and Markdown. The page's ID is the SHA-256 of the text, in hexadecimal digits.
func NewPage(title, language, text string) research.Page {
	return research.Page{ID: textID(text), Title: title, Language: languageOf(language, text), Text: text, Passages: Passages(text)}
}

// languageOf returns the language that a page names, or else that of its text.
func languageOf(named, text string) string {
	if named != "" {
		return named
	}
	return words.Detect(text)
}

// Language returns the primary subtag of the first BCP 47 tag in a list, in lower case, or an empty string.
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

// FirstOf returns the first value that is not blank, without white space around it. If all are blank, it returns an empty string.
func FirstOf(values ...string) string {
	for _, v := range values {
		if v = strings.TrimSpace(v); v != "" {
			return v
		}
	}
	return ""
}

// Shorten cuts the text of a page to at most n bytes, and adapts the passages and blocks, which refer to places in the text.
func Shorten(p research.Page, n int) research.Page {
	if len(p.Text) <= n {
		return p
	}
	for n > 0 && !utf8.RuneStart(p.Text[n]) {
		n--
	}
	p.Text = strings.TrimRightFunc(p.Text[:n], unicode.IsSpace)
	p.ID = textID(p.Text)
	end := utf8.RuneCountInString(p.Text)
	for n = len(p.Passages); n > 0 && p.Passages[n-1].Start >= end; n-- {
	}
	if p.Passages = slices.Clone(p.Passages[:n]); n > 0 {
		p.Passages[n-1].End = min(p.Passages[n-1].End, end)
	}
	for n = len(p.Blocks); n > 0 && p.Blocks[n-1].Start >= end; n-- {
	}
	if p.Blocks = slices.Clone(p.Blocks[:n]); n > 0 {
		p.Blocks[n-1].End = min(p.Blocks[n-1].End, end)
	}
	return p
}
