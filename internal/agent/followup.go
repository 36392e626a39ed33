package agent

import (
	"slices"

	"legwork/internal/agent/ranking"
	"legwork/internal/research"
)

// QuestionWithContext is the text that passages and links are matched with. It is the question. A follow-up that
// names nothing itself ("What is its default?") also has the earlier questions, back to the latest one that
// names its subject.
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

// InheritedPages are the pages of the parent's evidence, each once. They were not loaded, and their links are
// unknown.
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

// PagesRead is the number of pages that this task read itself.
func PagesRead(pages []Opened) int {
	n := 0
	for _, o := range pages {
		if !o.Inherited {
			n++
		}
	}
	return n
}
