package agent

import (
	"slices"

	"legwork/internal/agent/ranking"
	"legwork/internal/research"
)

// QuestionWithContext returns the text that passages and links are compared with. Usually it is the task's question. If
// a follow-up's question contains no name ("What is its default?"), the text also has the earlier questions, back to the
// latest one that contains a name.
func QuestionWithContext(t research.Task) string {
	if t.Context == nil || ranking.NewQuestion(t.Question, "").Named() {
		return t.Question
	}
	text := t.Question
	for _, q := range slices.Backward(t.Context.Questions) {
		text += "\n" + q
		if ranking.NewQuestion(q, "").Named() {
			break
		}
	}
	return text
}

// EarlierQuestions returns the questions of the tasks before a follow-up, oldest first.
func EarlierQuestions(t research.Task) []string {
	if t.Context == nil {
		return nil
	}
	return t.Context.Questions
}

// InheritedPages returns the pages of the parent's evidence, each once. This task did not load them, so their links are
// not known.
func InheritedPages(evidence []research.Inherited) []Opened {
	var out []Opened
	for _, e := range evidence {
		if slices.ContainsFunc(out, func(o Opened) bool { return o.PageID == e.PageID && o.URL == e.URL }) {
			continue
		}
		out = append(out, Opened{Outcome: research.OutcomeOK, URL: e.URL, VisitID: e.VisitID, PageID: e.PageID, Title: e.Title,
			Language: e.Language, Chars: e.Chars, Passages: e.Passages, Inherited: true,
			PublishedAt: e.PublishedAt, ModifiedAt: e.ModifiedAt, Kind: e.Kind})
	}
	return out
}

// PagesRead returns the number of pages that this task read itself. Pages inherited from the parent do not count.
func PagesRead(pages []Opened) int {
	n := 0
	for _, o := range pages {
		if !o.Inherited {
			n++
		}
	}
	return n
}
