package rendering

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// line collects the text of a paragraph as browsers lay it out: white space is folded, and only <br> breaks a line.
type line struct {
	b     strings.Builder
	space bool // white space was read; one space is written before the next text
}

func (l *line) empty() bool { return l.b.Len() == 0 }

func (l *line) text(s string) {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if unicode.IsSpace(r) {
			l.space = true
			i += n
			continue
		}
		j := i
		for j < len(s) {
			r, n = utf8.DecodeRuneInString(s[j:])
			if unicode.IsSpace(r) {
				break
			}
			j += n
		}
		l.gap()
		l.b.WriteString(s[i:j])
		i = j
	}
}

func (l *line) gap() {
	if l.space && l.b.Len() > 0 && l.last() != '\n' {
		l.b.WriteByte(' ')
	}
	l.space = false
}

// mark writes a mark after the text so far. If white space is pending, it writes a space before the mark.
func (l *line) mark(s string) {
	if s != "" {
		l.gap()
		l.b.WriteString(s)
	}
}

func (l *line) br() {
	l.space = false
	if l.b.Len() > 0 {
		l.b.WriteByte('\n')
	}
}

func (l *line) last() byte {
	s := l.b.String()
	if s == "" {
		return 0
	}
	return s[len(s)-1]
}

// lastRune returns the last character, or 0 if white space is pending.
func (l *line) lastRune() rune {
	if l.space || l.b.Len() == 0 {
		return ' '
	}
	r, _ := utf8.DecodeLastRuneInString(l.b.String())
	return r
}

func (l *line) take() string {
	s := l.b.String()
	l.b.Reset()
	l.space = false
	return strings.TrimSpace(s)
}
