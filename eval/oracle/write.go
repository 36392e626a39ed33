package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"legwork/eval/questions"
)

// reply answers a request: with a call while a question is researched, with verdicts where sentences are to be judged, and
// else with a text that is written from the quotes.
func (o *oracle) reply(in request) reply {
	last := in.Messages[len(in.Messages)-1].text()
	if strings.Contains(last, "\nPair 1\n") {
		return reply{text: judgePairs(last)}
	}
	q, known := o.questionOf(in.Messages)
	if !known {
		return reply{text: asked(last)}
	}
	if len(in.Tools) > 0 {
		c := o.conversationOf(q, in.Messages, in.Tools)
		switch call := c.research(); {
		case call == nil || call.Name == "done" && c.noDone:
			return reply{text: "DONE"}
		case c.alsoDone && !c.noDone:
			return reply{call: call, also: &done}
		default:
			return reply{call: call}
		}
	}
	all := quotesIn(last)
	switch {
	case strings.HasSuffix(last, "Plan the report now."):
		return reply{text: planReport(q.Text, all)}
	case strings.HasSuffix(last, "Finish the report now."):
		return reply{text: finishReport(all)}
	}
	return reply{text: writeAnswer(all)}
}

// quote is a numbered quote of a prompt.
type quote struct {
	number string
	url    string
	title  string
	text   string
}

var quoteHead = regexp.MustCompile(`(?m)^\[(\d+)\] from (\S+).*\n<(page-text-[0-9a-f]+)>\n`)

// quotesIn reads the numbered quotes of a prompt: a line "[1] from URL", and the title and the text in a tag.
func quotesIn(prompt string) []quote {
	var out []quote
	for _, m := range quoteHead.FindAllStringSubmatchIndex(prompt, -1) {
		body, _, _ := strings.Cut(prompt[m[1]:], "\n</"+prompt[m[6]:m[7]]+">")
		q := quote{number: prompt[m[2]:m[3]], url: prompt[m[4]:m[5]], text: body}
		if title, text, ok := strings.Cut(body, "\n\n"); ok {
			q.title, q.text = title, withoutContext(text)
		}
		out = append(out, q)
	}
	return out
}

// withoutContext removes the text before and after a quote, which a prompt may show in lines that begin with these words.
func withoutContext(text string) string {
	if strings.HasPrefix(text, "(before) ") {
		_, text, _ = strings.Cut(text, "\n")
	}
	if at := strings.LastIndex(text, "\n(after) "); at >= 0 {
		text = text[:at]
	}
	return strings.TrimSpace(text)
}

// planReport plans a section for each page.
func planReport(title string, all []quote) string {
	type section struct {
		Heading string   `json:"heading"`
		Quotes  []string `json:"quotes"`
	}
	var sections []section
	at := map[string]int{}
	for _, q := range all {
		i, ok := at[q.url]
		if !ok {
			i, at[q.url] = len(sections), len(sections)
			sections = append(sections, section{Heading: fmt.Sprintf("%s (%d)", q.title, i+1)})
		}
		sections[i].Quotes = append(sections[i].Quotes, q.number)
	}
	raw, err := json.Marshal(map[string]any{"title": title, "sections": sections})
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(raw)
}

// summarised is the number of quotes that the summary of a report repeats.
const summarised = 3

// finishReport writes the summary of a report from the first quotes, and the other parts of the last pass.
func finishReport(all []quote) string {
	return "SUMMARY\n" + writeAnswer(all[:min(len(all), summarised)]) + "\n\nOPEN QUESTIONS\n- none\n\nLIMITS\n- All sources are pages of one manual.\n\n" +
		"CONTRADICTIONS\n- none\n\nCORRECTIONS\n- none"
}

// writeAnswer writes a paragraph of each quote, word for word, with its marker behind each sentence.
func writeAnswer(all []quote) string {
	var lines []string
	for _, q := range all {
		lines = append(lines, marked(q))
	}
	return strings.Join(lines, "\n\n")
}

var listMark = regexp.MustCompile(`^\s*(?:[-*+•]|\d+[.)])\s+`)

// marked returns the sentences of a quote on one line, each with its marker.
func marked(q quote) string {
	var plain []string
	for line := range strings.Lines(q.text) {
		line = strings.TrimSpace(strings.ReplaceAll(listMark.ReplaceAllString(line, ""), "|", " "))
		if line != "" {
			plain = append(plain, line)
		}
	}
	var out []string
	for _, s := range sentencesOf(strings.Join(strings.Fields(strings.Join(plain, " ")), " ")) {
		out = append(out, strings.TrimRight(s, ".。:; ")+" ["+q.number+"].")
	}
	return strings.Join(out, " ")
}

var pairOf = regexp.MustCompile(`(?s)\nPair (\d+)\n<page-text-[0-9a-f]+>\nSentence: (.*?)\n(?:Under: [^\n]*\n)?Quote: (.*?)\n</page-text-`)

// judgePairs judges pairs of a sentence and a quote: supported if the quote has all letters of the sentence in their
// order, else partial.
func judgePairs(prompt string) string {
	type verdict struct {
		Pair    json.Number `json:"pair"`
		Verdict string      `json:"verdict"`
	}
	out := []verdict{}
	for _, m := range pairOf.FindAllStringSubmatch(prompt, -1) {
		v := verdict{Pair: json.Number(m[1]), Verdict: "partial"}
		if strings.Contains(letters(m[3]), letters(m[2])) {
			v.Verdict = "supported"
		}
		out = append(out, v)
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(raw)
}

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, questions.Normalise(s))
}
