package answertext

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Stream publishes an answer while the model writes it. It publishes the text that Check will make of the whole reply,
// without thoughts and invalid markers, as soon as later words cannot change it. If the finished answer differs from the
// published text, Stream publishes the answer again from the beginning.
type Stream struct {
	emit   func(offset int, text string)
	quotes int // number of quotes that markers may point at
	c      Checked
	unread string // received text of the reply that was not processed yet

	kept     string // beginning of the text that Restart does not take back, see Keep
	keptUsed []int  // the field Used of the markers in kept
	again    bool   // whether the text of sent must be published again from its beginning, because the client has other text

	sent      strings.Builder
	sentRunes int    // number of code points published
	space     string // white space that is published only when more text follows
	inThought bool   // whether the unread text begins inside a thought
	inFence   bool   // whether the unread text begins inside fenced code
}

var (
	thoughtOpens  = regexp.MustCompile(`(?i)^<(?:think|thinking|thought|reasoning)>`)
	thoughtCloses = regexp.MustCompile(`(?i)</(?:think|thinking|thought|reasoning)>`)
	thoughtBegins = regexp.MustCompile(`(?i)^</?[a-z]{0,9}$`) // an incomplete tag
	markerHere    = regexp.MustCompile(`^` + marker.String())
	markerBegins  = regexp.MustCompile(`^[\[【][\s\d^,;–-]{0,40}$`)
	codeHere      = regexp.MustCompile("^`[^`\n]*`")
)

// longestTag is the greatest length of an incomplete closing tag.
const longestTag = len("</reasoning")

// NewStream returns a Stream that calls publish. If publish is nil, it returns nil. Methods Restart and Finish of a nil
// Stream do nothing, and Add must not be called. quotes is the number of quotes that a marker may point at.
func NewStream(publish func(offset int, text string), quotes int) *Stream {
	if publish == nil {
		return nil
	}
	return &Stream{emit: publish, quotes: quotes}
}

// Restart starts again with an empty reply, after the text that was kept.
func (s *Stream) Restart() {
	if s == nil {
		return
	}
	again := s.again || s.kept != "" && s.sent.Len() > len(s.kept)
	*s = Stream{emit: s.emit, quotes: s.quotes, kept: s.kept, keptUsed: s.keptUsed, again: again}
	s.c.Used = slices.Clone(s.keptUsed)
	s.sent.WriteString(s.kept)
	s.sentRunes = utf8.RuneCountInString(s.kept)
}

// Keep publishes text, of which a part may have been published already, as the finished beginning of a longer text.
// used are the numbers of the quotes that its markers point at, as in Checked. What is added later is published after
// it, and the numbers of its markers continue.
func (s *Stream) Keep(text string, used []int) {
	if s == nil {
		return
	}
	if !strings.HasPrefix(text, s.sent.String()) {
		s.again = s.sent.Len() > 0
		s.sent.Reset()
		s.sentRunes = 0
	}
	s.send(text[s.sent.Len():])
	s.kept, s.keptUsed = text, slices.Clone(used)
	s.Restart()
}

// Add processes the next piece of the reply.
func (s *Stream) Add(piece string) {
	s.unread += piece
	var out strings.Builder
	for s.unread != "" && s.next(&out) {
	}
	s.send(out.String())
}

// Finish publishes the missing end of the answer, or all of it if different text was published.
func (s *Stream) Finish(answer string) {
	if s == nil {
		return
	}
	if rest, ok := strings.CutPrefix(answer, s.sent.String()); ok && !s.again {
		s.send(rest)
		return
	}
	s.kept, s.keptUsed, s.again = "", nil, false
	s.Restart()
	s.send(answer)
}

func (s *Stream) send(text string) {
	if text == "" {
		return
	}
	if s.again {
		s.again = false
		s.emit(0, s.sent.String()+text)
	} else {
		s.emit(s.sentRunes, text)
	}
	s.sent.WriteString(text)
	s.sentRunes += utf8.RuneCountInString(text)
}

// next processes the first item of the unread text. It returns false if more text is needed to know what the item is.
func (s *Stream) next(out *strings.Builder) bool {
	switch {
	case s.inThought:
		return s.skipThought()
	case s.inFence:
		end := strings.Index(s.unread, "```")
		if end < 0 {
			s.takeBytes(out, len(strings.TrimRight(s.unread, "`")))
			return false
		}
		s.inFence = false
		s.takeBytes(out, end+3)
		return true
	}
	plain := strings.IndexFunc(s.unread, func(r rune) bool { return strings.ContainsRune("<[【`", r) || unicode.IsSpace(r) })
	switch {
	case plain < 0:
		s.takeBytes(out, len(s.unread))
		return true
	case plain > 0:
		s.takeBytes(out, plain)
		return true
	}
	switch s.unread[0] {
	case '<':
		return s.tag(out)
	case '`':
		return s.code(out)
	}
	if space, size := utf8.DecodeRuneInString(s.unread); unicode.IsSpace(space) {
		s.space += s.unread[:size]
		s.unread = s.unread[size:]
		return true
	}
	return s.marker(out)
}

// takeBytes appends the first n bytes of the unread text to out, with the white space before them. At the beginning of
// the answer it drops the white space.
func (s *Stream) takeBytes(out *strings.Builder, n int) {
	if n == 0 {
		return
	}
	if s.sent.Len()+out.Len() > len(s.kept) {
		out.WriteString(s.space)
	}
	out.WriteString(s.unread[:n])
	s.space, s.unread = "", s.unread[n:]
}

// skipThought removes the text of a thought up to its closing tag. It returns false if the closing tag has not arrived
// yet.
func (s *Stream) skipThought() bool {
	if end := thoughtCloses.FindStringIndex(s.unread); end != nil {
		s.inThought, s.unread = false, s.unread[end[1]:]
		return true
	}
	s.unread = s.unread[max(0, len(s.unread)-longestTag):]
	return false
}

func (s *Stream) tag(out *strings.Builder) bool {
	open, end := thoughtOpens.FindString(s.unread), thoughtCloses.FindStringIndex(s.unread)
	switch {
	case open != "":
		s.inThought, s.unread = true, s.unread[len(open):]
	case end != nil && end[0] == 0: // a closing tag without an opening one: all text before it was a thought
		rest := s.unread[end[1]:]
		out.Reset()
		s.Restart()
		s.unread = rest
	case thoughtBegins.MatchString(s.unread):
		return false
	default:
		s.takeBytes(out, 1)
	}
	return true
}

func (s *Stream) code(out *strings.Builder) bool {
	span := codeHere.FindString(s.unread)
	switch {
	case strings.HasPrefix(s.unread, "```"):
		s.inFence = true
		s.takeBytes(out, 3)
	case s.unread == "`" || s.unread == "``":
		return false
	case span != "":
		s.takeBytes(out, len(span))
	case !strings.Contains(s.unread, "\n"):
		return false
	default:
		s.takeBytes(out, 1)
	}
	return true
}

// marker renumbers a marker. If the marker points at no quote, the marker and the blank before it are removed.
func (s *Stream) marker(out *strings.Builder) bool {
	found := markerHere.FindString(s.unread)
	if found == "" {
		if markerBegins.MatchString(s.unread) {
			return false
		}
		_, size := utf8.DecodeRuneInString(s.unread)
		s.takeBytes(out, size)
		return true
	}
	text, rest := s.c.renumber(found, s.quotes), s.unread[len(found):]
	n := len(s.space)
	switch blank := n > 0 && (s.space[n-1] == ' ' || s.space[n-1] == '\t'); {
	case text != "":
		if blank { // renumber writes a tab before a marker as a space
			s.space = s.space[:n-1] + " "
		}
		s.unread = text
		s.takeBytes(out, len(text))
	case blank:
		s.space = s.space[:n-1]
	}
	s.unread = rest
	return true
}
