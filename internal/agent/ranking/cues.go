package ranking

import (
	"regexp"
	"strings"
)

// Patterns that occur in answers of each shape. Whoever changes one also changes what it begins with, in cues.
var (
	hasNumber   = regexp.MustCompile(`(?i)\d|\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|sixty|hundred|thousand|million|billion|unlimited)\b`)
	hasDuration = regexp.MustCompile(`(?i)(\d|\b(one|two|three|four|five|six|ten|fifteen|thirty|sixty))\s*(ms|µs|s|min|h|d|microseconds?|milliseconds?|seconds?|minutes?|hours?|days?|weeks?|months?|years?)\b`)
	hasSize     = regexp.MustCompile(`(?i)(\d|\b(one|two|four|eight|sixteen))\s*(%|percent\b|bytes?\b|bits?\b|k?b\b|kib\b|mib\b|gib\b|kilobytes?\b|megabytes?\b|mb\b|gb\b|tb\b|gigabytes?\b|characters?\b)`)
	hasPreset   = regexp.MustCompile(`(?i)\bdefaults? (value |setting |behaviou?r )?(is|are|was|of|to|for)\b|\bby default\b|\bdefaults? to\b|\bdefaulting\b|\(default\b|\bis the default\b|\bdefault\b[^.\n]{0,60}\bis\b|\bif (omitted|unspecified|not (specified|given|set))\b|\bdefault[=:]`)
	saysDefault = regexp.MustCompile(`(?i)\bdefault`)
	hasOften    = regexp.MustCompile(`(?i)\b(every|once|twice|per|each|hourly|daily|weekly|monthly|periodically|times)\b`)
	hasExtent   = regexp.MustCompile(`[-+−]?\d[\d.,_^]*\s*(to|through|and|–|-|\.\.|…)\s*[-+−]?\d`)
	hasBest     = regexp.MustCompile(`(?i)\b(most|best|preferred|recommended|safest|fastest|strongest|simplest|should (be )?used?)\b`)
	hasReason   = regexp.MustCompile(`(?i)\b(because|since|due to|reasons?|therefore|so that|as a result|this means|in order to|thus)\b`)
	hasDate     = regexp.MustCompile(`(?i)\b(1[5-9]|20)\d\d\b|\b(january|february|march|april|may|june|july|august|september|october|november|december)\b`)
	hasCase     = regexp.MustCompile(`(?i)\b(if|when|whenever|unless|only|once|after|until)\b`)
	hasDenial   = regexp.MustCompile(`(?i)\b(not|cannot|never|none|only|always|guaranteed|must)\b|n't\b`)
	hasAdvice   = regexp.MustCompile(`(?i)\b(use|using|used|set|specify|specifies|allows?|option|can be|to do (this|so)|call|run|with)\b`)
)

// asksForm reports whether the question asks for an answer of a certain form.
func (s shape) asksForm() bool { return s.number || s.preset || s.why || s.moment }

// cue is a pattern of answers, and what it adds to the score of a passage if the question asks for it. A page can have
// thousands of passages, and to search a passage for a pattern takes longer than to split it into words. So each pattern is
// tried only near the words and numbers that every match of it contains.
type cue struct {
	asked   func(shape) bool
	pattern *regexp.Regexp
	bonus   float64
	words   string                         // separated by |; every match has one of them at a word's beginning, unless it has a number
	before  int                            // a match begins at most so many bytes before that word
	after   int                            // a match ends at most so many bytes after that word and the white space that follows; 0 means shortAfter
	ends    string                         // a match has none of these characters
	number  func(w string, next byte) bool // whether a match can have w, a word with a digit, followed by white space and next; nil means never
}

const shortAfter = 16

// The cues, in the order in which their bonuses are added.
var cues = []cue{
	{asked: func(s shape) bool { return s.number }, pattern: hasNumber, bonus: 0.10, number: func(string, byte) bool { return true },
		words: "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|sixty|hundred|thousand|million|billion|unlimited"},
	{asked: func(s shape) bool { return s.duration }, pattern: hasDuration, bonus: 0.20, number: unit("mshdwy"),
		words: "one|two|three|four|five|six|ten|fifteen|thirty|sixty"},
	{asked: func(s shape) bool { return s.size }, pattern: hasSize, bonus: 0.15, number: unit("%pbkmgtc"),
		words: "one|two|four|eight|sixteen"},
	{asked: func(s shape) bool { return s.preset }, pattern: hasPreset, bonus: 0.30, before: len("is the "), after: 60*4 + 8, ends: ".\n",
		words: "default|if omitted|if unspecified|if not "},
	{asked: func(s shape) bool { return s.preset }, pattern: saysDefault, bonus: 0.05, words: "default"},
	{asked: func(s shape) bool { return s.often }, pattern: hasOften, bonus: 0.15,
		words: "every|once|twice|per|each|hourly|daily|weekly|monthly|periodically|times"},
	{asked: func(s shape) bool { return s.extent }, pattern: hasExtent, bonus: 0.20}, // can begin with a number of any length
	{asked: func(s shape) bool { return s.best }, pattern: hasBest, bonus: 0.15,
		words: "most|best|preferred|recommended|safest|fastest|strongest|simplest|should use|should be use"},
	{asked: func(s shape) bool { return s.why }, pattern: hasReason, bonus: 0.12,
		words: "because|since|due to|reason|therefore|so that|as a result|this means|in order to|thus"},
	{asked: func(s shape) bool { return s.moment }, pattern: hasDate, bonus: 0.08,
		number: func(w string, _ byte) bool { return len(w) == 4 },
		words:  "january|february|march|april|may|june|july|august|september|october|november|december"},
	{asked: func(s shape) bool { return s.moment || s.condition }, pattern: hasCase, bonus: 0.06,
		words: "if|when|unless|only|once|after|until"},
	{asked: func(s shape) bool { return s.yesNo }, pattern: hasDenial, bonus: 0.08, before: len("n'"),
		words: "not|cannot|never|none|only|always|guaranteed|must|t"},
	{asked: func(s shape) bool { return s.method }, pattern: hasAdvice, bonus: 0.05,
		words: "use|using|set|specify|specifies|allow|option|can be|to do this|to do so|call|run|with"},
}

// unit returns a function that reports whether a unit can follow a number: the number's word has more than digits, or one
// of the given letters or a character outside ASCII comes next.
func unit(letters string) func(string, byte) bool {
	return func(w string, next byte) bool {
		return next >= 0x80 || strings.IndexByte(letters, lower(next)) >= 0 || strings.Trim(w, "0123456789") != ""
	}
}

// opening is a word with which a match of a cue begins, or that stands near its beginning.
type opening struct {
	word string
	cue  int
}

// openings has the words of all cues by their first letter.
var openings = func() (by ['z' + 1][]opening) {
	for i, c := range cues {
		for _, w := range strings.FieldsFunc(c.words, func(r rune) bool { return r == '|' }) {
			by[w[0]] = append(by[w[0]], opening{w, i})
		}
	}
	return by
}()

// fit returns the bonus for a text that has the form of an answer of this shape, or 0.
func (s shape) fit(text string) float64 {
	asked := uint(0)
	for i, c := range cues {
		if c.asked(s) {
			asked |= 1 << i
		}
	}
	if asked == 0 {
		return 0
	}
	found, bonus := cuesIn(text, asked), 0.0
	for i, c := range cues {
		if found&(1<<i) != 0 {
			bonus += c.bonus
		}
	}
	return bonus
}

// cuesIn returns which of the asked cues a text has. Bit i stands for cues[i].
func cuesIn(text string, asked uint) uint {
	found := uint(0)
	plain := strings.Contains(text, "ſ") || strings.Contains(text, "\u212a") // equal to s and k if case is ignored
	for i, c := range cues {
		if bit := uint(1) << i; asked&bit != 0 && (plain || c.words == "") {
			asked &^= bit
			if (plain || strings.ContainsAny(text, "0123456789")) && c.pattern.MatchString(text) {
				found |= bit
			}
		}
	}
	for from := 0; from < len(text) && asked != 0; {
		if !wordByte(text[from]) {
			from++
			continue
		}
		to, digit := from, false
		for ; to < len(text) && wordByte(text[to]); to++ {
			digit = digit || text[to] <= '9'
		}
		hit := nearWord(text, from, to, digit, asked)
		found |= hit
		asked &^= hit
		from = to
	}
	return found
}

// nearWord returns which of the asked cues a text has near its word from…to.
func nearWord(text string, from, to int, digit bool, asked uint) uint {
	found := uint(0)
	if first := lower(text[from]); first <= 'z' {
		for _, o := range openings[first] {
			if bit := uint(1) << o.cue; asked&bit != 0 && found&bit == 0 && begins(text[from:], o.word) && cues[o.cue].near(text, from, to) {
				found |= bit
			}
		}
	}
	if !digit {
		return found
	}
	next, at := byte(0), skipSpace(text, to)
	if at < len(text) {
		next = text[at]
	}
	for i := range cues {
		if bit := uint(1) << i; asked&bit != 0 && found&bit == 0 && cues[i].number != nil && cues[i].number(text[from:to], next) && cues[i].near(text, from, to) {
			found |= bit
		}
	}
	return found
}

// near reports whether the pattern matches near the word from…to. What it looks at begins and ends where words do, so the
// pattern sees the same boundaries as in the whole text.
func (c *cue) near(text string, from, to int) bool {
	after := c.after
	if after == 0 {
		after = shortAfter
	}
	start := from
	from, to = max(0, from-c.before), min(len(text), skipSpace(text, to)+after)
	if at := strings.IndexAny(text[start:to], c.ends); at >= 0 {
		to = start + at
	}
	for from > 0 && wordByte(text[from-1]) {
		from--
	}
	for to < len(text) && wordByte(text[to]) {
		to++
	}
	return c.pattern.MatchString(text[from:to])
}

// begins reports whether a text begins with a word in lower case, if case is ignored.
func begins(text, word string) bool {
	if len(text) < len(word) {
		return false
	}
	for i := range len(word) {
		if lower(text[i]) != word[i] {
			return false
		}
	}
	return true
}

// skipSpace returns where the white space ends that begins at a place.
func skipSpace(text string, at int) int {
	for at < len(text) && strings.IndexByte("\t\n\f\r ", text[at]) >= 0 {
		at++
	}
	return at
}

// lower returns an ASCII letter in lower case, and any other byte as it is.
func lower(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		b += 'a' - 'A'
	}
	return b
}

// wordByte reports whether regular expressions regard a byte as part of a word.
func wordByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_'
}
