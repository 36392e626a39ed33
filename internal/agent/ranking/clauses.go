package ranking

import (
	"regexp"
	"strings"
)

// maxClauses bounds the questions that one question is read as.
const maxClauses = 4

var (
	// furtherQuestion matches where a question goes on with another one: ", and which …", " and how long …".
	furtherQuestion = regexp.MustCompile(`(?i)(?:[?;]\s+|,?\s+(?:and|und|et|y|e)\s+)((?:in |at |by |of |to |for |from )?(?:which|what|how|when|why|who|whose|where|welche[rsnm]?|was|wie|wann|warum|wer|wo|quel(?:le)?s?|comment|quand|pourquoi|combien|cuál(?:es)?|cómo|cuándo|cuánto|qué)\b)`) //nolint:misspell // not English
	// furtherStatement matches where it goes on with one that is answered by yes or no.
	furtherStatement = regexp.MustCompile(`(?i),\s+and\s+((?:is|are|does|do|can|may|must|was|were|has|have)\b)`)
	// compares matches questions that compare two things, and pair the two words that name them.
	compares = regexp.MustCompile(`(?i)\b(differ|differs|difference|differences|compare|compared|versus|vs|unterschied|unterscheiden|différence|diferencia)\b`)
	pair     = regexp.MustCompile(`(?i)(\S+) (?:and|or|und|et|y|e|vs\.?|versus) ([^\s?.,]+)`)
)

// Clauses returns the questions that a question consists of, which different passages may answer: those that follow each
// other, and one for each of two things that are compared. For a simple question it returns nil.
func Clauses(question string) []string {
	question = strings.TrimSpace(question)
	var out []string
	rest := question
	for len(out) < maxClauses-1 {
		at := furtherQuestion.FindStringSubmatchIndex(rest)
		if at == nil {
			at = furtherStatement.FindStringSubmatchIndex(rest)
		}
		if at == nil || at[0] == 0 {
			break
		}
		out = append(out, strings.TrimSpace(rest[:at[0]]))
		rest = rest[at[2]:]
	}
	if len(out) > 0 {
		return append(out, rest)
	}
	if at := pair.FindStringSubmatchIndex(question); at != nil && compares.MatchString(question) {
		return []string{question[:at[3]] + question[at[5]:], question[:at[2]] + question[at[4]:]}
	}
	return nil
}
