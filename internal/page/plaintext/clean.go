package plaintext

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxHeading is the greatest length of a title, and of each heading in a heading path, in code points.
const MaxHeading = 200

// Clean makes foreign text safe to store and to quote. The result is valid UTF-8 in normalisation form C. Broken bytes, surrogates and
// noncharacters become U+FFFD. The result has no NUL and no control characters other than newline and tab. Line ends become "\n", and
// no-break spaces become ordinary spaces. Clean drops invisible characters inside words (soft hyphen, zero width space, byte order mark),
// because they would defeat a search. It also drops Unicode tag characters, because they can show a text to models that readers do not see.
// Clean(Clean(s)) equals Clean(s).
func Clean(s string) string {
	if isClean(s) {
		return s
	}
	return norm.NFC.String(cleanRunes(s))
}

// cleanRunes does what Clean does, without normalisation.
func cleanRunes(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		start := i
		for i < len(s) && keptASCII(s[i]) {
			i++
		}
		b.WriteString(s[start:i])
		if i == len(s) {
			break
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		switch {
		case r == '\r':
			if i < len(s) && s[i] == '\n' {
				continue
			}
			b.WriteByte('\n')
		default:
			if r = cleanRune(r); r >= 0 {
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

// keptASCII reports whether c is an ASCII character that Clean keeps.
func keptASCII(c byte) bool { return c >= 0x20 && c < 0x7F || c == '\n' || c == '\t' }

// isClean reports whether s is ASCII that Clean does not change. It is a fast check for the common case.
func isClean(s string) bool {
	for i := 0; i < len(s); i++ {
		if !keptASCII(s[i]) {
			return false
		}
	}
	return true
}

// cleanRune returns the character that replaces r. A negative result means that r is dropped.
func cleanRune(r rune) rune {
	switch {
	case r == '\n' || r == '\t':
		return r
	case r < 0x20, r >= 0x7F && r < 0xA0: // C0, DEL, C1
		return -1
	case r == 0xA0, r == 0x202F, r == 0x2007: // no-break spaces
		return ' '
	case r == 0xAD, r == 0x200B, r == 0xFEFF, r >= 0xE0000 && r <= 0xE007F:
		return -1
	case r == 0x2028 || r == 0x2029: // line and paragraph separator
		return '\n'
	case r >= 0xFDD0 && r <= 0xFDEF, r&0xFFFE == 0xFFFE:
		return utf8.RuneError
	}
	return r
}

// Fold cleans s and replaces white space by single spaces, for titles, headings, link texts and contexts.
func Fold(s string) string { return strings.Join(strings.Fields(Clean(s)), " ") }

// Cut shortens s to at most n code points.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return strings.TrimSpace(s[:i])
		}
		n--
	}
	return s
}
