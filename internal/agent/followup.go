package agent

import (
	"slices"

	"legwork/internal/agent/ranking"
	"legwork/internal/research"
)

// QuestionWithContext is what passages and links are matched with: the question and, for a follow-up that names nothing
// itself ("What is its default?"), the earlier questions, of which the latest that does names what it is about.
func QuestionWithContext(t research.Task) string {
	if t.Context == nil || ranking.NewQuestion(t.Question, "", nil).Named() {
		return t.Question
	}
	text := t.Question
	for _, q := range slices.Backward(t.Context.Questions) {
		text += "\n" + q
		if ranking.NewQuestion(q, "", nil).Named() {
			break
		}
	}
	return text
}

// InheritedPages are the pages of the parent's evidence, each once. Nothing was loaded for them, and their links are not
// known.
func InheritedPages(evidence []research.Inherited) []Opened {
	var out []Opened
	for _, e := range evidence {
		if slices.ContainsFunc(out, func(o Opened) bool { return o.PageID == e.PageID && o.URL == e.URL }) {
			continue
		}
		out = append(out, Opened{Outcome: research.OutcomeOK, URL: e.URL, VisitID: e.VisitID, PageID: e.PageID, Title: e.Title,
			Language: e.Language, Chars: e.Chars, Passages: e.Passages, Inherited: true})
	}
	return out
}

// PagesRead is how many of the pages this task itself read.
func PagesRead(pages []Opened) int {
	n := 0
	for _, o := range pages {
		if !o.Inherited {
			n++
		}
	}
	return n
}
