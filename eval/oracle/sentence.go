package main

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"legwork/eval/questions"
)

// sentenceEnd matches the end of a sentence with the white space behind it.
var sentenceEnd = regexp.MustCompile(`[.!?]["'”’)]*\s+|[。！？]\s*`)

// maxLines is the greatest number of lines over which an accepted text may stretch.
const maxLines = 8

// passage is a text that was shown of a page, with the headings that were shown above it.
type passage struct{ headings, text string }

// sentence is sentenceWith for a passage, whose headings may have part.After.
func (p passage) sentence(part questions.Part) string {
	return sentenceWith(p.text, p.below(part))
}

// below returns a part without its After if the headings of the passage have it.
func (p passage) below(part questions.Part) questions.Part {
	if part.After != "" && questions.ContainsAny(p.headings, []string{part.After}) {
		part.After = ""
	}
	return part
}

// sentenceWith returns the shortest run of sentences of a text that has an accepted text of the part, at most
// questions.MaxExcerpt long. With part.After, only the first one behind it counts. It returns "" if there is none.
func sentenceWith(text string, part questions.Part) string {
	if part.After != "" {
		at := indexAfter(text, part.After)
		if at < 0 {
			return ""
		}
		text = text[at:]
	}
	if !questions.ContainsAny(text, part.Accept) {
		return ""
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		for n := 1; n <= maxLines && i+n <= len(lines); n++ {
			window := strings.Join(lines[i:i+n], "\n")
			if !questions.ContainsAny(window, part.Accept) {
				continue
			}
			if n > 1 && questions.ContainsAny(strings.Join(lines[i+1:i+n], "\n"), part.Accept) {
				break // a later window has it without the first line
			}
			return shortest(window, part.Accept)
		}
	}
	return ""
}

// shortest returns the shortest run of sentences of a text that has an accepted text.
func shortest(text string, accept []string) string {
	var parts []string
	for rest := text; rest != ""; {
		end := len(rest)
		if m := sentenceEnd.FindStringIndex(rest); m != nil {
			end = m[1]
		}
		parts, rest = append(parts, rest[:end]), rest[end:]
	}
	for n := 1; n <= len(parts); n++ {
		for i := 0; i+n <= len(parts); i++ {
			run := strings.TrimSpace(strings.Join(parts[i:i+n], ""))
			if questions.ContainsAny(run, accept) && utf8.RuneCountInString(run) <= questions.MaxExcerpt {
				return run
			}
		}
	}
	for _, a := range accept { // the sentence is too long for a quote
		if questions.ContainsAny(text, []string{a}) {
			return a
		}
	}
	return ""
}

// indexAfter returns the position behind the first occurrence of a text that is compared as questions.Normalise does, or
// -1. The position is that of a line or a word.
func indexAfter(text, after string) int {
	after = questions.Normalise(after)
	if !strings.Contains(questions.Normalise(text), after) {
		return -1
	}
	for at := range ends(text) {
		if strings.HasSuffix(questions.Normalise(text[max(0, at-2*len(after)-markup):at]), after) {
			return at
		}
	}
	return -1
}

// markup is the number of bytes by which a text may be longer than its normalised form.
const markup = 200

// ends yields the positions behind the words of a text.
func ends(text string) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for i, r := range text {
			if (r == ' ' || r == '\n') && i > 0 && !yield(i) {
				return
			}
		}
		yield(len(text))
	}
}

// withMore returns a quote that ends with the sentence of the passage and begins with part.After, or as many words before
// the sentence as a quote may have.
func (p passage) withMore(part questions.Part) string {
	below := p.below(part)
	sentence, from, begin := sentenceWith(p.text, below), 0, 0
	if below.After != "" {
		from = max(0, indexAfter(p.text, below.After))
		begin = max(0, from-len(below.After))
	}
	at := strings.Index(p.text[from:], sentence)
	if sentence == "" || at < 0 {
		return part.Accept[0]
	}
	runes := []rune(strings.ToValidUTF8(p.text[begin:from+at+len(sentence)], ""))
	if len(runes) > longerQuote {
		runes = runes[len(runes)-longerQuote:]
		if i := strings.IndexAny(string(runes), " \n"); i >= 0 {
			return strings.TrimSpace(string(runes)[i:])
		}
	}
	return strings.TrimSpace(string(runes))
}

// moreSentences returns further sentences of a text, each long enough to say something.
func moreSentences(text, but string) []string {
	var out []string
	for line := range strings.Lines(inTag(text)) {
		line = strings.TrimSpace(line)
		if strings.ContainsAny(line, "|<>") || utf8.RuneCountInString(line) < leastMore || !strings.HasSuffix(line, ".") {
			continue
		}
		for _, s := range sentencesOf(line) {
			if n := utf8.RuneCountInString(s); n >= leastMore && n <= questions.MaxExcerpt && !strings.Contains(but, s) && !strings.Contains(s, but) {
				if out = append(out, s); len(out) == moreOfReport {
					return out
				}
			}
		}
	}
	return out
}

// sentencesOf splits a text into sentences without white space around them.
func sentencesOf(text string) []string {
	var out []string
	for rest := text; rest != ""; {
		end := len(rest)
		if m := sentenceEnd.FindStringIndex(rest); m != nil {
			end = m[1]
		}
		if s := strings.TrimSpace(rest[:end]); s != "" {
			out = append(out, s)
		}
		rest = rest[end:]
	}
	return out
}
