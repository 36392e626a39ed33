package pdf

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// readable normalises the text of a character. Presentation forms (ligatures, Arabic and Hebrew forms) are replaced by the plain letters
// (NFKC). All kinds of hyphens become "-". All other characters are only composed (NFC). Characters of the private use area are dropped,
// because they mean nothing outside their font; only the bullet of word processors' symbol fonts is kept.
func readable(s string) string {
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= 0xFB00 && r <= 0xFDFF, r >= 0xFE70 && r <= 0xFEFC:
			b.WriteString(norm.NFKC.String(string(r)))
		case r == 0x02 || r == 0xFFFE || r == 0x2010 || r == 0x2011 || r == 0xAD: // hyphens; PDFium writes 0x02 or 0xFFFE for a hyphen at the end of a line
			b.WriteByte('-')
		case r == 0xF0B7 || r == 0xF0A7:
			b.WriteRune('•')
		case unicode.Is(unicode.Co, r):
		case unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r':
		default:
			b.WriteRune(r)
		}
	}
	return norm.NFC.String(b.String())
}

func isASCII(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= 0x7F || c < 0x20 && c != '\n' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}

// isIdeographic reports whether r belongs to a script that has no spaces between words.
func isIdeographic(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || r >= 0x3000 && r <= 0x303F || r >= 0xFF00 && r <= 0xFF60
}
