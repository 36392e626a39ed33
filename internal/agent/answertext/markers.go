package answertext

import (
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"legwork/internal/agent/ranking"
)

// Checked is an answer whose markers were checked.
type Checked struct {
	Text        string
	Used        []int // numbers of the quotes that the markers point at: marker n points at quote Used[n-1]
	Invalid     int   // number of markers that pointed at no quote and were removed
	Sentences   int   // number of sentences that state something
	Unsupported int   // how many of these sentences have no marker
}

var (
	marker    = regexp.MustCompile(`[ \t]?[\[【](\s*\^?\d{1,4}\s*(?:[,;–-]\s*\^?\d{1,4}\s*)*)[\]】]`)
	oneNumber = regexp.MustCompile(`\d+|[–-]`)
	codeSpan  = regexp.MustCompile("(?s)```.*?(?:```|$)|`[^`\n]*`")
)

// Check renumbers the markers of an answer in the order of their first use, and removes markers whose number is not that
// of one of the n quotes. It does not change code.
func Check(text string, n int) Checked { return CheckFrom(nil, text, n) }

// CheckFrom is Check for a part of a longer text: used are the quotes that the parts before it use, in the order of
// their markers. The field Used of the result begins with them.
func CheckFrom(used []int, text string, n int) Checked {
	c := Checked{Used: slices.Clone(used)}
	var b strings.Builder
	at := 0
	for _, code := range append(codeSpan.FindAllStringIndex(text, -1), []int{len(text), len(text)}) {
		b.WriteString(marker.ReplaceAllStringFunc(text[at:code[0]], func(m string) string { return c.renumber(m, n) }))
		b.WriteString(text[code[0]:code[1]])
		at = code[1]
	}
	c.Text = strings.TrimSpace(b.String())
	c.Sentences, c.Unsupported = countSentences(c.Text)
	return c
}

// Restrict removes the markers of quotes that are not allowed, and writes the others as [1]. Their numbers stay the same. It
// does not change code.
func Restrict(text string, n int, allowed func(number int) bool) string {
	return strings.TrimSpace(outsideCode(text, func(s string) string {
		return marker.ReplaceAllStringFunc(s, func(m string) string {
			out := ""
			for _, v := range numbersOf(m, n) {
				if mark := fmt.Sprintf("[%d]", v); allowed(v) && !strings.Contains(out, mark) {
					out += mark
				}
			}
			if out != "" && (m[0] == ' ' || m[0] == '\t') {
				out = " " + out
			}
			return out
		})
	}))
}

// numbersOf reads the numbers of one marker, which may name several quotes or a range of them.
func numbersOf(m string, n int) []int {
	var numbers []int
	upTo := false
	for _, part := range oneNumber.FindAllString(m, -1) {
		v, err := strconv.Atoi(part)
		if err != nil {
			upTo = true
			continue
		}
		if last := len(numbers) - 1; upTo && last >= 0 && v > numbers[last] && v <= n {
			for k := numbers[last] + 1; k < v; k++ {
				numbers = append(numbers, k)
			}
		}
		upTo = false
		numbers = append(numbers, v)
	}
	return numbers
}

// renumber rewrites one marker.
func (c *Checked) renumber(m string, n int) string {
	out := ""
	for _, v := range numbersOf(m, n) {
		if v < 1 || v > n {
			c.Invalid++
			continue
		}
		i := slices.Index(c.Used, v)
		if i < 0 {
			c.Used, i = append(c.Used, v), len(c.Used)
		}
		if mark := fmt.Sprintf("[%d]", i+1); !strings.Contains(out, mark) {
			out += mark
		}
	}
	if out != "" && (m[0] == ' ' || m[0] == '\t') {
		out = " " + out
	}
	return out
}

var (
	sentenceStop = regexp.MustCompile(`[.!?]+["'”’)*]*(?:\s*\[\d+\])*(?:\s+|$)|[。！？｡．]+["'”’）)」』*]*(?:\s*\[\d+\])*\s*`)
	// HasMarker matches a marker as Check writes it.
	HasMarker = regexp.MustCompile(`\[\d+\]`)
	bullet    = regexp.MustCompile(`^\s*(?:[-*+•]|\d+[.)])\s+`)
)

// countSentences counts the sentences that state something, and how many of them have no marker.
func countSentences(text string) (all, unsupported int) {
	for sentence := range Sentences(text) {
		all++
		if !HasMarker.MatchString(sentence) {
			unsupported++
		}
	}
	return all, unsupported
}

// Sentences yields the sentences that state something. It leaves out headings, code, the heads of tables, and lines that
// introduce a list. A marker after a full stop belongs to the sentence before the full stop. In scripts without spaces,
// a sentence ends at a full stop or at the end of its line.
func Sentences(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for s := range SentencePlaces(text) {
			if !yield(text[s.Start:s.End]) {
				return
			}
		}
	}
}

// Place is a part of a text, in bytes. End is exclusive.
type Place struct{ Start, End int }

// SentencePlaces yields the places of the sentences that Sentences yields.
func SentencePlaces(text string) iter.Seq[Place] {
	return func(yield func(Place) bool) {
		masked := codeSpan.ReplaceAllStringFunc(text, func(code string) string { return strings.Repeat("x", len(code)) })
		lines := strings.Split(masked, "\n")
		next := 0
		for i, whole := range lines {
			at := next
			next += len(whole) + 1
			line := strings.TrimRightFunc(whole, unicode.IsSpace)
			begun := strings.TrimLeftFunc(line[len(bullet.FindString(line)):], unicode.IsSpace)
			at += len(line) - len(begun)
			line = begun
			if strings.HasPrefix(line, "#") || strings.HasSuffix(line, ":") || strings.HasSuffix(line, "：") || tableRule.MatchString(line) ||
				i+1 < len(lines) && strings.Contains(line, "|") && tableRule.MatchString(strings.TrimSpace(lines[i+1])) {
				continue
			}
			for line != "" {
				end := len(line)
				if m := sentenceStop.FindStringIndex(line); m != nil {
					end = m[1]
				}
				if states(HasMarker.ReplaceAllString(line[:end], "")) && !yield(Place{at, at + end}) {
					return
				}
				line, at = line[end:], at+end
			}
		}
	}
}

var (
	tableRule = regexp.MustCompile(`^\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?$`) // the line below the head of a table
	spaceless = regexp.MustCompile(`[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]`)
)

// minSpaceless is the length, in letters, from which a text in a script without spaces counts as a sentence.
const minSpaceless = 5

// states reports whether a text is long enough to state something: three words, or minSpaceless letters of a script without spaces.
func states(s string) bool {
	return len(ranking.WordsOf(s)) >= 3 || len(spaceless.FindAllStringIndex(s, minSpaceless)) >= minSpaceless
}
