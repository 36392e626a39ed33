package report

import (
	"context"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"legwork/internal/agent/answertext"
	"legwork/internal/agent/prompts"
	"legwork/internal/research"
)

// maxEarlier is how much of the earlier sections the prompt for a section has, in bytes.
const maxEarlier = 8000

// sections writes the sections in their order, until all are written or no further call is possible.
func (d *draft) sections(ctx context.Context) error {
	left := d.words - d.summaryWords() - d.endWords()
	ratio := 1.0 // words that the model writes for each word that it is asked for
	for i := range d.Sections {
		s := &d.Sections[i]
		part := Part{Purpose: ForSection, Number: s.N, Of: len(d.Sections), Heading: s.Heading}
		if !d.Ready(part) {
			d.note("the budget ended before the section %q was written", s.Heading)
			return nil
		}
		d.publish(i)
		want := max(leastPerPart, float64(left)*weight(*s)/d.weightFrom(i))
		m, err := d.messages("section", map[string]any{"Title": d.Title, "Sections": d.Sections, "N": s.N, "Heading": s.Heading,
			"Written": d.earlier(i), "Evidence": d.listed(s.Quotes, d.Window/quotesPerShare), "Words": rounded(want / ratio)})
		if err != nil {
			return err
		}
		t, err := d.Model(ctx, Call{Part: part, Messages: m, MaxTokens: tokensFor(rounded(want / ratio)), Stream: d.Stream})
		if err != nil {
			return err
		}
		s.Text = d.tidy(t.Text, *s)
		n := Words(s.Text)
		left -= n
		switch {
		case t.Flaw != "":
			d.note("the section %q is incomplete: %s", s.Heading, t.Flaw)
		case s.Text == "":
			d.note("the model wrote nothing for the section %q", s.Heading)
		default:
			ratio = min(max((ratio+float64(n)/(want/ratio))/2, 0.4), 2.5)
			if i == 0 {
				ratio = min(max(float64(n)/want, 0.4), 2.5)
			}
		}
		if t.Over {
			return nil
		}
	}
	d.publish(len(d.Sections))
	return nil
}

func (d *draft) summaryWords() int {
	return min(max(d.words/summaryShare, leastSummary), mostSummary)
}

// endWords is how many words open questions and limits may have together.
func (d *draft) endWords() int { return min(d.words/endShare, mostEnd) }

// weight is the share of a section in the length of the report: it grows with the number of quotes, but slower.
func weight(s section) float64 { return 1 + math.Sqrt(float64(len(s.Quotes))) }

func (d *draft) weightFrom(i int) float64 {
	sum := 0.0
	for _, s := range d.Sections[i:] {
		sum += weight(s)
	}
	return sum
}

// rounded rounds a number of words to tens, as a person would name it.
func rounded(words float64) int { return max(leastPerPart, int(math.Round(words/10))*10) }

// earlier returns the sections before this one, for the prompt. Long ones are cut.
func (d *draft) earlier(i int) string {
	written := slices.DeleteFunc(slices.Clone(d.Sections[:i]), func(s section) bool { return s.Text == "" })
	var b strings.Builder
	for _, s := range written {
		b.WriteString("## " + s.Heading + "\n\n" + research.Truncate(prompts.Defuse(s.Text), maxEarlier/len(written)) + "\n\n")
	}
	return strings.TrimSpace(b.String())
}

var (
	heading      = regexp.MustCompile(`^[ \t]{0,3}(#{1,6})[ \t]+(.*?)[ \t#]*$`)
	boldLine     = regexp.MustCompile(`^[ \t]*\*\*(.+?)\*\*:?[ \t]*$`)
	fence        = regexp.MustCompile("^[ \t]{0,3}(?:```|~~~)")
	namedSection = regexp.MustCompile(`(?i)^(?:section|abschnitt|teil|part|chapter|kapitel)?\s*\d{0,2}\s*[.:)–-]*\s*`)
)

// tidy cleans the text of a section: without its own heading, without headings of a higher level than ###, and without
// markers of quotes that the model was not shown.
func (d *draft) tidy(text string, s section) string {
	text = d.clean(text, s.Quotes)
	lines := strings.Split(text, "\n")
	for len(lines) > 0 && (strings.TrimSpace(lines[0]) == "" || d.ownHeading(lines[0], s)) {
		lines = lines[1:]
	}
	code := false
	for i, line := range lines {
		if fence.MatchString(line) {
			code = !code
		}
		if m := heading.FindStringSubmatch(line); m != nil && !code {
			lines[i] = strings.Repeat("#", min(max(len(m[1]), 3), 6)) + " " + m[2]
		}
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// ownHeading reports whether a line at the beginning of a section is the section's heading, or the report's title.
func (d *draft) ownHeading(line string, s section) bool {
	title := ""
	if m := heading.FindStringSubmatch(line); m != nil {
		title = m[2]
	} else if m := boldLine.FindStringSubmatch(line); m != nil {
		title = m[1]
	}
	title = letters(namedSection.ReplaceAllString(plainLine(title, maxHeading), ""))
	return title != "" && (title == letters(s.Heading) || title == letters(d.Title))
}

// letters returns the letters and digits of a text in lower case.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// clean cleans a text that the model wrote, and removes the markers of quotes that it was not shown. The other markers
// keep their numbers.
func (w *Writer) clean(text string, shown []int) string {
	urls := make([]string, len(w.Quotes))
	for i, q := range w.Quotes {
		urls[i] = q.URL
	}
	text = answertext.Clean(text, len(w.Quotes), answertext.Cited(urls...))
	return answertext.Restrict(text, len(w.Quotes), func(n int) bool { return slices.Contains(shown, n) })
}

// Words counts the words of a Markdown text, without markers. In scripts without spaces between words, two letters count
// as a word.
func Words(text string) int {
	text = answertext.HasMarker.ReplaceAllString(text, "")
	words, dense := 0, 0
	for _, field := range strings.Fields(text) {
		plain := false
		for _, r := range field {
			switch {
			case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
				dense++
			case unicode.IsLetter(r) || unicode.IsNumber(r):
				plain = true
			}
		}
		if plain {
			words++
		}
	}
	return words + (dense+1)/2
}
