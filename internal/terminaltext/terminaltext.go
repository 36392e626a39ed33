// Package terminaltext makes text from pages, models and other people safe to print on a terminal. It has no I/O of its own.
//
// A terminal obeys control characters: an escape sequence can move the cursor, change the title or answer for the user. It
// also obeys the characters of Unicode that override the direction of text, which can make a line read differently than it
// is stored. Both are removed, or shown as escapes where the text must stay the same.
package terminaltext

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean removes control characters except line breaks and tabs, and the characters that embed, override or isolate the
// direction of text (Unicode Standard Annex 9, sections 2.1 to 2.4). Bytes that are not valid UTF-8 become U+FFFD, because
// a terminal that reads single bytes would obey some of them.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && commands(r) {
			return -1
		}
		return r
	}, s)
}

// commands reports whether a terminal could obey a character instead of showing it.
func commands(r rune) bool {
	return unicode.IsControl(r) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// JSON returns a writer that replaces the characters that Clean removes by JSON's escapes, as in \u202e, except line
// breaks and tabs. Between strings JSON has none of these characters, so the values stay the same. Each Write must have
// whole characters, as those of encoders and of slog's handlers have.
func JSON(w io.Writer) io.Writer { return &escaper{w} }

type escaper struct{ w io.Writer }

// Write implements io.Writer.
func (e *escaper) Write(p []byte) (int, error) {
	if !utf8.Valid(p) || strings.ContainsFunc(string(p), escaped) {
		var b strings.Builder
		for _, r := range string(p) {
			if escaped(r) {
				fmt.Fprintf(&b, `\u%04x`, r)
			} else {
				b.WriteRune(r)
			}
		}
		if _, err := io.WriteString(e.w, b.String()); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	return e.w.Write(p)
}

func escaped(r rune) bool { return r != '\n' && r != '\t' && commands(r) }
