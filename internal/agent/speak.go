package agent

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// speaker tells an answer while the model writes it: the same text that answer makes of the whole reply, as far as no
// further word can change it. Thoughts are left out, markers renumbered, and those that point at nothing removed. What
// turns out otherwise in the end is said anew from the beginning.
type speaker struct {
	say  func(offset int, text string)
	n    int // quotes that markers may point at
	c    composed
	rest string // of the reply, not looked at yet

	said    strings.Builder
	points  int    // code points said
	blank   string // white space that is said when something follows
	thought bool   // inside a thought
	fence   bool   // inside fenced code
}

var (
	thoughtOpens  = regexp.MustCompile(`(?i)^<(?:think|thinking|thought|reasoning)>`)
	thoughtCloses = regexp.MustCompile(`(?i)</(?:think|thinking|thought|reasoning)>`)
	thoughtBegins = regexp.MustCompile(`(?i)^</?[a-z]{0,9}$`) // may become a tag with what follows
	markerHere    = regexp.MustCompile(`^` + marker.String())
	markerBegins  = regexp.MustCompile(`^[\[【][\s\d^,;–-]{0,40}$`)
	codeHere      = regexp.MustCompile("^`[^`\n]*`")
)

// longestTag is how much of a closing tag may have come without its end.
const longestTag = len("</reasoning")

// newSpeaker speaks to say; nil without one.
func newSpeaker(say func(offset int, text string), quotes int) *speaker {
	if say == nil {
		return nil
	}
	return &speaker{say: say, n: quotes}
}

// again forgets all: the reply begins anew.
func (s *speaker) again() {
	if s != nil {
		*s = speaker{say: s.say, n: s.n}
	}
}

// hear takes in the next piece of the reply.
func (s *speaker) hear(piece string) {
	s.rest += piece
	var out strings.Builder
	for s.rest != "" && s.next(&out) {
	}
	s.tell(out.String())
}

// finish makes what was said the answer.
func (s *speaker) finish(answer string) {
	if s == nil {
		return
	}
	if rest, ok := strings.CutPrefix(answer, s.said.String()); ok {
		s.tell(rest)
		return
	}
	s.again()
	s.tell(answer)
}

func (s *speaker) tell(text string) {
	if text == "" {
		return
	}
	s.say(s.points, text)
	s.said.WriteString(text)
	s.points += utf8.RuneCountInString(text)
}

// next deals with what comes first in rest. It reports false when that depends on what follows.
func (s *speaker) next(out *strings.Builder) bool {
	switch {
	case s.thought:
		return s.think()
	case s.fence:
		end := strings.Index(s.rest, "```")
		if end < 0 {
			s.take(out, len(strings.TrimRight(s.rest, "`")))
			return false
		}
		s.fence = false
		s.take(out, end+3)
		return true
	}
	plain := strings.IndexFunc(s.rest, func(r rune) bool { return strings.ContainsRune("<[【`", r) || unicode.IsSpace(r) })
	switch {
	case plain < 0:
		s.take(out, len(s.rest))
		return true
	case plain > 0:
		s.take(out, plain)
		return true
	}
	switch s.rest[0] {
	case '<':
		return s.tag(out)
	case '`':
		return s.code(out)
	}
	if space, size := utf8.DecodeRuneInString(s.rest); unicode.IsSpace(space) {
		s.blank += s.rest[:size]
		s.rest = s.rest[size:]
		return true
	}
	return s.mark(out)
}

// take says n bytes, and the white space before them unless nothing was said yet.
func (s *speaker) take(out *strings.Builder, n int) {
	if n == 0 {
		return
	}
	if s.said.Len()+out.Len() > 0 {
		out.WriteString(s.blank)
	}
	out.WriteString(s.rest[:n])
	s.blank, s.rest = "", s.rest[n:]
}

// think leaves out a thought up to its end.
func (s *speaker) think() bool {
	if end := thoughtCloses.FindStringIndex(s.rest); end != nil {
		s.thought, s.rest = false, s.rest[end[1]:]
		return true
	}
	s.rest = s.rest[max(0, len(s.rest)-longestTag):]
	return false
}

func (s *speaker) tag(out *strings.Builder) bool {
	open, end := thoughtOpens.FindString(s.rest), thoughtCloses.FindStringIndex(s.rest)
	switch {
	case open != "":
		s.thought, s.rest = true, s.rest[len(open):]
	case end != nil && end[0] == 0: // all before it was a thought too
		rest := s.rest[end[1]:]
		out.Reset()
		s.again()
		s.rest = rest
	case thoughtBegins.MatchString(s.rest):
		return false
	default:
		s.take(out, 1)
	}
	return true
}

func (s *speaker) code(out *strings.Builder) bool {
	span := codeHere.FindString(s.rest)
	switch {
	case strings.HasPrefix(s.rest, "```"):
		s.fence = true
		s.take(out, 3)
	case s.rest == "`" || s.rest == "``":
		return false
	case span != "":
		s.take(out, len(span))
	case !strings.Contains(s.rest, "\n"):
		return false
	default:
		s.take(out, 1)
	}
	return true
}

// mark renumbers a marker. The blank before one that points at nothing goes with it.
func (s *speaker) mark(out *strings.Builder) bool {
	found := markerHere.FindString(s.rest)
	if found == "" {
		if markerBegins.MatchString(s.rest) {
			return false
		}
		_, size := utf8.DecodeRuneInString(s.rest)
		s.take(out, size)
		return true
	}
	text, rest := s.c.renumber(found, s.n), s.rest[len(found):]
	n := len(s.blank)
	switch blank := n > 0 && (s.blank[n-1] == ' ' || s.blank[n-1] == '\t'); {
	case text != "":
		if blank { // renumber writes it as a space
			s.blank = s.blank[:n-1] + " "
		}
		s.rest = text
		s.take(out, len(text))
	case blank:
		s.blank = s.blank[:n-1]
	}
	s.rest = rest
	return true
}
