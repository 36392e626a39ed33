package words

import (
	"strings"
	"unicode"
	"unicode/utf8"

	uax29 "github.com/clipperhouse/uax29/v2/words"
)

// Version is the version of the words that this package finds. It rises when stored passages must be split anew.
const Version = 1

// Token is one word of a text, or one name written as a unit ("max_connections", "json.loads", "ThreadPool").
type Token struct {
	Text       string // as it is written in the text, without a possessive 's
	Start, End int    // byte offsets in the text
	Parts      []string
	Call       bool // whether an opening parenthesis follows the token
	Prefixed   bool // whether the token follows a sign with which only names begin (".pgpass", "--jobs", "-p", "@x")
}

// Lower returns the token in the form in which words are compared: normalisation form KC with case folded.
func (t Token) Lower() string { return Fold(t.Text) }

// Compound reports whether the token is one name that consists of several words.
func (t Token) Compound() bool { return len(t.Parts) > 1 }

// joiners are the characters that join words to a name if they stand alone between two words.
const joiners = ".-'’"

// WordRune reports whether a character can be part of a word or name.
func WordRune(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r)
}

// Split splits a text into words and names.
func Split(s string) []Token {
	segments := segmentsOf(s)
	if len(segments) == 0 {
		return nil
	}
	out := make([]Token, 0, len(segments))
	single := make([]string, len(segments)) // the parts of words that are not names, in one allocation
	for i := 0; i < len(segments); {
		start, end := segments[i].start, segments[i].end
		first, _ := utf8.DecodeRuneInString(s[start:end])
		if Spaceless(first) {
			for i++; i < len(segments) && segments[i].start == end && continuesRun(s[segments[i].start:segments[i].end]); i++ {
				end = segments[i].end
			}
			for _, p := range pairs(s[start:end]) {
				word := s[start+p.start : start+p.end]
				out = append(out, Token{Text: word, Start: start + p.start, End: start + p.end, Parts: []string{word}})
			}
			continue
		}
		for i++; i < len(segments) && joined(s, end, segments[i]); i++ {
			end = segments[i].end
		}
		out = append(out, newToken(s, start, end, single[i-1:i]))
	}
	return out
}

// segmentsOf returns the parts of a text that Unicode's rules regard as words. Parts without letters and digits are left
// out, letters of scripts without spaces are apart from others, and a colon or a comma between letters divides words.
func segmentsOf(s string) []span {
	out := make([]span, 0, len(s)/6)
	for it := uax29.FromString(s); it.Next(); {
		at := it.Start()
		if plain, word := plainSegment(it.Value()); plain { // most are
			if word {
				out = append(out, span{at, at + len(it.Value())})
			}
			continue
		}
		from, kind := -1, 0 // where the word begins, and whether it is of a script without spaces
		flush := func(end int) {
			if from >= 0 && strings.ContainsFunc(s[from:end], func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
				out = append(out, span{from, end})
			}
			from = -1
		}
		numeric := false
		for k, r := range it.Value() {
			now := 1
			switch {
			case Spaceless(r):
				now = 2
			case unicode.Is(unicode.Mn, r) && from >= 0:
				now = kind
			case numeric && (r == ',' || r == '٬'): // between digits, as in 1,000,000
			case !WordRune(r) && !strings.ContainsRune(joiners, r):
				now = 0
			}
			numeric = unicode.IsDigit(r)
			if from >= 0 && now != kind {
				flush(at + k)
			}
			if from < 0 && now != 0 {
				from = at + k
			}
			kind = now
		}
		flush(at + len(it.Value()))
	}
	return out
}

// continuesRun reports whether a part continues a run of letters of scripts without spaces.
func continuesRun(part string) bool {
	r, _ := utf8.DecodeRuneInString(part)
	return Spaceless(r)
}

// joined reports whether a part belongs to the word that ends at end: one joiner stands between them, or nothing.
func joined(s string, end int, next span) bool {
	if first, _ := utf8.DecodeRuneInString(s[next.start:]); Spaceless(first) {
		return false
	}
	gap := s[end:next.start]
	if gap == "" {
		return true
	}
	r, size := utf8.DecodeRuneInString(gap)
	return size == len(gap) && strings.ContainsRune(joiners, r)
}

// newToken describes the word at s[start:end] by its parts and by the characters around it. single has room for the part of
// a word that is not a name.
func newToken(s string, start, end int, single []string) Token {
	t := Token{Start: start, End: end, Text: cutPossessive(s[start:end])}
	if oneWord(t.Text) {
		single[0], t.Parts = t.Text, single
	} else {
		t.Parts = splitName(t.Text)
	}
	if sign := signAfter(s[end:]); sign != "" && len(t.Parts) == 1 && len(t.Text) == end-start && strings.Trim(t.Text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		t.End += len(sign)
		t.Text += sign
		t.Parts = []string{t.Text}
	}
	t.Call = strings.HasPrefix(s[t.End:], "(")
	t.Prefixed = prefixed(s, start)
	return t
}

// signAfter returns the signs that end names such as C++, g++ and C#.
func signAfter(rest string) string {
	for _, sign := range []string{"++", "#"} {
		if after, ok := strings.CutPrefix(rest, sign); ok {
			if r, _ := utf8.DecodeRuneInString(after); after == "" || !WordRune(r) && r != '+' && r != '#' {
				return sign
			}
		}
	}
	return ""
}

// prefixed reports whether the word at start follows a sign with which only names begin: "--", or "-", ".", "$", "@" and
// "\" at the beginning of something.
func prefixed(s string, start int) bool {
	sign, size := utf8.DecodeLastRuneInString(s[:start])
	before, _ := utf8.DecodeLastRuneInString(s[:start-size])
	first, _ := utf8.DecodeRuneInString(s[start:])
	switch {
	case size == 0:
		return false
	case sign == '-' && before == '-':
		return true
	case !strings.ContainsRune(".$@\\-", sign) || unicode.IsDigit(first):
		return false
	}
	return start == size || unicode.IsSpace(before) || strings.ContainsRune("\"'`(~/[|“‘", before)
}

// cutPossessive removes the 's of "the table's name".
func cutPossessive(s string) string {
	for _, mark := range []string{"'s", "’s"} {
		if before, ok := strings.CutSuffix(s, mark); ok && before != "" {
			return before
		}
	}
	return s
}

// oneWord reports whether a word has only letters and digits of ASCII, and no upper-case letter after a lower-case one, so
// that splitName would return the word itself.
func oneWord(s string) bool {
	for i := range len(s) {
		if !asciiWord(s[i]) || s[i] == '_' || i > 0 && s[i] <= 'Z' && s[i] >= 'A' && s[i-1] >= 'a' {
			return false
		}
	}
	return s != ""
}

// asciiWord reports whether a byte is a character for which WordRune is true.
func asciiWord(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_'
}

// plainSegment reports whether a segment consists of ASCII's letters, digits and underscores, and whether it is a word: it
// has more than underscores.
func plainSegment(s string) (plain, word bool) {
	for i := range len(s) {
		if !asciiWord(s[i]) {
			return len(s) == 1 && s[i] < utf8.RuneSelf, false // a space or a sign is no word
		}
		word = word || s[i] != '_'
	}
	return true, word
}

// splitName splits a name into words, at punctuation and where an upper-case letter follows a lower-case one:
// "ThreadPoolExecutor" → Thread, Pool, Executor; "max_connections" → max, connections; "UUIDs" stays whole.
func splitName(s string) []string {
	var parts []string
	start := 0
	flush := func(end int) {
		if end > start {
			parts = append(parts, s[start:end])
		}
	}
	var before rune
	for i, r := range s {
		switch {
		case strings.ContainsRune("_,٬"+joiners, r):
			flush(i)
			start = i + utf8.RuneLen(r)
		case unicode.IsUpper(r) && unicode.IsLower(before):
			flush(i)
			start = i
		}
		before = r
	}
	flush(len(s))
	return parts
}
