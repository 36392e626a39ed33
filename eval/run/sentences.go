package main

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	sentenceEnd = regexp.MustCompile(`[.!?。！？]+["'”’)*]*((?:\s*\[\d+\])*)(\s+|$)`)
	citeMark    = regexp.MustCompile(`\s*\[(\d+)\]`)
	sourceLine  = regexp.MustCompile(`^\[\d+\]\s`)
	listMark    = regexp.MustCompile(`^\s*(?:[-*+•]|\d+[.)])\s+`)
	codeBlock   = regexp.MustCompile("(?s)```.*?(?:```|$)")
	blankLine   = regexp.MustCompile(`\n\s*\n`)
)

// statement is a sentence of an answer that states something, or a quoted block.
type statement struct {
	text  string
	marks []int // numbers of its citations
}

// statements lists the statements of an answer. A quoted block is one statement, and the source below the block is its
// citation. Headings, and lines that introduce a list, state nothing.
func statements(answer string) []statement {
	var out []statement
	paragraphs := blankLine.Split(codeBlock.ReplaceAllString(answer, ""), -1)
	for i, p := range paragraphs {
		p = strings.TrimSpace(p)
		if !strings.HasPrefix(p, ">") {
			for line := range strings.Lines(p) {
				out = append(out, inLine(strings.TrimSpace(listMark.ReplaceAllString(line, "")))...)
			}
			continue
		}
		marks := marksOf(p)
		if i+1 < len(paragraphs) {
			if next := strings.TrimSpace(paragraphs[i+1]) + " "; sourceLine.MatchString(next) {
				marks = append(marks, marksOf(sourceLine.FindString(next))...)
			}
		}
		out = append(out, statement{text: strings.TrimSpace(strings.ReplaceAll("\n"+p, "\n>", "\n")), marks: marks})
	}
	return out
}

func inLine(line string) []statement {
	if strings.HasPrefix(line, "#") || strings.HasSuffix(line, ":") || sourceLine.MatchString(line) {
		return nil
	}
	var out []statement
	for line != "" {
		end := len(line)
		if m := sentenceEnd.FindStringIndex(line); m != nil {
			end = m[1]
		}
		sentence := line[:end]
		line = line[end:]
		text := strings.TrimSpace(citeMark.ReplaceAllString(sentence, ""))
		if len(strings.Fields(text)) >= 3 {
			out = append(out, statement{text: text, marks: marksOf(sentence)})
		}
	}
	return out
}

// marksOf lists the numbers of the markers in a text.
func marksOf(text string) []int {
	var out []int
	for _, m := range citeMark.FindAllStringSubmatch(text, -1) {
		if n, err := strconv.Atoi(m[1]); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// countSentences counts the statements of an answer, and how many of them have a citation.
func countSentences(answer string) (all, cited int) {
	for _, s := range statements(answer) {
		all++
		cited += count(len(s.marks) > 0)
	}
	return all, cited
}
