package main

import (
	"regexp"
	"strings"
)

var (
	sentenceEnd = regexp.MustCompile(`[.!?。！？]+["'”’)*]*((?:\s*\[\d+\])*)(\s+|$)`)
	citeMark    = regexp.MustCompile(`\[\d+\]`)
	sourceLine  = regexp.MustCompile(`^\[\d+\]\s`)
	listMark    = regexp.MustCompile(`^\s*(?:[-*+•]|\d+[.)])\s+`)
	codeBlock   = regexp.MustCompile("(?s)```.*?(?:```|$)")
)

// countSentences counts the sentences of an answer that state something, and how many of them have a citation. A
// quoted block is one sentence, and the source below the block is its citation. Headings, and lines that introduce a
// list, state nothing.
func countSentences(answer string) (all, cited int) {
	paragraphs := regexp.MustCompile(`\n\s*\n`).Split(codeBlock.ReplaceAllString(answer, ""), -1)
	for i, p := range paragraphs {
		p = strings.TrimSpace(p)
		if strings.HasPrefix(p, ">") {
			all++
			next := ""
			if i+1 < len(paragraphs) {
				next = strings.TrimSpace(paragraphs[i+1])
			}
			cited += count(citeMark.MatchString(p) || sourceLine.MatchString(next+" "))
			continue
		}
		for line := range strings.Lines(p) {
			a, c := countInLine(strings.TrimSpace(listMark.ReplaceAllString(line, "")))
			all, cited = all+a, cited+c
		}
	}
	return all, cited
}

func countInLine(line string) (all, cited int) {
	if strings.HasPrefix(line, "#") || strings.HasSuffix(line, ":") || sourceLine.MatchString(line) {
		return 0, 0
	}
	for line != "" {
		end := len(line)
		if m := sentenceEnd.FindStringIndex(line); m != nil {
			end = m[1]
		}
		sentence := line[:end]
		line = line[end:]
		if len(strings.Fields(citeMark.ReplaceAllString(sentence, ""))) < 3 {
			continue
		}
		all++
		cited += count(citeMark.MatchString(sentence))
	}
	return all, cited
}
