package agent

import (
	"slices"

	"legwork/internal/research"
)

// questionWithContext is what passages and links are matched with: the question and, for a follow-up that names nothing
// itself ("What is its default?"), the earlier questions, of which the latest that does names what it is about.
func questionWithContext(t research.Task) string {
	if t.Context == nil || newQuestion(t.Question, "", nil).named() {
		return t.Question
	}
	text := t.Question
	for _, q := range slices.Backward(t.Context.Questions) {
		text += "\n" + q
		if newQuestion(q, "", nil).named() {
			break
		}
	}
	return text
}

// inheritedPages are the pages of the parent's evidence, each once. Nothing was loaded for them, and their links are not
// known.
func inheritedPages(evidence []research.Inherited) []opened {
	var out []opened
	for _, e := range evidence {
		if slices.ContainsFunc(out, func(o opened) bool { return o.PageID == e.PageID && o.URL == e.URL }) {
			continue
		}
		out = append(out, opened{Outcome: research.OutcomeOK, URL: e.URL, VisitID: e.VisitID, PageID: e.PageID, Title: e.Title,
			Language: e.Language, Chars: e.Chars, Passages: e.Passages, inherited: true})
	}
	return out
}

// pagesRead is how many of the pages this task itself read.
func pagesRead(pages []opened) int {
	n := 0
	for _, o := range pages {
		if !o.inherited {
			n++
		}
	}
	return n
}
